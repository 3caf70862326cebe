// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Cli.Rules;

/// <summary>Files that are read without a daemon. What is wrong with them is told on the standard error.</summary>
internal static class RuleInput
{
    /// <summary>The name that stands for the standard input.</summary>
    public const string StandardInput = "-";

    private const string MainFile = "/etc/usbhostd/rules.conf";
    private const string Folder = "/etc/usbhostd/rules.d";

    /// <summary>As much as the daemon takes.</summary>
    private const long LargestFile = 64L << 20;

    /// <summary>The rules of a file; null where it can't be read or is refused.</summary>
    public static RuleFile? Read(CliTerminal terminal, string path)
    {
        if (Bytes(terminal, path) is not { } bytes)
        {
            return null;
        }

        if (!RuleParser.TryParse(path, RuleText.Decode(bytes), out var rules, out var error))
        {
            terminal.Error.WriteLine(error.Message);
            return null;
        }

        foreach (var warning in rules.Warnings)
        {
            terminal.Error.WriteLine($"{TextEscape.Escape(path)}:{warning.Source.Line}:{warning.Column}: warning: {warning.Text}");
        }

        if (IsOpenToAll(path))
        {
            terminal.Error.WriteLine($"{TextEscape.Escape(path)}: warning: everybody may write to it, and usbhostd refuses such a file; take that away: chmod o-w");
        }

        return rules;
    }

    /// <summary>
    /// The rules of several files, one behind the other; of <c>/etc/usbhostd/rules.conf</c> and <c>rules.d/*.conf</c> where none is
    /// named. Null where one of them can't be read or is refused.
    /// </summary>
    public static RuleSet? ReadAll(CliTerminal terminal, IReadOnlyCollection<string> paths)
    {
        var rules = ImmutableArray.CreateBuilder<Rule>();
        var good = true;
        foreach (var path in paths.Count > 0 ? paths : InForce())
        {
            if (Read(terminal, path) is { } file)
            {
                rules.AddRange(file.Rules);
            }
            else
            {
                good = false;
            }
        }

        return good ? new RuleSet(rules.DrainToImmutable()) : null;
    }

    /// <summary>What is in a file; null where it can't be read.</summary>
    public static byte[]? Bytes(CliTerminal terminal, string path)
    {
        try
        {
            using var input = path == StandardInput ? terminal.OpenInput() : File.OpenRead(path);
            var content = new MemoryStream();
            var chunk = new byte[128 << 10];
            while (input.Read(chunk) is > 0 and var read)
            {
                content.Write(chunk, 0, read);
                if (content.Length > LargestFile)
                {
                    throw new IOException($"it has more than {LargestFile} bytes");
                }
            }

            return content.ToArray();
        }
        catch (Exception e) when (IsAboutFiles(e))
        {
            ErrorReport.Write(terminal, $"can't read {path}: {e.Message}", "name a text file that you may read");
            return null;
        }
    }

    /// <summary>What opening, reading and listing throw, whatever the path.</summary>
    public static bool IsAboutFiles(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>The daemon's own, in its order; those that are there.</summary>
    private static IReadOnlyCollection<string> InForce()
    {
        IEnumerable<string> main = File.Exists(MainFile) ? [MainFile] : [];
        var more = Directory.Exists(Folder) ? Directory.EnumerateFiles(Folder, "*.conf") : [];
        return [.. main, .. more.Where(path => !Path.GetFileName(path).StartsWith('.')).Order(StringComparer.Ordinal)];
    }

    /// <summary>Of pipes and the like nobody else can get hold.</summary>
    private static bool IsOpenToAll(string path) =>
        path != StandardInput && !path.StartsWith("/dev/", StringComparison.Ordinal) && (File.GetUnixFileMode(path) & UnixFileMode.OtherWrite) != UnixFileMode.None;
}
