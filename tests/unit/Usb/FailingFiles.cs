// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

/// <summary>Real files, some of which fail a number of times.</summary>
internal sealed class FailingFiles : ISysfsFiles
{
    private readonly SysfsFiles real = new();
    private readonly Dictionary<string, (int Times, int Errno)> failures = new(StringComparer.Ordinal);

    /// <summary>Called with each path before it is read.</summary>
    public Action<string> Reading { get; set; } = _ => { };

    /// <summary>Reads of files with this name fail.</summary>
    public void Fail(string name, int times, int errno) => failures[name] = (times, errno);

    public int Read(string path, int most, out byte[] content)
    {
        Reading(path);
        var name = Path.GetFileName(path);
        if (failures.TryGetValue(name, out var failure) && failure.Times > 0)
        {
            failures[name] = failure with { Times = failure.Times - 1 };
            content = [];
            return failure.Errno;
        }

        return real.Read(path, most, out content);
    }

    public string? ReadLink(string path) => real.ReadLink(path);

    public IReadOnlyList<string> List(string path) => real.List(path);
}
