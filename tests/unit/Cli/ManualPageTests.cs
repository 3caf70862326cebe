// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Cli;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class ManualPageTests
{
    [Test]
    public void Manual_Verbs_AreThoseOfTheProgram() => Assert.That(
        Section("DEVICE VERBS").Concat(Section("CLAIM VERBS")).Concat(Section("GUEST VERBS")).Concat(Section("POLICY VERBS"))
            .Concat(Section("DAEMON VERBS")).Concat(Section("SHELL VERBS"))
            .Where(word => !word.StartsWith('-')),
        Is.EquivalentTo(Root().Subcommands.Select(verb => verb.Name)));

    [Test]
    public void Manual_Options_AreThoseOfTheProgram() => Assert.That(
        Page().SelectMany(line => line.Split(' ', ',', '[', ']', '=')).Where(IsLongOption).Distinct(StringComparer.Ordinal),
        Is.EquivalentTo(Root().Options.Concat(Root().Subcommands.SelectMany(verb => verb.Options))
            .SelectMany(option => option.Aliases.Append(option.Name)).Where(IsLongOption).Distinct(StringComparer.Ordinal)));

    [Test]
    public void Manual_ExitCodes_AreThoseOfTheTable() => Assert.That(
        Section("EXIT STATUS").Select(word => int.Parse(word, CultureInfo.InvariantCulture)),
        Is.EqualTo(Enum.GetValues<ExitCode>().Select(code => (int)code).Append(130)));

    [Test]
    public async Task Help_Verbs_AreThoseOfTheProgram()
    {
        var help = await CliResult.OfAsync(["--help"], null, _ => null);

        var verbs = help.Lines.TakeWhile(line => line != "Exit codes:").SkipWhile(line => line != "Devices (help devices):").Where(line => line.StartsWith("  ", StringComparison.Ordinal));
        Assert.That(verbs.Select(line => line.TrimStart().Split(' ')[0]), Is.EquivalentTo(Root(null).Subcommands.Select(verb => verb.Name)));
    }

    [Test]
    public async Task Help_VerbWithRequiredOption_IsShownWithoutIt()
    {
        var help = await CliResult.OfAsync(["policy-export", "--help"], null, _ => null);

        Assert.That((help.Exit, help.Error), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task Help_ExitCodes_AreThoseOfTheTable()
    {
        var help = await CliResult.OfAsync(["--help"], null, _ => null);

        var listed = help.Lines.SkipWhile(line => line != "Exit codes:").Skip(1).Where(line => line.Length > 0)
            .Select(line => int.Parse(line.TrimStart().Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.That(listed, Is.EqualTo(Enum.GetValues<ExitCode>().Select(code => (int)code)));
    }

    private static RootCommand Root()
    {
        using var shell = new ShellState { Address = "" };
        return Root(shell);
    }

    private static RootCommand Root(ShellState? shell) => new CommandLine(new CliTerminal(TextWriter.Null, TextWriter.Null, null, _ => null), shell).Root;

    [Test]
    public void Manual_Groups_AreThoseOfHelp() => Assert.That(
        Page().Where(line => line.StartsWith(".B help ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]),
        Is.EquivalentTo(new CommandLine(new CliTerminal(TextWriter.Null, TextWriter.Null, null, _ => null)).Groups.Select(group => group.Keyword)));

    private static bool IsLongOption(string word) => word.StartsWith("--", StringComparison.Ordinal);

    private static IEnumerable<string> Page([CallerFilePath] string here = "") =>
        File.ReadLines(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/man/usbhostctl.1"))
            .Select(line => line.Replace("\\-", "-", StringComparison.Ordinal));

    /// <summary>The first word of each entry in a section: of the line after .TP, without its macro or font.</summary>
    private static IEnumerable<string> Section(string name)
    {
        var previous = "";
        foreach (var line in Page().SkipWhile(line => line != ".SH " + name).Skip(1)
            .TakeWhile(line => !line.StartsWith(".SH", StringComparison.Ordinal)))
        {
            if (previous == ".TP")
            {
                var words = line.Replace("\\fB", ". ", StringComparison.Ordinal).Replace("\\fR", "", StringComparison.Ordinal).Split(' ');
                yield return words[1];
            }

            previous = line;
        }
    }
}
