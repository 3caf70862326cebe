// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// The rules file, and the devices that were there before it: udev applies its rules when something happens to a device, so it is
/// told that something did, for each disk, port and network interface and for the USB device.
/// </summary>
internal sealed partial class SysfsUsbWriter : IDisposable
{
    /// <summary>
    /// udevd looks at the time stamps of its rules before it handles an event, yet at most every 3 s (systemd, src/udev/udevd.c, later udev-manager.c):
    /// sooner than that, an event might meet the old rules.
    /// </summary>
    private static readonly TimeSpan UdevPatience = TimeSpan.FromSeconds(3.5);

    private readonly Lock noticing = new();
    private IReadOnlySet<string>? linesBefore;
    private IReadOnlySet<string> linesNow = ImmutableHashSet<string>.Empty;
    private ITimer? notice;

    /// <summary>What is plugged in, as far as the daemon knows.</summary>
    internal Func<IEnumerable<UsbDevice>> Present { get; init; } = () => [];

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <exception cref="IOException">The file can't be replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not ours to write.</exception>
    /// <inheritdoc/>
    public void WriteIgnoreRules(ImmutableArray<IgnoreRule> rules)
    {
        var folder = $"{options.Run}/udev/rules.d";
        var path = $"{folder}/{IgnoreRules.FileName}";
        var text = IgnoreRules.Write(rules);
        var content = Encoding.UTF8.GetBytes(text);
        if (files.Read(path, MostRead, out var before) == 0 && content.AsSpan().SequenceEqual(before))
        {
            return;
        }

        Directory.CreateDirectory(folder);
        // udev reads *.rules only, and looks again when the folder's time stamp moves, as a rename makes it.
        var temporary = $"{path}.new";
        File.WriteAllBytes(temporary, content);
        File.Move(temporary, path, overwrite: true);
        LogRules(rules.Length);
        NoticeLater(IgnoreRules.Lines(Encoding.UTF8.GetString(before)), IgnoreRules.Lines(text));
    }

    public void Dispose() => notice?.Dispose();

    private void NoticeLater(IReadOnlySet<string> before, IReadOnlySet<string> now)
    {
        lock (noticing)
        {
            // Changes in quick succession are one: compared is what udev last knew.
            linesBefore ??= before;
            linesNow = now;
            notice ??= Time.CreateTimer(_ => Notice(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            notice.Change(UdevPatience, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>
    /// Has udev look again at what the host has made of those devices that a rule has begun or ceased to match. Its event leads to another look of
    /// ours at the device, which changes no claim and so no rule.
    /// </summary>
    private void Notice()
    {
        IReadOnlySet<string>? before;
        IReadOnlySet<string> now;
        lock (noticing)
        {
            (before, now) = (linesBefore, linesNow);
            linesBefore = null;
        }

        foreach (var device in before is null ? [] : Present())
        {
            var lines = IgnoreRules.LinesOf(device);
            if (lines.Any(before!.Contains) != lines.Any(now.Contains) && Devpath.IsSafe(device.Syspath))
            {
                TellUdev(device);
            }
        }
    }

    private void TellUdev(UsbDevice device)
    {
        var interfaces = InterfacesOf(device, Folder(device));
        foreach (var node in DeviceChildren.Find(options.Sysfs, files, device.Syspath, interfaces).Blocks.Select(b => b.Devpath)
            .Concat(HostNodes.Find(options.Sysfs, device.Syspath, interfaces)).Append(device.Syspath))
        {
            var errno = SysfsFiles.Write($"{options.Sysfs}{node}/uevent", "change");
            if (errno is not (0 or LibC.Enoent or LibC.Enodev))
            {
                LogNotTold(node, Marshal.GetPInvokeErrorMessage(errno));
            }
        }
    }

    [LoggerMessage(1123, LogLevel.Warning, "udev can't be told to look at {Node} again: {Why}. The desktop treats it as before until it is plugged in anew")]
    private partial void LogNotTold(string node, string why);
}
