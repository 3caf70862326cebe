// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Core.State;

/// <summary>
/// One effect on the world. Running one twice does no more than running it once. At most one is in flight for each
/// <see cref="Subject"/>, and those with one <see cref="Guest"/> run in order.
/// </summary>
public abstract record HostAction
{
    private HostAction()
    {
    }

    /// <summary>What the action is about; the planner keeps one in flight for each.</summary>
    public abstract string Subject { get; }

    /// <summary>Calls the visitor's method for this type: whoever deals with every type finds out of a new one when compiling.</summary>
    public abstract T Accept<T>(IHostActionVisitor<T> visitor);

    /// <summary>Whose worker runs it; null where no guest is involved.</summary>
    public virtual GuestId? Guest => null;

    /// <summary>Authorises the interfaces, attaches the device and looks whether it is really there.</summary>
    /// <param name="Device">As planned; the attacher looks again before it acts.</param>
    /// <param name="Unguarded">Who lets it pass the guard, and why; for the audit. Null where the guard decides.</param>
    public sealed record AttachDevice(ClaimId Claim, GuestId Into, UsbDevice Device, GuestReset GuestReset, string? Unguarded) : HostAction
    {
        public bool Forced => Unguarded is not null;

        public override string Subject => Claim.ToString();

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.Attach(this);

        public override GuestId? Guest => Into;

        public AttachmentAlias Alias => new(Claim, Device.Plug);

        /// <summary>Index of the guest's controller that it goes to; null where libvirt has no choice.</summary>
        public int? Controller { get; init; }

        /// <summary>No driver of the host's may be probed for it, before, meanwhile or after.</summary>
        public bool Jailed { get; init; }
    }

    /// <summary>Takes a hostdev of ours out of a guest. The end of it is seen in the guest's XML.</summary>
    public sealed record DetachDevice(GuestId From, AttachmentAlias Alias, DetachCause Cause) : HostAction
    {
        public override string Subject => Alias.Claim.ToString();

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.Detach(this);

        /// <summary>Syspath of a jailed device, whose authorisation is taken away first; null for any other.</summary>
        public string? Confines { get; init; }

        public override GuestId? Guest => From;
    }

    /// <summary>
    /// Reads a device again. The kernel says nothing when a guest configures its device (usbfs claims suppress their uevents), so an
    /// attached one is looked at a few times, less and less often.
    /// </summary>
    public sealed record LookAtDevice(ClaimId Claim, string Syspath) : HostAction
    {
        public override string Subject => Claim.ToString();

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.Look(this);
    }

    /// <summary>Offers each driverless interface to the host's drivers, once for each plug and hand-back.</summary>
    public sealed record OfferDrivers(string Syspath, PlugToken Plug) : HostAction
    {
        public override string Subject => $"drivers {Plug}";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.Offer(this);
    }

    /// <summary>Gives a device behind a jailed controller its role: authorises, or takes the authorisation away, and probes nothing.</summary>
    public sealed record ApplyJail(string Syspath, PlugToken Plug, JailRole Role) : HostAction
    {
        // As OfferDrivers: never both, and no attach meanwhile.
        public override string Subject => $"drivers {Plug}";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.ApplyJail(this);
    }

    /// <summary>
    /// Keeps a device that a guest has from being suspended, or gives it back the setting that it had before. Its host drivers know
    /// when it may sleep; a guest's do not tell the host.
    /// </summary>
    public sealed record KeepAwake(string Syspath, PlugToken Plug, bool Awake) : HostAction
    {
        public override string Subject => $"power {Plug}";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.KeepAwake(this);
    }

    /// <summary>Makes the desktop leave claimed devices alone: the whole rules file, from the claims that stand.</summary>
    public sealed record WriteIgnoreRules(ImmutableArray<IgnoreRule> Rules) : HostAction
    {
        public override string Subject => "ignore-rules";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.WriteIgnoreRules(this);

        public bool Equals(WriteIgnoreRules? other) =>
            other is not null && Rules.AsSpan().SequenceEqual(other.Rules.AsSpan());

        public override int GetHashCode() => Rules.Length;
    }

    /// <summary>Starts a guest with its processors stopped.</summary>
    public sealed record StartGuestPaused(GuestId Starting) : HostAction
    {
        public override string Subject => $"start {Starting}";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.StartPaused(this);

        public override GuestId? Guest => Starting;
    }

    /// <summary>Lets a guest run that was started paused by us.</summary>
    public sealed record ResumeGuest(GuestId Resuming, GuestRun Run) : HostAction
    {
        public override string Subject => $"start {Resuming}";

        public override T Accept<T>(IHostActionVisitor<T> visitor) => visitor.Resume(this);

        public override GuestId? Guest => Resuming;
    }
}

/// <summary>One answer for each type of action.</summary>
public interface IHostActionVisitor<out T>
{
    T Attach(HostAction.AttachDevice action);

    T Detach(HostAction.DetachDevice action);

    T Look(HostAction.LookAtDevice action);

    T Offer(HostAction.OfferDrivers action);

    T ApplyJail(HostAction.ApplyJail action);

    T KeepAwake(HostAction.KeepAwake action);

    T WriteIgnoreRules(HostAction.WriteIgnoreRules action);

    T StartPaused(HostAction.StartGuestPaused action);

    T Resume(HostAction.ResumeGuest action);
}

/// <summary>Why an attachment of ours is taken out.</summary>
public enum DetachCause
{
    /// <summary>The claim was released, or its lifetime ended.</summary>
    Released,

    /// <summary>It is of an earlier plug: the device is gone, or another has its number.</summary>
    Stale,

    /// <summary>The claim is for another guest now.</summary>
    Moved,

    /// <summary>It is in the guest's XML, yet the guest hasn't got the device.</summary>
    NotWorking,

    /// <summary>The rules that are in force now do not allow it.</summary>
    NotAllowed,
}

/// <summary>Which devices programs of the host leave alone; values are matched literally.</summary>
/// <param name="Serial">Null: by position.</param>
/// <param name="PortKey">Null: by serial.</param>
public sealed record IgnoreRule(UsbId UsbId, string? Serial, DeviceKey? PortKey);

/// <summary>How an action ended. A value, because the planner must react to it.</summary>
public abstract record ActionOutcome
{
    private ActionOutcome()
    {
    }

    public sealed record Done : ActionOutcome;

    /// <summary>It did not work out.</summary>
    /// <param name="Reason">Shown with the claim until the next try.</param>
    /// <param name="Message">What libvirt, QEMU or the kernel said, unescaped.</param>
    /// <param name="Transient">True where another try soon is likely to help ("failed to find host usb device").</param>
    public sealed record Failed(ClaimReason Reason, string Message, bool Transient) : ActionOutcome
    {
        /// <summary>Name of the guest that has the device, where libvirt named one.</summary>
        public string? Holder { get; init; }

        /// <summary>The use that stands against it, where the reason is InUseByHost.</summary>
        public HostUse? Use { get; init; }
    }
}
