// SPDX-License-Identifier: Apache-2.0
using System.IO.Enumeration;
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Linux;

/// <summary>
/// Notices that files in folders were written, renamed or removed. A file counts once its writer has closed it: half a file would be taken
/// for a whole one, and one that was just emptied for one without a line. Whoever saves or renews files touches several of them: it tells
/// once, when it has been quiet for a moment and none is being written.
/// </summary>
internal sealed class FolderWatch : IDisposable
{
    private const uint Whole = INotify.CloseWrite | INotify.MovedFrom | INotify.MovedTo | INotify.Delete | INotify.Attributes;

    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    private readonly Lock gate = new();
    private readonly Dictionary<int, List<(string Folder, string Names)>> watched = [];
    private readonly HashSet<(int Watch, string Name)> beingWritten = [];
    private readonly Action changed;
    private readonly bool wholeOnly;
    private readonly ITimer timer;
    private INotify? inotify;
    private Thread? thread;

    /// <param name="changed">Called on a thread of the pool.</param>
    /// <param name="wholeOnly">Whether one that is being written holds up the news of all; else who is told must know half a file when he sees it.</param>
    public FolderWatch(TimeProvider time, Action changed, bool wholeOnly)
    {
        this.changed = changed;
        this.wholeOnly = wholeOnly;
        timer = time.CreateTimer(_ => Tell(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Watches one more folder.</summary>
    /// <param name="names">A pattern of file names.</param>
    /// <returns>Null, or why it can't be watched.</returns>
    public string? Add(string folder, string names = "*")
    {
        try
        {
            inotify ??= new INotify();
        }
        catch (IOException e)
        {
            return e.Message;
        }

        lock (gate)
        {
            var watch = inotify.Add(folder, Whole | INotify.Modify | INotify.Create);
            if (watch < 0)
            {
                return Marshal.GetLastPInvokeErrorMessage();
            }

            (CollectionsMarshal.GetValueRefOrAddDefault(watched, watch, out _) ??= []).Add((folder, names));
        }

        if (thread is null)
        {
            thread = new Thread(Run) { IsBackground = true, Name = "folders" };
            thread.Start();
        }

        return null;
    }

    public void Dispose()
    {
        inotify?.Stop();
        thread?.Join();
        inotify?.Dispose();
        timer.Dispose();
    }

    private void Run()
    {
        while (inotify!.Wait(-1))
        {
            lock (gate)
            {
                var whole = false;
                foreach (var e in inotify.Read())
                {
                    whole |= Counts(e);
                }

                if (whole)
                {
                    timer.Change(Quiet, Timeout.InfiniteTimeSpan);
                }
            }
        }
    }

    private bool Counts(INotifyEvent e)
    {
        if ((e.Mask & INotify.Overflow) != 0)
        {
            beingWritten.Clear();
            return true;
        }

        if (!watched.TryGetValue(e.Watch, out var parts) || !parts.Exists(p => FileSystemName.MatchesSimpleExpression(p.Names, e.Name, ignoreCase: false)))
        {
            return false;
        }

        if ((e.Mask & INotify.Modify) != 0)
        {
            beingWritten.Add((e.Watch, e.Name));
        }
        else if ((e.Mask & (INotify.CloseWrite | INotify.MovedFrom | INotify.Delete)) != 0)
        {
            beingWritten.Remove((e.Watch, e.Name));
        }

        // A link is whole when it is made; a file is only when it is closed.
        return (e.Mask & Whole) != 0 || ((e.Mask & INotify.Create) != 0 && new FileInfo(Path.Combine(parts[0].Folder, e.Name)).LinkTarget is not null);
    }

    /// <summary>While one is written its end is waited for, which brings us here again.</summary>
    private void Tell()
    {
        lock (gate)
        {
            if (wholeOnly && beingWritten.Count > 0)
            {
                return;
            }
        }

        changed();
    }
}
