// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Rules;

/// <summary>Notices that a rule file was written, made, renamed or removed.</summary>
internal sealed partial class RulesWatch : IDisposable
{
    private readonly FolderWatch folders;

    /// <param name="changed">Called on a thread of the pool.</param>
    public RulesWatch(RulesOptions options, TimeProvider time, Action changed, ILogger<RulesWatch> log)
    {
        folders = new FolderWatch(time, changed, wholeOnly: true);
        foreach (var (folder, names) in new[] { (Path.GetDirectoryName(options.File)!, Path.GetFileName(options.File)), (options.Folder, "*.conf") })
        {
            if (folders.Add(folder, names) is { } why)
            {
                NotWatched(log, folder, why);
            }
        }
    }

    public void Dispose() => folders.Dispose();

    [LoggerMessage(1146, LogLevel.Warning, "{Folder} is not watched ({Message}): after a change there, send SIGHUP or call usbhostctl policy-reload")]
    private static partial void NotWatched(ILogger logger, string folder, string message);
}
