// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Cli.Interactive;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Cli;

namespace UsbHostd.Tests.Hints;

/// <summary>Words of commands come through a shell as they are, or are left out.</summary>
[TestFixture]
internal sealed class CommandTextTests
{
    private static readonly string[] Quotable = ["erp", "win 11", "it's", "a;b", "$HOME", "`id`", "a\"b", "*", "#1", "büro", "a,b", "~", "(x)", "a&b|c>d", "!!", "x@y", "serial:0951:1666:S 1"];

    private static readonly string[] NotQuotable = ["", "-x", "@file", "a\\b", "a\nb", "a\u001bb", "a\u202eb"];

    [TestCaseSource(nameof(Quotable))]
    public void Quoted_AnyVisibleWord_ComesThroughAShell(string word) =>
        Assert.That(OtherPrograms.Output("sh", "-c", $"printf %s {ShellWord.Of(word)}"), Is.EqualTo(word));

    [TestCaseSource(nameof(Quotable))]
    public void Quoted_AnyVisibleWord_IsShownAsItIsAndReadByOurShell(string word)
    {
        var quoted = ShellWord.Of(word)!;

        Assert.That(ShellLine.Parse(UsbHostd.Cli.TerminalText.Escape(quoted)).Commands.Single(), Is.EqualTo(new[] { word }));
    }

    [TestCaseSource(nameof(NotQuotable))]
    public void Quoted_WordThatCannotBeShown_IsLeftOut(string word) => Assert.That(ShellWord.Of(word), Is.Null);

    [TestCase("-rf")]
    [TestCase("@/etc/passwd")]
    [TestCase("a\\b")]
    [TestCase("7")]
    [TestCase("name:other")]
    [TestCase("uuid:other")]
    [TestCase("00000009-0000-0000-0000-000000000000")]
    [TestCase("a\u202eb")]
    [TestCase("it's \"$(reboot)\"; x")]
    public async Task Hint_GuestWithAnOddName_StartsThatGuest(string name)
    {
        await using var bed = await HintBed.StartAsync();
        bed.World.Do(h => h.Rename(bed.Guest, name));
        bed.ClaimPlugged();
        bed.World.Do(h => h.Stop(bed.Guest));

        var words = HintReader.Command(await bed.ClaimHintAsync())!;
        var result = await bed.TypeAsync(words);

        Assert.That(result.Exit, Is.Zero, result.Error);
        bed.World.Settle();
        Assert.That(bed.GuestHasDevice);
    }

    [Test]
    public async Task Shell_HintPastedWithTheProgramsName_IsTaken()
    {
        await using var cli = await CliFixture.StartAsync();
        cli.Service.On<Api.V1.ListClaimsRequest>(_ => new Api.V1.ListClaimsResponse());

        var result = await cli.RunLinesAsync("usbhostctl claim-list\n");

        Assert.That((result.Exit, result.Error), Is.EqualTo((0, "")));
    }
}
