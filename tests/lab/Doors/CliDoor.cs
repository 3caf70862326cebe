// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Google.Protobuf;
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Doors;

/// <summary>usbhostctl, in the hands of a member of the group.</summary>
public sealed class CliDoor(HostVm host) : IDoor
{
    private string _claim = "";
    private string _asked = "";

    public async Task<string> ListAsync(string serial) =>
        (string)(await AskAsync("device-list"))["devices"]!.AsArray().Single(d => (string?)d!["serial"] == serial)!["port"]!;

    public async Task<(bool Allowed, int Line)> ExplainAsync(string device, string guest)
    {
        var why = await AskAsync($"policy-explain {device} {guest}");
        return ((bool)why["allowed"]!, (int)why["rule"]!["line"]!);
    }

    public async Task ClaimAsync(string device, string guest)
    {
        _asked = $"attach {device} {guest}";
        _claim = (string)(await AskAsync(_asked))["id"]!;
    }

    /// <summary>Asked again for what stands, it waits for that.</summary>
    public async Task AttachedAsync()
    {
        var claim = await AskAsync(_asked + " --wait --timeout 60");
        Assert.That(((string?)claim["id"], (string?)claim["phase"]), Is.EqualTo((_claim, "ATTACHED")));
    }

    public async Task<ErrorCode> RefusedAsync(string device, string guest)
    {
        var output = await RunAsync($"attach {device} {guest}");
        return output.ExitCode == 0 ? ErrorCode.Unspecified : JsonParser.Default.Parse<ErrorDetail>(output.Text).Code;
    }

    public Task ReleaseAsync() => AskAsync($"claim-release {_claim}");

    private async Task<JsonNode> AskAsync(string arguments)
    {
        var output = await RunAsync(arguments);
        Assert.That(output.ExitCode, Is.Zero, $"usbhostctl {arguments}: {output.Text}");
        return JsonNode.Parse(output.Text)!;
    }

    private Task<Output> RunAsync(string arguments) => host.RunAsync($"{Daemon.Client} {arguments} --json", user: "labmember");
}
