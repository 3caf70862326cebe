// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Linux;

/// <summary>Waits for a file to be made, without looking again and again.</summary>
internal static class FileAppearance
{
    /// <summary>Done when there is something at the path; at once where there is already, and when it is cancelled.</summary>
    /// <exception cref="IOException">The kernel grants no watch.</exception>
    public static async Task WaitAsync(string path, CancellationToken cancellation)
    {
        using var inotify = new INotify();
        await using var stop = cancellation.Register(inotify.Stop).ConfigureAwait(false);
        await Task.Factory.StartNew(() => Wait(inotify, path), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
    }

    private static void Wait(INotify inotify, string path)
    {
        while (!File.Exists(path))
        {
            // Folders on the way may be missing too: what is made in the nearest one that is there brings the next.
            var folder = NearestFolder(path);
            if (inotify.Add(folder, INotify.Create | INotify.MovedTo) < 0)
            {
                throw new IOException($"{folder} can't be watched");
            }

            // Made before the watch was there, or in a folder that was: what comes from now on is told.
            if (File.Exists(path) || NearestFolder(path) != folder)
            {
                continue;
            }

            if (!inotify.Wait(-1))
            {
                return;
            }

            inotify.Read();
        }
    }

    private static string NearestFolder(string path)
    {
        var folder = Path.GetDirectoryName(path);
        while (folder is not null && !Directory.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? "/";
    }
}
