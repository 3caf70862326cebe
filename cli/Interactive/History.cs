// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// The lines of earlier, oldest first, kept in a file that only its owner reads. That the file can't be read or written is nobody's
/// error: the lines of this session are there all the same.
/// </summary>
internal sealed class History
{
    /// <summary>So many lines are kept; the file may grow to twice as many before it is cut.</summary>
    public const int MostLines = 1000;

    private const int LongestLine = 4096;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly List<string> lines = [];
    private readonly string? path;

    private History(string? path) => this.path = path;

    public IReadOnlyList<string> Lines => lines;

    /// <summary><c>$XDG_STATE_HOME/usbhostd/history</c>, by default <c>~/.local/state/usbhostd/history</c>; null where there is no home.</summary>
    public static string? PathOf(Func<string, string?> environment)
    {
        // The XDG base directory specification: a relative path is to be ignored.
        if (environment("XDG_STATE_HOME") is ['/', ..] state)
        {
            return Path.Combine(state, "usbhostd", "history");
        }

        return environment("HOME") is ['/', ..] home ? Path.Combine(home, ".local", "state", "usbhostd", "history") : null;
    }

    /// <param name="path">Null where nothing is kept.</param>
    public static History Load(string? path)
    {
        var history = new History(path);
        Try(() => history.Read());
        return history;
    }

    /// <summary>Keeps a line, but not one that begins with a space, or that is the same as the one before.</summary>
    public void Add(string line)
    {
        if (line.Length is 0 or > LongestLine || line[0] == ' ' || string.IsNullOrWhiteSpace(line) || (lines.Count > 0 && lines[^1] == line))
        {
            return;
        }

        Keep(line);
        Try(() =>
        {
            using var file = Open(FileMode.Append);
            file.WriteLine(line);
        });
    }

    private static bool IsFit(string line) => line.Length is > 0 and <= LongestLine && line.EnumerateRunes().All(TerminalText.IsVisible);

    private static void Try(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // Said above: no error.
        }
    }

    private void Read()
    {
        if (!File.Exists(path))
        {
            return;
        }

        var read = 0;
        foreach (var line in File.ReadLines(path))
        {
            read++;
            if (IsFit(line))
            {
                Keep(line);
            }
        }

        if (read > 2 * MostLines)
        {
            using var file = Open(FileMode.Create);
            lines.ForEach(file.WriteLine);
        }
    }

    private void Keep(string line)
    {
        lines.Add(line);
        if (lines.Count > MostLines)
        {
            lines.RemoveAt(0);
        }
    }

    private StreamWriter Open(FileMode mode)
    {
        if (path is null)
        {
            return StreamWriter.Null;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
        return new StreamWriter(
            new FileStream(path, new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = OwnerOnly }),
            new UTF8Encoding(false));
    }
}
