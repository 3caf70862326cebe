// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Core.State;

/// <summary>
/// Something observed or settled. Any event may be lost, repeated or late: each carries what is true now, not what changed, so
/// that an enumeration alone leads to the same state.
/// </summary>
public abstract record HostEvent
{
    private HostEvent()
    {
    }

    /// <summary>A device is there, new or with changed attributes (driver, authorisation, uses).</summary>
    public sealed record DevicePresent(UsbDevice Device) : HostEvent;

    /// <summary>
    /// A device that was read again, beside the one who watches them come and go: it may have left since, so this never brings one
    /// in that is not known.
    /// </summary>
    public sealed record DeviceReread(UsbDevice Device) : HostEvent;

    /// <summary>
    /// Somebody looked for who holds a device, which no event of the kernel's tells: these are all guarded uses that were found beside those
    /// in <see cref="UsbDevice.Uses"/>.
    /// </summary>
    public sealed record UsesFound(string Syspath, PlugToken Plug, ImmutableArray<HostUse> Uses) : HostEvent;

    /// <summary>No device is at this syspath any more.</summary>
    public sealed record DeviceGone(string Syspath) : HostEvent;

    /// <summary>These are all devices that there are.</summary>
    public sealed record DevicesEnumerated(ImmutableArray<UsbDevice> Devices) : HostEvent;

    /// <summary>A guest as its XML shows it now.</summary>
    public sealed record GuestPresent(Guest Guest) : HostEvent;

    /// <summary>libvirt knows no such guest any more.</summary>
    public sealed record GuestGone(GuestId Guest) : HostEvent;

    /// <summary>These are all guests that there are; libvirt can be reached.</summary>
    public sealed record GuestsEnumerated(ImmutableArray<Guest> Guests) : HostEvent
    {
        /// <summary>Guests that are there and can't be read: what was known of them stands.</summary>
        public ImmutableArray<GuestId> Unreadable { get; init; } = [];
    }

    /// <summary>libvirt can't be reached; what is known of the guests may be stale.</summary>
    public sealed record LibvirtLost(string Why) : HostEvent
    {
        /// <summary>libvirt is there, and does not let our user in.</summary>
        public bool Refused { get; init; }
    }

    /// <summary>libvirt has answered no call since this time, although one is under way; what is known of the guests may be stale.</summary>
    public sealed record LibvirtSilent(DateTimeOffset Since) : HostEvent;

    /// <summary>libvirt answers again, or its connection is gone.</summary>
    public sealed record LibvirtAnswered : HostEvent;

    /// <summary>A request made or changed this claim.</summary>
    public sealed record ClaimWritten(Claim Claim) : HostEvent;

    /// <summary>
    /// A claim that ended so long ago that only the database knew it. A guest has its device, or has it again: comes before the event that shows
    /// that guest.
    /// </summary>
    public sealed record ClaimRecalled(Claim Claim) : HostEvent;

    /// <summary>Somebody asked to try again: holds, quarantine and back-off of this claim are over.</summary>
    public sealed record ClaimRetried(ClaimId Claim) : HostEvent;

    /// <summary>Other rules are in force from now on.</summary>
    public sealed record RulesLoaded(LoadedRules Rules) : HostEvent
    {
        /// <summary>
        /// Whether the audit has it. Where it has not, the rules take rights away, and give none until <see cref="StoreCaughtUp"/>.
        /// </summary>
        public bool IsRecorded { get; init; } = true;
    }

    /// <summary>Nothing could be written for a while, and what waited is stored now.</summary>
    public sealed record StoreCaughtUp : HostEvent;

    /// <summary>Somebody named a device; null takes the name away.</summary>
    public sealed record LabelWritten(DeviceId Device, string? Label) : HostEvent;

    /// <summary>Somebody asked to start a guest with its devices in place.</summary>
    public sealed record GuestStartRequested(GuestId Guest) : HostEvent;

    /// <summary>An administrator says that this serial may tell devices apart again.</summary>
    public sealed record SerialTrusted(DeviceKey Serial) : HostEvent;

    /// <summary>Somebody answered what a rule asks, or the answer holds otherwise now.</summary>
    public sealed record AnswerWritten(Answer Answer) : HostEvent;

    /// <summary>An answer holds no more.</summary>
    public sealed record AnswerForgotten(AnswerId Answer) : HostEvent;

    /// <summary>An action came to its end.</summary>
    public sealed record ActionFinished(HostAction Action, ActionOutcome Outcome) : HostEvent;

    /// <summary>The time that the plan asked to be woken at has come.</summary>
    public sealed record TimeReached : HostEvent;
}
