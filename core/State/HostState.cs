// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Core.State;

/// <summary>Everything known at one moment, with the indexes that make one event's cost independent of how much that is.</summary>
public sealed record HostState
{
    public static readonly HostState Empty = new();

    public ReconcileLimits Limits { get; init; } = new();

    /// <summary>By syspath.</summary>
    public ImmutableDictionary<string, UsbDevice> Devices { get; init; } = ImmutableDictionary.Create<string, UsbDevice>(StringComparer.Ordinal);

    /// <summary>By syspath: who was found to hold a device when somebody looked. Nothing tells when they let go, so it is looked at again.</summary>
    public ImmutableDictionary<string, FoundUses> FoundUses { get; init; } = ImmutableDictionary.Create<string, FoundUses>(StringComparer.Ordinal);

    /// <summary>By syspath; decided once for each plug, so that no other device changes it.</summary>
    public ImmutableDictionary<string, DeviceId> DeviceIds { get; init; } = ImmutableDictionary.Create<string, DeviceId>(StringComparer.Ordinal);

    public ImmutableDictionary<DeviceId, string> SyspathsById { get; init; } = ImmutableDictionary<DeviceId, string>.Empty;

    public MultiIndex<DeviceKey, string> DevicesByKey { get; init; } = MultiIndex<DeviceKey, string>.Empty;

    /// <summary>By <see cref="DeviceKey.VendorAndSerial"/>.</summary>
    public MultiIndex<string, string> DevicesByVendorAndSerial { get; init; } = MultiIndex<string, string>.Empty;

    public MultiIndex<UsbAddress, string> DevicesByAddress { get; init; } = MultiIndex<UsbAddress, string>.Empty;

    public ImmutableDictionary<GuestId, Guest> Guests { get; init; } = ImmutableDictionary<GuestId, Guest>.Empty;

    public MultiIndex<string, GuestId> GuestsByName { get; init; } = MultiIndex<string, GuestId>.Empty;

    public MultiIndex<UsbAddress, Placed> AttachmentsByAddress { get; init; } = MultiIndex<UsbAddress, Placed>.Empty;

    public MultiIndex<ClaimId, Placed> AttachmentsByClaim { get; init; } = MultiIndex<ClaimId, Placed>.Empty;

    public ImmutableDictionary<ClaimId, ClaimEntry> Claims { get; init; } = ImmutableDictionary<ClaimId, ClaimEntry>.Empty;

    public MultiIndex<DeviceKey, ClaimId> ClaimsByKey { get; init; } = MultiIndex<DeviceKey, ClaimId>.Empty;

    /// <summary>By <see cref="DeviceKey.VendorAndSerial"/> of what they follow; claims by port are not in it.</summary>
    public MultiIndex<string, ClaimId> ClaimsByVendorAndSerial { get; init; } = MultiIndex<string, ClaimId>.Empty;

    public MultiIndex<GuestId, ClaimId> ClaimsByGuest { get; init; } = MultiIndex<GuestId, ClaimId>.Empty;

    /// <summary>By owner and the request id that it gave.</summary>
    public ImmutableDictionary<(string Owner, string RequestId), ClaimId> ClaimsByRequest { get; init; } =
        ImmutableDictionary<(string Owner, string RequestId), ClaimId>.Empty;

    /// <summary>Released claims that have nothing in a guest any more, oldest first: in no index, and shown on request only.</summary>
    public ImmutableQueue<ClaimId> History { get; init; } = [];

    public ImmutableHashSet<ClaimId> Retired { get; init; } = [];

    /// <summary>Serials that were seen on two devices at once.</summary>
    public ImmutableHashSet<DeviceKey> SharedSerials { get; init; } = [];

    public ImmutableDictionary<DeviceId, string> Labels { get; init; } = ImmutableDictionary<DeviceId, string>.Empty;

    public ImmutableDictionary<DeviceId, RememberedDevice> Remembered { get; init; } = ImmutableDictionary<DeviceId, RememberedDevice>.Empty;

