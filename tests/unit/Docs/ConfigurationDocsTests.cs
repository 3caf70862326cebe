// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Docs;

/// <summary>The keys, the sample file and the manual page say the same.</summary>
[TestFixture]
internal sealed partial class ConfigurationDocsTests
{
    private static IEnumerable<string> Known => ConfigurationKeys.All.Select(k => $"[{k.Section}] {k.Name} = {k.Default}".TrimEnd());

    [Test]
    public void SampleFile_KeysAndDefaults_AreTheDaemons()
    {
        var section = "";
        var found = new List<string>();
        foreach (var line in Repository.Read("contrib/usbhostd.conf").Split('\n'))
        {
            if (line.StartsWith('['))
            {
                section = line;
            }
            else if (line.StartsWith('#') && !line.StartsWith("# ", StringComparison.Ordinal))
            {
                found.Add($"{section} {line[1..]}");
            }
        }

        Assert.That(found, Is.EqualTo(Known));
    }

    [Test]
    public void SampleFile_ReadByTheDaemon_ChangesNothing() =>
        Assert.That(Shown(Repository.Read("contrib/usbhostd.conf")), Is.EqualTo(Shown("")));

    [Test]
    public void SampleFile_EveryDefaultUncommented_ChangesNothing() =>
        Assert.That(Shown(UncommentedKey().Replace(Repository.Read("contrib/usbhostd.conf"), "")), Is.EqualTo(Shown("")));

    [Test]
    public void ManualPage_KeysAndDefaults_AreTheDaemons()
    {
        var section = "";
        var found = new List<string>();
        foreach (var line in Repository.Read("docs/man/usbhostd.conf.5").Split('\n'))
        {
            if (ManualSection().Match(line) is { Success: true } heading)
            {
                section = heading.Groups["name"].Value;
            }
            else if (ManualKey().Match(line) is { Success: true } key)
            {
                found.Add($"{section} {key.Groups["name"].Value} = {key.Groups["value"].Value}".TrimEnd());
            }
        }

        Assert.That(found, Is.EqualTo(Known));
    }

    [Test]
    public void ManualPage_Options_AreThoseOfTheUsage()
    {
        var page = Repository.Read("docs/man/usbhostd.8").Replace("\\-", "-");
        foreach (var option in Option().Matches(DaemonArguments.Usage).Select(m => m.Value).Distinct(StringComparer.Ordinal))
        {
            Assert.That(page, Does.Contain(option));
        }
    }

    [TestCase(ExitCode.Ok)]
    [TestCase(ExitCode.Failed)]
    [TestCase(ExitCode.Usage)]
    [TestCase(ExitCode.Database)]
    [TestCase(ExitCode.Configuration)]
    public void ManualPage_ExitCodes_AreAllThere(int code) =>
        Assert.That(Repository.Read("docs/man/usbhostd.8"), Does.Contain($".TP\n.B {code}\n"));

    /// <summary>The configuration in full that a file of this text leads to.</summary>
    private static string Shown(string text)
    {
        using var written = new StringWriter();
        ConfigurationFile.Write(ConfigurationFile.Parse("sample", Encoding.UTF8.GetBytes(text)), written);
        return written.ToString();
    }

    [GeneratedRegex("^#(?=[a-z])", RegexOptions.Multiline, 1000)]
    private static partial Regex UncommentedKey();

    [GeneratedRegex(@"^\.SH ""SECTION (?<name>\[[a-z]+\])""$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ManualSection();

    [GeneratedRegex(@"^\.BR (?<name>[a-z-]+) "" \(default (nothing\)""|"" (?<value>\S+) \))$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ManualKey();

    [GeneratedRegex("--[a-z-]+", RegexOptions.None, 1000)]
    private static partial Regex Option();
}
