// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Cli;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Hints;

/// <summary>A whole daemon over a fake host, a real socket, and usbhostctl before it: what it prints is what a person reads and types.</summary>
internal sealed class HintBed : IAsyncDisposable
{
    /// <summary>A name that needs the quotes of a shell.</summary>
    public const string GuestName = "erp's 2; test";

    private GrpcFixture grpc = null!;

    private HintBed()
    {
        Guest = World.Guest(GuestName);
        Other = World.Guest("other");
    }

    public World World { get; } = new();

    /// <summary>Who types.</summary>
    public Caller Caller { get; set; } = World.Root;

    /// <summary>It runs.</summary>
    public FakeGuest Guest { get; }

    /// <summary>It runs, too.</summary>
    public FakeGuest Other { get; }

    /// <summary>The device that the guest is to have; not plugged in yet.</summary>
    public FakeDevice Device { get; set; } = Some.Stick();

    /// <summary>The claim whose hint is followed.</summary>
    public ClaimId? Claim { get; set; }

    /// <summary>The command that was refused, as it was typed.</summary>
    public string? Refused { get; private set; }

    /// <summary>Of the refusal; null where the command line itself refused.</summary>
    public ErrorCode? Code { get; private set; }

    public RuleFolder Files { get; } = new();

    public bool GuestHasDevice => World.Host.GuestsWith(Device).SequenceEqual([Guest]);

    public static async Task<HintBed> StartAsync()
    {
        var bed = new HintBed();
        bed.grpc = await GrpcFixture.StartAsync(service: SteppedService.Of(bed.World, () => bed.Caller));
        return bed;
    }

    public void Plug(string port = "1-4") => World.Plugged(Device, port);

    /// <summary>Plugs the device in and claims it.</summary>
    public ClaimId ClaimPlugged(string port = "1-4")
    {
        Plug(port);
        return (Claim = World.Claim($"port:{port}", Guest)).Value;
    }

    public void Load(string rules) => World.Reload(new LoadedRules { Set = new RuleSet(Parsed(rules)) });

    /// <summary>What usbhostctl does with a line that a person types into a shell.</summary>
    public Task<CliResult> TypeAsync(string line) => TypeAsync(UsbHostd.Cli.Interactive.ShellLine.Parse(line).Commands.Single());

    public async Task<CliResult> TypeAsync(string[] words)
    {
        Assert.That(words[0], Is.EqualTo("usbhostctl"));
        var redirect = Array.IndexOf(words, ">");
        var result = await CliResult.OfAsync(
            words[1..(redirect < 0 ? words.Length : redirect)], null, name => name == CommandLine.ConnectVariable ? grpc.Address : null);
        if (redirect > 0)
        {
            await File.WriteAllTextAsync(words[redirect + 1], result.Out);
        }

        return result;
    }

    /// <summary>The hint on the claim, as claim-info prints it.</summary>
    public async Task<string> ClaimHintAsync()
    {
        var result = await TypeAsync(["usbhostctl", "claim-info", Claim.ToString()!]);
        Assert.That(result.Exit, Is.Zero, result.Error);
        return result.Lines.FirstOrDefault(line => line.StartsWith("Hint:", StringComparison.Ordinal))?[5..].Trim() ?? "";
    }

    /// <summary>The hint on the command's refusal, as usbhostctl prints it.</summary>
    public async Task<string> RefusalHintAsync(string line)
    {
        Refused = line;
        var result = await TypeAsync(line);
        var error = await TypeAsync($"{line} --json");
        Code = error.Error.StartsWith('{') && JsonDocument.Parse(error.Error).RootElement.TryGetProperty("code", out var code)
            ? Enum.Parse<ErrorCode>(code.GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true)
            : null;
        Assert.That(result.Exit, Is.Not.Zero, "it was not refused");
        return result.Error.Split('\n').FirstOrDefault(l => l.StartsWith("hint: ", StringComparison.Ordinal))?[6..] ?? "";
    }

    /// <summary>A person types again what was refused, and it is done.</summary>
    public void AskAgain(string? otherwise = null)
    {
        var result = TypeAsync(otherwise ?? Refused!).GetAwaiter().GetResult();
        Assert.That(result.Exit, Is.Zero, $"{otherwise ?? Refused}\n{result.Error}");
        World.Settle();
    }

    /// <summary>Why the claim stands where it does; None where all is as wanted or it has ended.</summary>
    public ClaimReason ReasonOf(ClaimId claim) => World.State.Claims[claim].Stands ? World.Stand(claim).Reason : ClaimReason.None;

    public async ValueTask DisposeAsync()
    {
        await grpc.DisposeAsync();
        World.Dispose();
        Files.Dispose();
    }

    private static System.Collections.Immutable.ImmutableArray<Rule> Parsed(string rules)
    {
        Assert.That(RuleParser.TryParse("/etc/usbhostd/rules.conf", rules, out var file, out var error), Is.True, error?.Message);
        return file!.Rules;
    }
}
