// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>What brings an action about, and how everything is when it is over.</summary>
/// <param name="Verb">What the fake host calls the effect.</param>
/// <param name="Trigger">Makes the loop want the action, without taking a turn.</param>
/// <param name="IsDone">As wished for.</param>
/// <param name="IsUndone">As if it had never been wished for; for a wish that was lost before it was written down.</param>
internal sealed record FaultScenario(
    string Verb, Action<FaultStage> Prepare, Action<FaultStage> Trigger, Func<FaultStage, bool> IsDone, Func<FaultStage, bool> IsUndone);

/// <summary>The world that a scenario plays in.</summary>
internal sealed class FaultStage(World world)
{
    public World World { get; } = world;

    public FakeDevice Stick { get; } = Some.Stick();

    public FakeGuest Guest { get; set; } = null!;

    public bool IsAttached => World.Host.GuestsWith(Stick) is [var only] && only == Guest;

    public bool IsBack => World.Host.GuestsWith(Stick).Count == 0 && Stick.Drivers.SequenceEqual(Stick.HostDrivers, StringComparer.Ordinal);

    /// <summary>Asks without waiting for the answer: the daemon may be gone before there is one.</summary>
    public void Ask(Func<UsbHostd.Daemon.Service.HostService, Task> ask) => _ = ask(World.Service);

    public CreateClaimRequest Wish() => new() { Device = $"port:{Stick.Port}", Guest = Guest.Id.ToString(), RequestId = "r1" };
}

/// <summary>
/// One scenario for each type of action. A new type gets a method of the visitor, and this does not compile until it has one too.
/// </summary>
internal sealed class FaultCatalogue : IHostActionVisitor<FaultScenario>
{
    private static readonly Action<FaultStage> Attached = stage =>
    {
        Ready(stage);
        stage.World.Create(stage.Wish());
    };

    public FaultScenario Attach(HostAction.AttachDevice action) => new("attach", Ready, Claim, s => s.IsAttached, s => s.IsBack);

    public FaultScenario Detach(HostAction.DetachDevice action) => new("detach", Attached, Release, s => s.IsBack, s => s.IsAttached);

    public FaultScenario Look(HostAction.LookAtDevice action) => new(
        "read",
        stage =>
        {
            Ready(stage);
            stage.World.Do(h => h.SetState(stage.Guest, GuestState.Paused));
            stage.World.Create(stage.Wish());
            stage.World.Host.SetStateSilently(stage.Guest, GuestState.Running);
        },
        stage => stage.World.Time.Advance(stage.World.Limits.FirstLook, () => { }),
        s => s.IsAttached && s.World.Status(s.World.State.Claims.Keys.Single()).Reason == Core.Claims.ClaimReason.None,
        s => s.IsAttached);

    public FaultScenario Offer(HostAction.OfferDrivers action) => new("offer", Attached, Release, s => s.IsBack, s => s.IsAttached);

    public FaultScenario ApplyJail(HostAction.ApplyJail action) => new(
        "jail",
        stage =>
        {
            stage.World.Crash();
            stage.World.Jailed = [FakeHost.Controller];
            stage.World.Start();
            Ready(stage);
        },
        stage => stage.World.Host.AuthorizeByHand(stage.Stick),
        s => !s.Stick.AreInterfacesAuthorized,
        s => !s.Stick.AreInterfacesAuthorized);

    public FaultScenario KeepAwake(HostAction.KeepAwake action) => new("power", Ready, Claim, s => s.IsAttached && !s.Stick.MaySleep, s => s.Stick.MaySleep);

    public FaultScenario WriteIgnoreRules(HostAction.WriteIgnoreRules action) => new(
        "ignore", Ready, Claim, s => s.IsAttached && s.World.Host.IgnoreRules.Length == 1, s => s.World.Host.IgnoreRules.IsEmpty);

    public FaultScenario StartPaused(HostAction.StartGuestPaused action) => GuestStart("start");

    public FaultScenario Resume(HostAction.ResumeGuest action) => GuestStart("resume");

    private static FaultScenario GuestStart(string verb) => new(
        verb,
        stage =>
        {
            Attached(stage);
            stage.World.Do(h => h.Stop(stage.Guest));
        },
        stage => stage.Ask(s => s.StartGuestAsync(World.Root, new StartGuestRequest { Guest = stage.Guest.Name }, CancellationToken.None).AsTask()),
        s => s.IsAttached && s.Guest.State == GuestState.Running && s.World.State.GuestStarts.IsEmpty,
        s => s.Guest.State == GuestState.Shutoff && s.World.State.GuestStarts.Values.All(g => g.Failure is not null));

    private static void Ready(FaultStage stage)
    {
        stage.Guest = stage.World.Guest();
        stage.World.Plugged(stage.Stick);
    }

    private static void Claim(FaultStage stage) => stage.Ask(s => s.CreateClaimAsync(World.Root, stage.Wish(), CancellationToken.None).AsTask());

    private static void Release(FaultStage stage) =>
        stage.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Device = $"port:{stage.Stick.Port}" }, CancellationToken.None).AsTask());
}
