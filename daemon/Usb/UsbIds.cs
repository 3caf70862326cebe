// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>Names that usb.ids gives an id; null where it has none.</summary>
internal readonly record struct UsbNames(string? Vendor, string? Product);

/// <summary>
/// Names from the system's usb.ids. The file is streamed once for all ids that are wanted at a time, and what was found is kept
/// for some: the whole of it would take megabytes that nobody looks at.
/// </summary>
internal sealed class UsbIds(UsbHostOptions options)
{
    private const int MostKept = 512;

    private readonly Lock gate = new();
    private readonly Dictionary<UsbId, UsbNames> kept = [];

    public UsbNames Find(UsbId id)
    {
        lock (gate)
        {
            if (!kept.TryGetValue(id, out var names))
            {
                Load([id]);
                names = kept.GetValueOrDefault(id);
            }

            return names;
        }
    }

    /// <summary>Looks up many in one go, so that <see cref="Find"/> has them at hand.</summary>
    public void Prefetch(IEnumerable<UsbId> ids)
    {
        lock (gate)
        {
            var missing = ids.Where(id => !kept.ContainsKey(id)).Take(MostKept).ToHashSet();
            if (missing.Count > 0)
            {
                Load(missing);
            }
        }
    }

    private void Load(HashSet<UsbId> wanted)
    {
        if (kept.Count + wanted.Count > MostKept)
        {
            kept.Clear();
        }

        foreach (var id in wanted)
        {
            kept[id] = default;
        }

        try
        {
            if (options.UsbIdFiles.FirstOrDefault(File.Exists) is { } path)
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
                Scan(stream, wanted, kept);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Names are a convenience: without the file there are none.
        }
    }

    /// <summary>
    /// Reads <c>vvvv  Vendor</c> and, below it, tab <c>pppp  Product</c>. Whatever else there is (comments, classes, languages,
    /// lines that make no sense or have no end) is passed over.
    /// </summary>
    internal static void Scan(Stream source, IReadOnlySet<UsbId> wanted, Dictionary<UsbId, UsbNames> found)
    {
        var vendors = wanted.Select(id => id.Vendor).ToHashSet();
        var buffer = new byte[16 * 1024];
        var state = new ScanState(wanted, vendors, found);
        var count = 0;
        var skipping = false;
        int got;
        while ((got = source.Read(buffer, count, buffer.Length - count)) > 0)
        {
            count += got;
            var start = 0;
            int end;
            while ((end = buffer.AsSpan(start, count - start).IndexOf((byte)'\n')) >= 0)
            {
                if (!skipping)
                {
                    state.Take(buffer.AsSpan(start, end));
                }

                skipping = false;
                start += end + 1;
            }

            buffer.AsSpan(start, count - start).CopyTo(buffer);
            count -= start;
            if (count == buffer.Length)
            {
                skipping = true;
                count = 0;
            }
        }

        if (!skipping)
        {
            state.Take(buffer.AsSpan(0, count));
        }
    }

    private sealed class ScanState(IReadOnlySet<UsbId> wanted, HashSet<ushort> vendors, Dictionary<UsbId, UsbNames> found)
    {
        private const int MostName = 200;

        private ushort? vendor;

        public void Take(ReadOnlySpan<byte> line)
        {
            if (line.IsEmpty || line[0] == '#')
            {
                return;
            }

            if (line[0] != '\t')
            {
                vendor = TryNumber(line, out var number) && vendors.Contains(number) ? number : null;
                if (vendor is not null)
                {
                    TakeVendor(number, Name(line));
                }
            }
            else if (vendor is { } of && TryNumber(line[1..], out var product) && wanted.Contains(new UsbId(of, product)))
            {
                var id = new UsbId(of, product);
                found[id] = found.GetValueOrDefault(id) with { Product = Name(line[1..]) };
            }
        }

        private void TakeVendor(ushort number, string name)
        {
            foreach (var id in wanted.Where(id => id.Vendor == number))
            {
                found[id] = found.GetValueOrDefault(id) with { Vendor = name };
            }
        }

        private static bool TryNumber(ReadOnlySpan<byte> line, out ushort number)
        {
            number = 0;
            return line.Length >= 7 && line[4] == ' ' && line[5] == ' '
                && ushort.TryParse(line[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
        }

        private static string Name(ReadOnlySpan<byte> line) =>
            Encoding.UTF8.GetString(line[6..Math.Min(line.Length, 6 + MostName)]).Trim();
    }
}
