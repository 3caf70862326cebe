// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>
/// Who a device is: its USB id and its serial, or its USB id and its port. A claim counts the two halves of a USB 3 port as one, a label does not.
/// </summary>
internal readonly record struct PlainIdentity(UsbId Id, string? Serial, string? Port)
{
    public static PlainIdentity ForClaims(FakeDevice device) => Of(device, device.Port![(device.Port!.IndexOf('-') + 1)..]);

    public static PlainIdentity ForLabels(FakeDevice device) => Of(device, device.Port!);

    /// <summary>A serial of one digit, repeated, tells nothing apart.</summary>
    private static PlainIdentity Of(FakeDevice device, string port) =>
        device.Serial is { } serial && serial.Trim('0').Length > 0 ? new(device.UsbId, serial, null) : new(device.UsbId, null, port);
}

/// <summary>A rule as a person would put it. It is written as text for the daemon, and the model evaluates it by itself.</summary>
/// <param name="Ids">Empty for any; the same for the other attributes, which are null then.</param>
/// <param name="Path">The port without its bus.</param>
internal sealed record PortRule(RuleTarget Target, string? Guest, string[] Ids, string? Serial = null, string? Port = null, string? Path = null)
{
    public bool Matches(FakeDevice device) =>
        (Ids.Length == 0 || Ids.Contains($"{device.UsbId}")) && (Serial is null || Serial == device.Serial)
        && (Port is null || Port == device.Port) && (Path is null || device.Port!.EndsWith($"-{Path}", StringComparison.Ordinal));

    /// <summary>Of a device that may be away, only id and serial are known.</summary>
    public bool MayGive(PlainIdentity device, string guest) =>
        Target == RuleTarget.Assign && Guest == guest && (Ids.Length == 0 || Ids.Contains($"{device.Id}"))
        && (Serial is null || device.Serial is null || Serial == device.Serial);

    public override string ToString() =>
        $"{Target.ToString().ToLowerInvariant()} {(Ids.Length > 0 ? $"id one-of {{ {string.Join(' ', Ids)} }}" : Path is not null ? "*:*" : "")}"
        + (Serial is null ? "" : $" serial \"{Serial}\"") + (Port is null ? "" : $" via-port \"{Port}\"")
        + (Path is null ? "" : $" path \"pci-0000:00:14.0-usb-0:{Path}\"") + (Guest is null ? "" : $" to-guest \"{Guest}\"");
}

/// <summary>What people did, and what follows from that. It knows nothing of keys, claims by rule and plugs.</summary>
internal sealed class OnePortModel
{
    private readonly Dictionary<PlainIdentity, (string Guest, bool Overrides)> claimed = [];
    private readonly Dictionary<(PlainIdentity Device, string Guest), ClaimId> held = [];
    private readonly Dictionary<PlainIdentity, string> labels = [];

    public IReadOnlyList<PortRule> Rules { get; private set; } = [];

    /// <summary>What was released of what a rule gives.</summary>
    public IReadOnlyList<ClaimId> Held => [.. held.Values];

    /// <summary>The guest that the device is in; null for none.</summary>
    public string? GuestOf(FakeDevice device) =>
        claimed.TryGetValue(PlainIdentity.ForClaims(device), out var claim)
            ? claim.Overrides || Allows(device, claim.Guest) ? claim.Guest : null
            : GivenTo(device) is { } guest && !IsHeld(device, guest) ? guest : null;

    public string LabelOf(FakeDevice device) => labels.GetValueOrDefault(PlainIdentity.ForLabels(device), "");

    public bool IsHeld(FakeDevice device, string guest) => held.ContainsKey((PlainIdentity.ForClaims(device), guest));

    /// <summary>A hold ends with the last rule that could give the device to that guest.</summary>
    public void Load(IReadOnlyList<PortRule> loaded)
    {
        Rules = loaded;
        foreach (var hold in held.Keys.Where(h => !Rules.Any(r => r.MayGive(h.Device, h.Guest))).ToList())
        {
            held.Remove(hold);
        }
    }

    /// <summary>False where it is refused: the device is somebody else's, or the rules do not allow it.</summary>
    public bool Claim(FakeDevice device, string guest, bool overrides)
    {
        var identity = PlainIdentity.ForClaims(device);
        var stands = claimed.TryGetValue(identity, out var claim);
        if (stands ? claim.Guest != guest || !(overrides || claim.Overrides || Allows(device, guest)) : !(overrides || Allows(device, guest)))
        {
            return false;
        }

        // What a rule gives to the same guest stays the rule's.
        if (stands || overrides || GivenTo(device) != guest)
        {
            claimed[identity] = (guest, overrides || claim.Overrides);
        }

        return true;
    }

    public bool CanRelease(FakeDevice device) => claimed.ContainsKey(PlainIdentity.ForClaims(device)) || GuestOf(device) is not null;

    /// <summary>What a rule would give back to the same guest is held; anything else just ends.</summary>
    public void Release(FakeDevice device, ClaimId released)
    {
        var identity = PlainIdentity.ForClaims(device);
        var guest = claimed.Remove(identity, out var claim) ? claim.Guest : GivenTo(device);
        if (guest is not null && GivenTo(device) == guest)
        {
            held.Add((identity, guest), released);
        }
    }

    public void Retry(ClaimId claim) => held.Remove(held.Single(h => h.Value == claim).Key);

    public void Label(FakeDevice device, string text)
    {
        labels.Remove(PlainIdentity.ForLabels(device));
        if (text.Length > 0)
        {
            labels.Add(PlainIdentity.ForLabels(device), text);
        }
    }

    private PortRule? Deciding(FakeDevice device) => Rules.FirstOrDefault(r => r.Matches(device));

    private string? GivenTo(FakeDevice device) => Deciding(device) is { Target: RuleTarget.Assign, Guest: { } guest } ? guest : null;

    private bool Allows(FakeDevice device, string guest) =>
        Deciding(device) is { Target: RuleTarget.Allow or RuleTarget.Assign } rule && (rule.Guest is null || rule.Guest == guest);
}