    public ImmutableDictionary<GuestId, string> GuestNames { get; init; } = ImmutableDictionary<GuestId, string>.Empty;

    public ImmutableDictionary<GuestId, GuestStart> GuestStarts { get; init; } = ImmutableDictionary<GuestId, GuestStart>.Empty;

    /// <summary>Actions that are running, by subject.</summary>
    public ImmutableDictionary<string, HostAction> InFlight { get; init; } = ImmutableDictionary.Create<string, HostAction>(StringComparer.Ordinal);

    /// <summary>By port, one key for both halves: when devices were plugged in there lately.</summary>
    public ImmutableDictionary<DeviceKey, PortPlugs> PortPlugs { get; init; } = ImmutableDictionary<DeviceKey, PortPlugs>.Empty;

    /// <summary>Until when the attach of an input device that began last is waited for by others.</summary>
    public DateTimeOffset InputLeavesBy { get; init; }

    /// <summary>Devices that were in a guest and whose interfaces are still to be offered to the host's drivers: plug to syspath.</summary>
    public ImmutableDictionary<PlugToken, string> Lent { get; init; } = ImmutableDictionary<PlugToken, string>.Empty;

    /// <summary>Plugs of devices whose power setting is ours while a guest has them.</summary>
    public ImmutableHashSet<PlugToken> KeptAwake { get; init; } = [];

    public JailState Jail { get; init; } = JailState.Off;

    /// <summary>When to look again at what, soonest first.</summary>
    public ImmutableSortedSet<Deadline> Deadlines { get; init; } = [];

    /// <summary>The rules in force.</summary>
    public LoadedRules Rules { get; init; } = LoadedRules.None;

    /// <summary>Nothing is attached that these would not allow too; null where the rules in force are recorded.</summary>
    public EarlierRules? Earlier { get; init; }

    /// <summary>By syspath: what the rules say of each plug that is there.</summary>
    public ImmutableDictionary<string, Verdict> Verdicts { get; init; } = ImmutableDictionary.Create<string, Verdict>(StringComparer.Ordinal);

    /// <summary>By port: of devices that left a moment ago, where conditions had a say.</summary>
    public ImmutableDictionary<DeviceKey, DepartedVerdict> DepartedVerdicts { get; init; } = ImmutableDictionary<DeviceKey, DepartedVerdict>.Empty;

    /// <summary>What an earlier run of the daemon decided, until it is known which of these plugs are still there.</summary>
    public ImmutableDictionary<PlugToken, StoredVerdict> StoredVerdicts { get; init; } = ImmutableDictionary<PlugToken, StoredVerdict>.Empty;

    /// <summary>When rules whose conditions ask for it were looked at and decided, by their place; since they were loaded.</summary>
    public ImmutableDictionary<int, RuleHistory> RuleHistory { get; init; } = ImmutableDictionary<int, RuleHistory>.Empty;

    /// <summary>Syspaths of devices that a rule assigns, by the guest as the rule names it.</summary>
    public MultiIndex<string, string> AssignedTo { get; init; } = MultiIndex<string, string>.Empty;

    /// <summary>Claims by rule that stand.</summary>
    public ImmutableHashSet<ClaimId> RuleClaims { get; init; } = [];

    /// <summary>What guests ask for in their definitions, and what became of it.</summary>
    public ImmutableDictionary<GuestId, ImmutableArray<WishOutcome>> Wishes { get; init; } = ImmutableDictionary<GuestId, ImmutableArray<WishOutcome>>.Empty;

    /// <summary>What was answered where rules ask.</summary>
    public ImmutableDictionary<AnswerId, Answer> Answers { get; init; } = ImmutableDictionary<AnswerId, Answer>.Empty;

    /// <summary>Guests of which a wish is not met.</summary>
    public ImmutableHashSet<GuestId> UnmetWishes { get; init; } = [];

    /// <summary>
    /// Whether no daemon before this one has seen devices and guests since the database was made: then what is attached under our alias is
    /// adopted, whatever it is.
    /// </summary>
    public bool StoreIsNew { get; init; }

