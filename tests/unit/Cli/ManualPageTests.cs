using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed partial class ManualPageTests
{
    [Test]
    public void Manual_Verbs_AreThoseOfTheProgram() => Assert.That(
        VerbEntry().Matches(Page()).Select(match => match.Groups[1].Value), Is.EquivalentTo(Root().Subcommands.Select(verb => verb.Name)));

    [Test]
    public void Manual_Options_AreThoseOfTheProgram()
    {
        var options = Root().Options.Concat(Root().Subcommands.SelectMany(verb => verb.Options))
            .SelectMany(option => option.Aliases.Append(option.Name)).Where(name => name.StartsWith("--", StringComparison.Ordinal));

        var documented = LongOption().Matches(Page().Replace("\\-", "-", StringComparison.Ordinal)).Select(match => match.Value).Distinct();

        Assert.That(documented, Is.EquivalentTo(options.Distinct()));
    }

    [Test]
    public void Manual_ExitCodes_AreThoseOfTheTable() => Assert.That(
        ExitEntry().Matches(Page()).Select(match => int.Parse(match.Groups[1].Value)),
        Is.EqualTo(Enum.GetValues<ExitCode>().Select(code => (int)code).Append(130)));

    [Test]
    public async Task Help_ExitCodes_AreThoseOfTheTable()
    {
        var help = await CliResult.OfAsync(["--help"], null, _ => null);

        var listed = help.Out[help.Out.IndexOf("Exit codes:", StringComparison.Ordinal)..].Split('\n').Skip(1)
            .Where(line => line.Length > 0).Select(line => int.Parse(line.TrimStart().Split(' ')[0]));
        Assert.That(listed, Is.EqualTo(Enum.GetValues<ExitCode>().Select(code => (int)code)));
    }

    private static RootCommand Root() => new CommandLine(new CliTerminal(TextWriter.Null, TextWriter.Null, null, _ => null)).Root;

    private static string Page([CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/man/usbhostctl.1"));

    // The paragraph head below .TP, in one of the sections of verbs.
    [GeneratedRegex(@"^\.TP\n(?:\.B[RI]? |\\fB)((?:device|claim|guest)-[a-z-]+|attach|detach|event|version|health)\b", RegexOptions.Multiline)]
    private static partial Regex VerbEntry();

    [GeneratedRegex(@"--[a-z][a-z-]*")]
    private static partial Regex LongOption();

    [GeneratedRegex(@"^\.TP\n\.B (\d+)$", RegexOptions.Multiline)]
    private static partial Regex ExitEntry();
}
