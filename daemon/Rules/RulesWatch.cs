namespace UsbHostd.Daemon.Rules;

/// <summary>
/// Notices that a rule file was written, made, renamed or removed. An editor does several of these for one saving: the rules are read
/// once it has been quiet for a moment.
/// </summary>
internal sealed partial class RulesWatch : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    private readonly List<FileSystemWatcher> watchers = [];
    private readonly ITimer timer;

    /// <param name="changed">Called on a thread of the pool.</param>
    public RulesWatch(RulesOptions options, TimeProvider time, Action changed, ILogger<RulesWatch> log)
    {
        timer = time.CreateTimer(_ => changed(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Watch(Path.GetDirectoryName(options.File)!, Path.GetFileName(options.File), log);
        Watch(options.Folder, "*.conf", log);
    }

    public void Dispose()
    {
        watchers.ForEach(w => w.Dispose());
        timer.Dispose();
    }

    private void Watch(string folder, string names, ILogger log)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder, names)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Attributes,
            };
            watcher.Changed += (_, _) => Soon();
            watcher.Created += (_, _) => Soon();
            watcher.Deleted += (_, _) => Soon();
            watcher.Renamed += (_, _) => Soon();
            watcher.Error += (_, _) => Soon();
            watcher.EnableRaisingEvents = true;
            watchers.Add(watcher);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            NotWatched(log, folder, e.Message);
        }
    }

    private void Soon() => timer.Change(Quiet, Timeout.InfiniteTimeSpan);

    [LoggerMessage(1144, LogLevel.Warning, "{Folder} is not watched ({Message}): after a change there, send SIGHUP or call usbhostctl policy-reload")]
    private static partial void NotWatched(ILogger logger, string folder, string message);
}
