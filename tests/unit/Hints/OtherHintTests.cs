// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Daemon.Errors;
using UsbHostd.Tests.Cli;
using UsbHostd.Tests.Reconcile.Sim;
using GuestWish = UsbHostd.Core.Guests.GuestWish;

namespace UsbHostd.Tests.Hints;

/// <summary>Hints that are neither on a claim nor on a command that the daemon refused.</summary>
[TestFixture]
internal sealed class OtherHintTests
{
    private const string Guest = "'erp'\"'\"'s 2; test'";
    private const string Stick = "serial:0951:1666:S-0001";

    public static IEnumerable<HintCase> Wishes =>
    [
        new("FaultyInAGuestThatRuns", b => WishAsync(b, new GuestWish(Stick, Optional: false) { Fault = "expected mode" }))
        {
            ByHand = Mending,
        },
        new("FaultyInAGuestThatIsOff", b =>
        {
            b.World.Do(h => h.Stop(b.Guest));
            return WishAsync(b, new GuestWish(Stick, Optional: false) { Fault = "expected mode" });
        })
        {
            ByHand = Mending,
            Cured = b =>
            {
                b.World.Do(h => h.Start(b.Guest));
                Assert.That(b.GuestHasDevice);
            },
        },
        new("ClaimedForAnother", b =>
        {
            b.World.Claim(Stick, b.Other);
            return WishAsync(b, new GuestWish(Stick, Optional: false));
        })
        {
            ByHand = new(StringComparer.Ordinal) { ["ask again"] = _ => { } },
        },
        new("NotAllowed", b =>
        {
            b.Load("block");
            b.Plug();
            return WishAsync(b, new GuestWish(Stick, Optional: false));
        })
        {
            ByHand = new(StringComparer.Ordinal) { ["an administrator may add a rule"] = b => b.Load("allow") },
            Chosen = new(StringComparer.Ordinal) { ["REASON"] = "inventory" },
        },
        new("SetAside", b =>
        {
            b.ClaimPlugged();
            b.World.Do(h => h.DetachByHand(b.Guest, b.Device));
            return WishAsync(b, new GuestWish(Stick, Optional: false));
        }),
    ];

    private static Dictionary<string, Action<HintBed>> Mending => new(StringComparer.Ordinal)
    {
        ["--edit --config"] = _ => { },
        ["--edit"] = b => b.World.Do(h => h.Redefine(b.Guest, new GuestWish(Stick, Optional: false))),
    };

    [TestCaseSource(nameof(Wishes))]
    public Task Hint_OnWhatADefinitionAsksFor_MeetsIt(HintCase hint) => hint.FollowAsync();

