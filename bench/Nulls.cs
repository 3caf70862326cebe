// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Bench;

/// <summary>Around the loop there is next to nothing: no disk, no libvirt, no sysfs. What is left is the loop's own cost.</summary>
internal sealed class NullStore : IClaimStore
{
    public StoredState Load() => new();

    public AuditSlice ReadAudit(AuditTable table, AuditQuery query, long? before, int rows) => new([], null);

    public IStoreCopy BeginCopy() => throw new NotSupportedException();

    public Core.Claims.Claim? Find(Policy.Identity.ClaimId id) => null;

    public void Commit(IReadOnlyList<StoreChange> changes)
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>Attaching takes no time, and is seen as it would be: in the guest's XML and in the device's drivers.</summary>
internal sealed class WorldAttacher(World world, ChannelWriter<HostEvent> events) : IAttacher
{
    public ActionOutcome Attach(HostAction.AttachDevice action)
    {
        lock (world)
        {
            var (guest, device) = world.Attach(action.Claim, action.Device);
            events.TryWrite(new HostEvent.GuestPresent(guest));
            events.TryWrite(new HostEvent.DevicePresent(device));
        }

        return new ActionOutcome.Done();
    }

    public ActionOutcome Detach(HostAction.DetachDevice action)
    {
        lock (world)
        {
            events.TryWrite(new HostEvent.GuestPresent(world.Detach(action.Alias.Claim)));
        }

        return new ActionOutcome.Done();
    }
}

internal sealed class NullGuests : IGuestHost
{
    public void Start(ChannelWriter<HostEvent> events)
    {
    }

    public Guest? Refresh(GuestId guest) => null;

    public void AttachLive(GuestId guest, string deviceXml)
    {
    }

    public void DetachLive(GuestId guest, string alias)
    {
    }

    public void StartPaused(GuestId guest)
    {
    }

    public void Resume(GuestId guest)
    {
    }

    public void Dispose()
    {
    }
}

internal sealed class NullUsb : IUsbHost, IUsbWriter
{
    public void Start(ChannelWriter<HostEvent> events)
    {
    }

    public UsbDevice? Read(string syspath) => null;

    public void Authorize(UsbDevice device)
    {
    }

    public void OfferDrivers(UsbDevice device)
    {
    }

    public void ApplyJail(UsbDevice device, JailRole role)
    {
    }

    public void KeepAwake(UsbDevice device, bool awake)
    {
    }

    public void WriteIgnoreRules(ImmutableArray<IgnoreRule> rules)
    {
    }

    public ImmutableArray<HostUse> FindUses(UsbDevice device, IReadOnlyCollection<Guest> guests) => [];

    public void Dispose()
    {
    }
}

/// <summary>Two seconds pass with every look, so that nothing looks like flapping; no timer ever rings.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private DateTimeOffset now = DateTimeOffset.UnixEpoch.AddYears(50);

    public override DateTimeOffset GetUtcNow() => now += TimeSpan.FromSeconds(2);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new SilentTimer();

    private sealed class SilentTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