    public bool DevicesKnown { get; init; }

    public bool GuestsKnown { get; init; }

    public bool LibvirtConnected { get; init; }

    /// <summary>Why libvirt can't be reached; null where it can, or has not been tried yet.</summary>
    public string? LibvirtError { get; init; }

    /// <summary>Whether that is because libvirt does not let our user in.</summary>
    public bool IsLibvirtRefusing { get; init; }

    /// <summary>Who was found to hold this plug of the device.</summary>
    public ImmutableArray<HostUse> FoundUsesOf(UsbDevice device) =>
        FoundUses.TryGetValue(device.Syspath, out var found) && found.Plug == device.Plug ? found.Uses : [];

    /// <summary>Since when libvirt answers no call, although it was asked; null where it answers, or nothing was asked.</summary>
    public DateTimeOffset? LibvirtSilentSince { get; init; }

    /// <summary>Whether libvirt can be reached and answers, as far as is known.</summary>
    public bool IsLibvirtAnswering => LibvirtConnected && LibvirtSilentSince is null;

    public UsbDevice? Device(DeviceId id) => SyspathsById.TryGetValue(id, out var syspath) ? Devices.GetValueOrDefault(syspath) : null;

    public DeviceId IdOf(UsbDevice device) => DeviceIds.TryGetValue(device.Syspath, out var id) ? id : DeviceId.Of(device.SerialKey ?? device.PortKey, device.UsbId);

    /// <summary>What the rules say of a device that is there.</summary>
    public Verdict VerdictOf(UsbDevice device) => Verdicts.GetValueOrDefault(device.Syspath) ?? Verdict.None;

    public IEnumerable<UsbDevice> DevicesWith(DeviceKey key)
    {
        foreach (var syspath in DevicesByKey[key])
        {
            yield return Devices[syspath];
        }
    }

    /// <summary>This state with the earlier rules in force; null where there are none.</summary>
    public HostState? UnderEarlierRules() =>
        Earlier is { } earlier ? this with { Rules = earlier.Rules, Verdicts = earlier.Verdicts, RuleHistory = earlier.History, Earlier = null } : null;

    public string GuestName(GuestId id) =>
        Guests.TryGetValue(id, out var guest) ? guest.Name : GuestNames.GetValueOrDefault(id) ?? id.ToString();

    public GuestId? GuestNamed(string? name) => name is not null && GuestsByName[name] is [var guest, ..] ? guest : null;
}

/// <summary>The rules that were recorded last, while those in force are not: the disk was full when they were loaded.</summary>
/// <param name="Verdicts">By syspath, what they say of each plug that is there.</param>
/// <param name="History">As <see cref="HostState.RuleHistory"/>.</param>
/// <param name="Since">When newer ones were loaded.</param>
public sealed record EarlierRules(
    LoadedRules Rules, ImmutableDictionary<string, Verdict> Verdicts, ImmutableDictionary<int, RuleHistory> History, DateTimeOffset Since);

/// <summary>The last look for who holds a device, where it found somebody.</summary>
/// <param name="Since">The same uses were found in each look since then.</param>
public sealed record FoundUses(PlugToken Plug, ImmutableArray<HostUse> Uses, DateTimeOffset Since, DateTimeOffset At)
{
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(1);

    /// <summary>The first use that refuses a new claim: one that cannot be brief, or that has lasted.</summary>
    public HostUse? Lasting => Uses.FirstOrDefault(u => !u.MayBeBrief || At - Since >= Brief);
}

/// <summary>One attachment with the guest it is in.</summary>
public sealed record Placed(GuestId Guest, Attachment Attachment);

/// <summary>A guest that is being started with its devices in place.</summary>
/// <param name="Run">Null until it is seen, paused.</param>
/// <param name="Failure">Why it did not start; null while it is under way.</param>
public sealed record GuestStart(DateTimeOffset Since, bool FromStore, GuestRun? Run, string? Failure)
{
    /// <summary>Starting it, or letting it run, failed for a moment: not again before this time.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Why it did; null where nothing did yet.</summary>
    public string? Trouble { get; init; }
}