    /// <summary>Of libvirt itself: with both flags at once virsh finds no text, and changes nothing.</summary>
    [TestCase("--edit")]
    [TestCase("--edit --config")]
    public void MetadataHint_RunByVirsh_ChangesTheText(string edit)
    {
        using var folder = new RuleFolder();
        var editor = folder.Write("editor", "#!/bin/sh\nsed -i 's/wrong/right/' \"$1\"\n");
        File.SetUnixFileMode(editor, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        const string Of = "metadata test --uri urn:usbhostd:domain:1";
        using var virsh = Process.Start(new ProcessStartInfo(
            "virsh", ["-c", "test:///default", $"{Of} --key usbhostd --live --config --set '<usb><claim device=\"wrong\"/></usb>'; {Of} --key usbhostd {edit}; {Of}{edit[6..]}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["VISUAL"] = editor, ["EDITOR"] = editor, ["LC_ALL"] = "C" },
        })!;

        Assert.That(virsh.StandardOutput.ReadToEnd(), Does.Contain("device=\"right\""), virsh.StandardError.ReadToEnd());
    }

    [TestCase("allow id 0529:*", "FILE")]
    [TestCase("block", "/etc/usbhostd/rules.conf")]
    public async Task Hint_OfPolicyExplain_NamesTheFileAndLoadsIt(string rules, string named)
    {
        await using var bed = await HintBed.StartAsync();
        bed.Load(rules);
        bed.Plug();
        bed.World.Rules = TestRules.AllowAll;

        var explained = await bed.TypeAsync($"usbhostctl policy-explain port:1-4 {Guest}");
        var steps = HintReader.Ways(explained.Lines.Single(l => l.StartsWith("hint: ", StringComparison.Ordinal))[6..]).Single().Select(HintReader.Command).OfType<string[]>().ToList();

        Assert.That(steps[0], Is.EqualTo(new[] { "usbhostctl", "policy-check", named }));
        Assert.That((await bed.TypeAsync(["usbhostctl", "policy-check", bed.Files.Write("rules.conf", "allow\n")])).Exit, Is.Zero);
        Assert.That((await bed.TypeAsync(steps[1])).Exit, Is.Zero);
        bed.World.Settle();
        Assert.That((await bed.TypeAsync($"usbhostctl attach port:1-4 {Guest}")).Exit, Is.Zero);
    }

    [Test]
    public async Task Hint_RequestIdUsedTwice_NamesTheWayOut()
    {
        await using var bed = await HintBed.StartAsync();
        bed.Plug();
        var request = new CreateClaimRequest { Device = "port:1-4", Guest = bed.Guest.Id.ToString(), RequestId = "r1" };
        bed.World.Create(request);
        var another = new CreateClaimRequest(request) { Guest = bed.Other.Id.ToString(), Move = true };

        var refused = Assert.Throws<HostException>(() => bed.World.Create(another))!;
        another.RequestId = "r2";
        bed.World.Create(another);

        Assert.That((refused.Code, refused.Hint), Is.EqualTo((ErrorCode.ErrorRequestReused, "use another request id for another wish")));
        Assert.That(bed.World.Host.GuestsWith(bed.Device), Is.EqualTo(new[] { bed.Other }));
    }

    [Test]
    public async Task Hint_RecordedDeviceIsNone_RecordsItThere()
    {
        await using var bed = await HintBed.StartAsync();
        bed.Plug();
        var rules = bed.Files.Write("rules.conf", "allow\n");
        var folder = Directory.CreateDirectory(Path.Combine(bed.Files.Path, "of two")).FullName;
        var test = $"usbhostctl policy-test --against '{folder}' --rules {rules}";

        // Nothing is recorded; then something is that is no device; then something is expected of what is not recorded.
        foreach (var (name, spoil) in new (string, Action)[]
        {
            ("stick", () => { }),
            ("stick", () => File.WriteAllText(Path.Combine(folder, "stick.json"), "nonsense")),
            ("other", () => File.WriteAllText(Path.Combine(folder, "other.expect"), "allow\n")),
        })
        {
            spoil();
            var command = HintReader.Command(await bed.RefusalHintAsync(test))!.Select(w => w == "DEVICE" ? "port:1-4" : w.Replace("NAME", name, StringComparison.Ordinal)).ToArray();
            Assert.That((await bed.TypeAsync(command)).Exit, Is.Zero);
            Assert.That((await bed.TypeAsync(test)).Exit, Is.Zero, string.Join(' ', command));
        }
    }

    [TestCase("attach")]
    [TestCase("attach a b --by nonsense")]
    [TestCase("nonsense")]
    [TestCase("help nonsense")]
    [TestCase("policy-check")]
    [TestCase("policy-import nonsense x")]
    [TestCase("claim-list --nonsense")]
    public async Task Hint_OfAWrongCommandLine_ShowsHelp(string line)
    {
        await using var bed = await HintBed.StartAsync();

        var command = HintReader.Ways(await bed.RefusalHintAsync($"usbhostctl {line}"))[0].Select(HintReader.Command).OfType<string[]>().Single();

        var help = await bed.TypeAsync(command);
        Assert.That((help.Exit, help.Out), Is.EqualTo((0, help.Out)).And.Matches<(int, string Out)>(h => h.Out.Contains("Usage:", StringComparison.Ordinal)));
    }

    [Test]
    public async Task Hint_MonitorWithoutATerminal_ShowsTheSameOtherwise()
    {
        await using var bed = await HintBed.StartAsync();

        var ways = HintReader.Ways(await bed.RefusalHintAsync("usbhostctl monitor"));

        Assert.That(ways.Select(w => HintReader.Command(w.Single())![1]), Is.EqualTo(["claim-list", "event"]));
        Assert.That((await bed.TypeAsync(HintReader.Command(ways[0][0])!)).Exit, Is.Zero);
        Assert.That(new CommandLine(CliTerminal.OfProcess()).Root.Parse(HintReader.Command(ways[1][0])![1..]).Errors, Is.Empty);
    }

    [TestCase("unix:/nowhere/api.sock", "systemctl start usbhostd")]
    [TestCase("tcp:127.0.0.1:1", "systemctl status usbhostd")]
    public async Task Hint_NobodyAnswers_NamesWhatStartsIt(string address, string command)
    {
        var result = await CliResult.OfAsync(["claim-list", "--connect", address], null, _ => null);

        var words = HintReader.Command(result.Error.Split('\n').Single(l => l.StartsWith("hint: ", StringComparison.Ordinal))[6..])!;
        Assert.That(string.Join(' ', words), Is.EqualTo(command));
        OtherPrograms.Check(words);
    }

    private static async Task<string> WishAsync(HintBed bed, GuestWish wish)
    {
        bed.World.Do(h => h.Redefine(bed.Guest, wish));
        if (!bed.Device.IsPlugged)
        {
            bed.Plug();
        }

        var result = await bed.TypeAsync($"usbhostctl guest-info {bed.Guest.Id}");
        return result.Lines.Single(l => l.StartsWith("  hint:", StringComparison.Ordinal))["  hint:".Length..].Trim();
    }
}
