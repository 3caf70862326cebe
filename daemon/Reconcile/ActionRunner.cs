// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Threading.Channels;
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// Runs actions outside the loop, on threads of their own: those of one guest in order, different guests side by side, at most
/// <see cref="MostAtOnce"/> at a time. Each ends in an event.
/// </summary>
internal sealed partial class ActionRunner : IDisposable
{
    /// <summary>libvirtd serves 20 workers by default and keeps 5 for calls that can't block: leave room for others.</summary>
    internal const int MostAtOnce = 12;

    private readonly IAttacher attacher;
    private readonly IGuestHost guests;
    private readonly IUsbHost usb;
    private readonly IUsbWriter writer;
    private readonly ILogger<ActionRunner> log;
    private readonly FaultPoint fault = FaultPoint.FromEnvironment();
    private readonly SemaphoreSlim slots = new(MostAtOnce);

    /// <summary>For what concerns the host alone, which must not wait for a libvirt that hangs: a jailed device is confined here.</summary>
    private readonly SemaphoreSlim hostSlots = new(MostAtOnce);
    private readonly ConcurrentDictionary<GuestId, Task> lanes = new();

    /// <summary>Gets a blocking call off the loop's thread; a test steps it by hand.</summary>
    internal Func<Func<ActionOutcome>, Task<ActionOutcome>> Offload { get; init; } = OwnThread.RunAsync;

    public ActionRunner(IAttacher attacher, IGuestHost guests, IUsbHost usb, IUsbWriter writer, ILogger<ActionRunner> log)
    {
        this.attacher = attacher;
        this.guests = guests;
        this.usb = usb;
        this.writer = writer;
        this.log = log;
        if (fault.Where is { } where)
        {
            WillDie(log, where);
        }
    }

    /// <summary>Called by the loop only, with the action already marked in flight.</summary>
    public void Start(HostAction action, ChannelWriter<HostEvent> events)
    {
        if (action.Guest is not { } guest)
        {
            _ = RunAfterAsync(Task.CompletedTask, action, events);
            return;
        }

        var lane = RunAfterAsync(lanes.GetValueOrDefault(guest, Task.CompletedTask), action, events);
        lanes[guest] = lane;
        _ = lane.ContinueWith(
            done => lanes.TryRemove(KeyValuePair.Create(guest, done)),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task RunAfterAsync(Task before, HostAction action, ChannelWriter<HostEvent> events)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var turns = action.Guest is null ? hostSlots : slots;
        await turns.WaitAsync().ConfigureAwait(false);
        ActionOutcome outcome;
        try
        {
            outcome = await Offload(() => Run(action, events)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            ActionBroke(log, action.Subject, e);
            outcome = new ActionOutcome.Failed(action is HostAction.DetachDevice ? ClaimReason.DetachFailed : ClaimReason.AttachFailed, e.Message, Transient: false);
        }
        finally
        {
            turns.Release();
        }

        events.TryWrite(new HostEvent.ActionFinished(action, outcome));
    }

    private ActionOutcome Run(HostAction action, ChannelWriter<HostEvent> events)
    {
        fault.Before(action);
        var outcome = Perform(action, events);
        fault.After(action);
        return outcome;
    }

    private ActionOutcome Perform(HostAction action, ChannelWriter<HostEvent> events)
    {
        switch (action)
        {
            case HostAction.AttachDevice attach:
                return attacher.Attach(attach);
            case HostAction.DetachDevice detach:
                return attacher.Detach(detach);
            case HostAction.OfferDrivers offer:
                return Offer(offer, events);
            case HostAction.ApplyJail jail:
                return ApplyJail(jail, events);
            case HostAction.LookAtDevice look:
                Reread(look.Syspath, events);
                return new ActionOutcome.Done();
            case HostAction.KeepAwake keep:
                return usb.Read(keep.Syspath) is { } kept && kept.Plug == keep.Plug ? Try(() => writer.KeepAwake(kept, keep.Awake)) : new ActionOutcome.Done();
            case HostAction.WriteIgnoreRules ignore:
                return Try(() => writer.WriteIgnoreRules(ignore.Rules));
            case HostAction.StartGuestPaused start:
                return Try(() => guests.StartPaused(start.Starting), start.Starting);
            case HostAction.ResumeGuest resume:
                return Try(() => guests.Resume(resume.Resuming), resume.Resuming);
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "an action that nobody runs");
        }
    }

    private ActionOutcome Try(Action act, GuestId? refresh = null)
    {
        try
        {
            act();
            if (refresh is { } guest)
            {
                guests.Refresh(guest);
            }

            return new ActionOutcome.Done();
        }
        catch (GuestHostException e)
        {
            return new ActionOutcome.Failed(e.Reason, e.Message, e.IsTransient);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteFailed(log, e.Message);
            return new ActionOutcome.Failed(ClaimReason.AttachFailed, e.Message, Transient: false);
        }
    }

    private UsbDevice? Reread(string syspath, ChannelWriter<HostEvent> events)
    {
        var device = usb.Read(syspath);
        if (device is not null)
        {
            events.TryWrite(new HostEvent.DeviceReread(device));
        }

        return device;
    }

    private ActionOutcome Offer(HostAction.OfferDrivers offer, ChannelWriter<HostEvent> events)
    {
        if (Reread(offer.Syspath, events) is not { } device || device.Plug != offer.Plug)
        {
            return new ActionOutcome.Done();
        }

        if (device.Interfaces.Any(i => i.Driver == UsbInterface.UsbfsDriver))
        {
            return new ActionOutcome.Failed(ClaimReason.InUseByHost, "QEMU has not let go of it yet", Transient: true);
        }

        var outcome = Try(() => writer.OfferDrivers(device));
        var left = Reread(offer.Syspath, events)?.Interfaces.Where(i => i.Driver is null).Select(i => i.Name).ToList();
        if (left is { Count: > 0 })
        {
            NotTaken(log, device.PortPath.ToString(), string.Join(", ", left));
        }

        return outcome;
    }

    private ActionOutcome ApplyJail(HostAction.ApplyJail jail, ChannelWriter<HostEvent> events)
    {
        if (usb.Read(jail.Syspath) is not { } device || device.Plug != jail.Plug)
        {
            return new ActionOutcome.Done();
        }

        var outcome = Try(() => writer.ApplyJail(device, jail.Role));
        Reread(jail.Syspath, events);
        return outcome;
    }

    public void Dispose()
    {
        slots.Dispose();
        hostSlots.Dispose();
    }

    [LoggerMessage(1001, LogLevel.Error, "Action for {Subject} broke; it counts as failed and may be tried again")]
    private static partial void ActionBroke(ILogger logger, string subject, Exception e);

    [LoggerMessage(1002, LogLevel.Warning, "{Message}; claims go on without it")]
    private static partial void WriteFailed(ILogger logger, string message);

    [LoggerMessage(1003, LogLevel.Information, "Device {Device} is back on the host; no host driver took {Interfaces}")]
    private static partial void NotTaken(ILogger logger, string device, string interfaces);

    [LoggerMessage(1005, LogLevel.Warning, FaultPoint.Variable + " is set: this daemon dies at {Where}")]
    private static partial void WillDie(ILogger logger, string where);
}