/// <summary>What one port has seen lately.</summary>
/// <param name="Recent">When devices were plugged in, oldest first; bounded by the flap limit.</param>
/// <param name="IsFlapping">Whether the last of them was one too many.</param>
public sealed record PortPlugs(ImmutableArray<DateTimeOffset> Recent, bool IsFlapping);

/// <summary>When to look again at a subject.</summary>
public sealed record Deadline(DateTimeOffset At, DeadlineKind Kind, string Subject) : IComparable<Deadline>
{
    public int CompareTo(Deadline? other)
    {
        if (other is null)
        {
            return 1;
        }

        var order = At.CompareTo(other.At);
        order = order != 0 ? order : Kind.CompareTo(other.Kind);
        return order != 0 ? order : string.CompareOrdinal(Subject, other.Subject);
    }

    public static bool operator <(Deadline left, Deadline right) => left.CompareTo(right) < 0;

    public static bool operator >(Deadline left, Deadline right) => left.CompareTo(right) > 0;

    public static bool operator <=(Deadline left, Deadline right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Deadline left, Deadline right) => left.CompareTo(right) >= 0;
}

public enum DeadlineKind
{
    Claim,
    Serial,
    GuestStart,

    /// <summary>An answer whose plug was pulled, by its id.</summary>
    Answer,

    /// <summary>A device in the jail, by syspath.</summary>
    Jail,

    /// <summary>A device, by syspath, that was left alone to settle.</summary>
    Device,

    /// <summary>The input devices, of which one was to be in its guest by now.</summary>
    Inputs,
}

/// <summary>Numbers that an administrator may set.</summary>
public sealed record ReconcileLimits
{
    /// <summary>A device that comes back to its port within this time counts as the same plug for lifetimes. Default 10 s.</summary>
    public TimeSpan Comeback { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>More plugs of its device, or into its port, than this within <see cref="FlapWindow"/> put a claim in quarantine. Default 10.</summary>
    public int FlapPlugs { get; init; } = 10;

    /// <summary>Default 10 s.</summary>
    public TimeSpan FlapWindow { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The first wait after a failure; it doubles. Default 200 ms.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait between tries. Default 30 s.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Failures in a row after which a claim stays Failed until something changes or somebody retries. Default 10.</summary>
    public int MostFailures { get; init; } = 10;

    /// <summary>How long a removal that QEMU accepted may take before it is asked again. Default 5 s.</summary>
    public TimeSpan DetachPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a host driver may stay bound to a device in a guest (guests reconfigure devices). Default 3 s.</summary>
    public TimeSpan HostDriverPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The first wait before an attached device that its guest has not configured is looked at again; it doubles. Default 250 ms.</summary>
    public TimeSpan FirstLook { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often it is looked at before only events count. Default 10: over some four minutes.</summary>
    public int MostLooks { get; init; } = 10;

    /// <summary>How long guest-start waits for the guest's devices before it lets it run, and tries a start that fails for a moment. Default 30 s.</summary>
    public TimeSpan GuestStartPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an agent may take to answer. Default 60 s.</summary>
    public TimeSpan AskPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>So many released claims are kept in memory, and loaded at start; the database keeps more. Default 1,000.</summary>
    public int MostHistory { get; init; } = 1000;

    /// <summary>So many claims by rule stand at once; those whose devices have been away for the longest end first. Default 1,000.</summary>
    public int MostRuleClaims { get; init; } = 1000;

    /// <summary>
    /// So many devices are remembered while they are away: a hostile one may show another serial at each plug. Labelled and claimed
    /// ones are not counted out. Default 1,000.
    /// </summary>
    public int MostRemembered { get; init; } = 1000;

    /// <summary>Two devices with one serial for longer than this make the serial not unique. Default 2 s: a re-plug may look like two for a moment.</summary>
    public TimeSpan TwinPatience { get; init; } = TimeSpan.FromSeconds(2);
}
