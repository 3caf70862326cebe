// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text;
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Reads and writes with bare system calls: an absent attribute is the rule rather than the exception, and the errno of a failed
/// one says whether to try again.
/// </summary>
internal sealed unsafe class SysfsFiles : ISysfsFiles
{
    private const int Page = 4096;

    public int Read(string path, int most, out byte[] content)
    {
        content = [];
        using var file = LibC.Open(path, LibC.ReadOnly | LibC.CloseOnExec);
        if (file.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        Span<byte> first = stackalloc byte[Page];
        var buffer = first[..Math.Min(Page, most)];
        var count = 0;
        while (count < most)
        {
            if (count == buffer.Length)
            {
                Span<byte> larger = new byte[Math.Min(most, buffer.Length * 4)];
                buffer.CopyTo(larger);
                buffer = larger;
            }

            nint got;
            fixed (byte* at = buffer[count..])
            {
                got = LibC.Read(file, at, (nuint)(buffer.Length - count));
            }

            if (got < 0)
            {
                return Marshal.GetLastPInvokeError();
            }

            if (got == 0)
            {
                break;
            }

            count += (int)got;
        }

        content = buffer[..count].ToArray();
        return 0;
    }

    public string? ReadLink(string path)
    {
        var buffer = stackalloc byte[Page];
        var length = LibC.ReadLink(path, buffer, Page);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, (int)length);
    }

    public IReadOnlyList<string> List(string path)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(path).Select(entry => Path.GetFileName(entry))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone, or not ours to look at: for a reader both are "nothing there".
            return [];
        }
    }

    /// <summary>Writes one value in one write, as sysfs wants it; the file is neither made nor cut.</summary>
    /// <returns>0 or the errno of open or write.</returns>
    public static int Write(string path, string value)
    {
        using var file = LibC.Open(path, LibC.WriteOnly | LibC.CloseOnExec);
        if (file.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        var bytes = Encoding.UTF8.GetBytes(value);
        fixed (byte* at = bytes)
        {
            return LibC.Write(file, at, (nuint)bytes.Length) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }
}
