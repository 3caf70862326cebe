namespace UsbHostd.Daemon;

/// <summary>
/// Notices that files in folders were written, made, renamed or removed (inotify). Whoever saves or renews files does several of these at
/// once: it tells once, when it has been quiet for a moment.
/// </summary>
internal sealed class FolderWatch : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    private readonly List<FileSystemWatcher> watchers = [];
    private readonly ITimer timer;

    /// <param name="changed">Called on a thread of the pool.</param>
    public FolderWatch(TimeProvider time, Action changed) =>
        timer = time.CreateTimer(_ => changed(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Watches one more folder.</summary>
    /// <param name="names">A pattern of file names.</param>
    /// <returns>Null, or why it can't be watched.</returns>
    public string? Add(string folder, string names = "*")
    {
        try
        {
            var watcher = new FileSystemWatcher(folder, names)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Attributes,
            };
            watcher.Changed += (_, _) => Soon();
            watcher.Created += (_, _) => Soon();
            watcher.Deleted += (_, _) => Soon();
            watcher.Renamed += (_, _) => Soon();
            watcher.Error += (_, _) => Soon();
            watcher.EnableRaisingEvents = true;
            watchers.Add(watcher);
            return null;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    public void Dispose()
    {
        watchers.ForEach(w => w.Dispose());
        timer.Dispose();
    }

    private void Soon() => timer.Change(Quiet, Timeout.InfiniteTimeSpan);
}
