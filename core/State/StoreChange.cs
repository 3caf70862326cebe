// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.State;

/// <summary>
/// One change of what is stored. Intent is durable before any effect that follows from it; memory may be lost without changing
/// who gets what.
/// </summary>
public abstract record StoreChange
{
    private StoreChange()
    {
    }

    /// <summary>What keeps this claim: a row, or none for a claim by rule that is not held back, since its rule makes it again.</summary>
    public static StoreChange Keep(Claim claim) =>
        claim is { Origin: ClaimOrigin.Rule, Hold: ClaimHold.None } ? new DropClaim(claim.Id) : new PutClaim(claim);

    /// <summary>Committed at once, before anything follows from it; the others may wait a moment.</summary>
    public virtual bool IsIntent => false;

    /// <summary>What it sets, for example <c>claim cmzxw6ytboi2e</c>: only the last change with one name counts. Null where each counts.</summary>
    public abstract string? Sets { get; }

    public sealed record PutClaim(Claim Claim) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"claim {Claim.Id}";
    }

    /// <summary>A claim by rule needs no row any more: nobody holds it back.</summary>
    public sealed record DropClaim(ClaimId Claim) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"claim {Claim}";
    }

    /// <summary>The guest is being started paused and must be resumed, whatever happens to the daemon.</summary>
    public sealed record PutGuestStart(GuestId Guest, DateTimeOffset Since) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"start {Guest}";
    }

    public sealed record DropGuestStart(GuestId Guest) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"start {Guest}";
    }

    /// <summary>What somebody answered where a rule asks.</summary>
    public sealed record PutAnswer(Answer Answer) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"answer {Answer.Id}";
    }

    public sealed record DropAnswer(AnswerId Answer) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"answer {Answer}";
    }

    /// <summary>What guests hold under our aliases is adopted: stored with the first such claims, and the database is new no more.</summary>
    public sealed record AdoptionDone : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => "adoption";
    }

    /// <summary>Memory: a device as last seen, so that it can be named while it is away.</summary>
    public sealed record RememberDevice(RememberedDevice Device) : StoreChange
    {
        public override string? Sets => $"device {Device.Id}";
    }

    /// <summary>Memory: a device that has been away for the longest, where there is no more room.</summary>
    public sealed record ForgetDevice(DeviceId Device) : StoreChange
    {
        public override string? Sets => $"device {Device}";
    }

    /// <summary>Memory: a label; null takes it away.</summary>
    public sealed record RememberLabel(DeviceId Device, string? Label) : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => $"label {Device}";
    }

    /// <summary>Memory: what a guest was called, for when libvirt can't be asked; null once it is gone and nothing is claimed for it.</summary>
    public sealed record RememberGuest(GuestId Guest, string? Name) : StoreChange
    {
        public override string? Sets => $"guest {Guest}";
    }

    /// <summary>Memory: this serial was seen on two devices at once; false when an administrator trusts it again.</summary>
    public sealed record RememberSerialShared(DeviceKey Serial, bool Shared) : StoreChange
    {
        public override string? Sets => $"serial {Serial}";
    }

    /// <summary>Memory: the claim is in quarantine; null reason ends it.</summary>
    public sealed record RememberQuarantine(ClaimId Claim, string? Reason) : StoreChange
    {
        public override string? Sets => $"quarantine {Claim}";
    }

    /// <summary>Memory: what was decided for a plug where conditions had a say, so that a restart does not decide anew.</summary>
    public sealed record RememberVerdict(StoredVerdict Verdict) : StoreChange
    {
        public override string? Sets => $"verdict {Verdict.Plug}";
    }

    /// <summary>Memory: the plug is over, or decided without such conditions now.</summary>
    public sealed record ForgetVerdict(PlugToken Plug) : StoreChange
    {
        public override string? Sets => $"verdict {Plug}";
    }

    /// <summary>Who asked for what, through which door, and what was done. Never changed, never deleted.</summary>
    /// <param name="Caller"><c>uid:1000</c>, <c>usbhostd</c> for the daemon's own doing.</param>
    /// <param name="Verb">For example <c>claim-create</c>, <c>attach</c>.</param>
    /// <param name="Subject">Claim, device or guest id.</param>
    /// <param name="Outcome"><c>ok</c>, or the error code's name.</param>
    public sealed record AppendAudit(DateTimeOffset At, string Caller, string Door, string Verb, string Subject, string Outcome, string Detail)
        : StoreChange
    {
        public override bool IsIntent => true;

        public override string? Sets => null;
    }
}

/// <summary>What is remembered of a device while it is away.</summary>
/// <param name="Key">The key that its id is made from.</param>
/// <param name="PortKey">Where it was last.</param>
public sealed record RememberedDevice(
    DeviceId Id, DeviceKey Key, DeviceKey PortKey, UsbId UsbId, string? Serial, string Name, DateTimeOffset FirstSeen, DateTimeOffset LastSeen);

/// <summary>What was decided for one plug.</summary>
/// <param name="Rules"><see cref="UsbHostd.Policy.Rules.Matching.RuleSet.Fingerprint"/> of the rules that it was decided by.</param>
/// <param name="Place">Of the rule that decided, from 0; −1 where none matched.</param>
public sealed record StoredVerdict(PlugToken Plug, string Rules, int Place);

/// <summary>Everything that the store holds, as read at start.</summary>
public sealed record StoredState
{
    /// <summary>Whether <see cref="StoreChange.AdoptionDone"/> was never stored since the database was made.</summary>
    public bool IsNew { get; init; }

    public IReadOnlyList<Claim> Claims { get; init; } = [];

    public IReadOnlyDictionary<GuestId, DateTimeOffset> GuestStarts { get; init; } = new Dictionary<GuestId, DateTimeOffset>();

    public IReadOnlyList<Answer> Answers { get; init; } = [];

    public IReadOnlyList<RememberedDevice> Devices { get; init; } = [];

    public IReadOnlyDictionary<DeviceId, string> Labels { get; init; } = new Dictionary<DeviceId, string>();

    public IReadOnlyDictionary<GuestId, string> GuestNames { get; init; } = new Dictionary<GuestId, string>();

    public IReadOnlyList<DeviceKey> SharedSerials { get; init; } = [];

    public IReadOnlyList<StoredVerdict> Verdicts { get; init; } = [];

    public IReadOnlyDictionary<ClaimId, string> Quarantined { get; init; } = new Dictionary<ClaimId, string>();
}
