// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Doors;

/// <summary>The system bus: busctl asks, gdbus tells errors by name, and GLib's own object manager client watches.</summary>
public sealed class DbusDoor(HostVm host) : IDoor
{
    private const string Name = "org.usbhostd.UsbHost1";
    private const string Root = "/org/usbhostd/UsbHost1";
    private const string Errors = Name + ".Error.";

    private string _claim = "";

    public async Task<string> ListAsync(string serial)
    {
        var objects = await AskAsync($"call {Name} {Root} org.freedesktop.DBus.ObjectManager GetManagedObjects");
        return objects.AsObject().Select(o => o.Value![Name + ".Device"])
            .Single(d => (string?)d?["Serial"]?["data"] == serial)!["Port"]!["data"]!.GetValue<string>();
    }

    public async Task<(bool Allowed, int Line)> ExplainAsync(string device, string guest)
    {
        var why = await AskAsync($"call {Name} {Root} {Name}.Manager ExplainPolicy 'ssa{{sv}}' {device} {guest} 0");
        return ((bool)why["Allowed"]!["data"]!, (int)why["Rule"]!["data"]!["Line"]!["data"]!);
    }

    public async Task ClaimAsync(string device, string guest) =>
        _claim = (string)(await AskAsync($"call {Name} {Root} {Name}.Manager CreateClaim 'ssa{{sv}}' {device} {guest} 0"))!;

    public async Task AttachedAsync()
    {
        var seen = await host.RunAsync($"/usr/bin/python3 {Repository.Bed}/dbus-wait {_claim} ATTACHED 60", user: "labmember");
        Assert.That(seen.ExitCode, Is.Zero, seen.Text);
    }

    public async Task<ErrorCode> RefusedAsync(string device, string guest)
    {
        var output = await host.RunAsync(
            $"gdbus call --system --dest {Name} --object-path {Root} --method {Name}.Manager.CreateClaim {device} {guest} '@a{{sv}} {{}}' 2>&1", user: "labmember");
        var name = output.Text.Split(Errors) is [_, { } after, ..] ? after.Split(':')[0] : "";
        return Enum.GetValues<ErrorCode>().FirstOrDefault(c => c.ToString() == "Error" + name); // ERROR_HELD_BY_GUEST is HeldByGuest on the bus
    }

    public Task ReleaseAsync() => AskAsync($"call {Name} {Root} {Name}.Manager ReleaseClaim 'sa{{sv}}' {_claim[(_claim.LastIndexOf('/') + 1)..]} 0");

    private async Task<JsonNode> AskAsync(string arguments)
    {
        var output = await host.RunAsync($"busctl --system --json=short {arguments}", user: "labmember");
        Assert.That(output.ExitCode, Is.Zero, $"busctl {arguments}: {output.Text}");
        return JsonNode.Parse(output.Text)!["data"]![0]!;
    }
}
