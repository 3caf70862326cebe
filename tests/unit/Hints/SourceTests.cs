// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Cli;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Hints;

/// <summary>Every command that a text of the programs names, in a hint, the log or help, has verbs and options that exist.</summary>
[TestFixture]
internal sealed partial class SourceTests
{
    private static readonly CommandLine Line = new(CliTerminal.OfProcess());

    public static IEnumerable<string> Ours => Texts().SelectMany(t => Our().Matches(t).Select(m => m.Value.TrimEnd())).Distinct(StringComparer.Ordinal);

    public static IEnumerable<string> Others => Texts().SelectMany(t => Other().Matches(t).Select(m => m.Value.TrimEnd())).Distinct(StringComparer.Ordinal);

    [Test]
    public void Texts_Read_HaveCommands() => Assert.That((Ours.Count() > 15, Others.Count() > 8), Is.EqualTo((true, true)));

    [TestCaseSource(nameof(Ours))]
    public void Sources_CommandsOfOurs_Exist(string command)
    {
        var words = command.Split(' ');
        var verb = Line.Root.Subcommands.SingleOrDefault(v => v.Name == words[1]);

        Assert.That(verb, Is.Not.Null, "there is no such verb");
        Assert.That(words.Skip(2).Where(w => w.StartsWith("--", StringComparison.Ordinal)), Is.SubsetOf(verb!.Options.Concat(Line.Root.Options).Select(o => o.Name)));
    }

    [TestCaseSource(nameof(Others))]
    public void Sources_CommandsOfOthers_AreThose(string command) => OtherPrograms.Check(command.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static readonly string[] Folders = ["policy", "core", "daemon", "api", "cli"];

    /// <summary>Strings of the programs, with what is put into them left out.</summary>
    private static IEnumerable<string> Texts() =>
        from folder in Folders
        from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
        where !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
        from line in File.ReadLines(file)
        where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        from Match text in Literal().Matches(Inserted().Replace(line, "X"))
        select text.Value;

    [GeneratedRegex("\"[^\"]*\"", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Literal();

    [GeneratedRegex(@"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Inserted();

    [GeneratedRegex(@"(?<![\w/])usbhostctl [a-z]+(-[a-z]+)*( [^;,()""\\]*)?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Our();

    [GeneratedRegex(@"(?<![\w/])(virsh|systemctl|journalctl|usermod) [a-z-]+[^;,()""\\]*", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Other();
}
