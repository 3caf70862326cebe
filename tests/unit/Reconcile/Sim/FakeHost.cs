// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>
/// A host with its devices, guests and libvirt. It is one, and daemons come and go. What happens is queued as events, which a test
/// may lose, repeat or reorder before they are delivered. This part is what people do; the other what the daemon does.
/// </summary>
internal sealed partial class FakeHost
{
    public const string BootId = "b00710c4";

    private readonly List<FakeDevice> devices = [];
    private readonly List<FakeGuest> guests = [];
    private readonly List<HostEvent> queued = [];
    private ChannelWriter<HostEvent>? sink;
    private int devnum = 1;
    private int domain;
    private bool restoresHollow;
    private ulong usec = 1000;

    public FakeHost()
    {
        Plug(Some.RootHub(), "usb1");
        Plug(Some.RootHub(), "usb2");
    }

    public IReadOnlyList<FakeDevice> Devices => devices;

    public IReadOnlyList<FakeGuest> Guests => guests;

    public bool LibvirtUp { get; private set; } = true;

    /// <summary>What becomes of the queued events before they are delivered; in order and once each where null.</summary>
    public Func<IReadOnlyList<HostEvent>, IEnumerable<HostEvent>>? Delivery { get; set; }

    /// <summary>What has happened and was not delivered yet.</summary>
    public IReadOnlyList<HostEvent> Queued => queued.ToArray();

    public bool Deliver()
    {
        if (sink is null || queued.Count == 0)
        {
            return false;
        }

        var batch = queued.ToArray();
        queued.Clear();
        foreach (var e in Delivery?.Invoke(batch) ?? batch)
        {
            sink.TryWrite(e);
        }

        return true;
    }

    /// <summary>The daemon is gone, with what was on its way to it.</summary>
    public void Disconnect()
    {
        sink = null;
        queued.Clear();
        LetGoOfPorts();
    }

    public void Plug(FakeDevice device, string port, int? number = null)
    {
        var bus = int.Parse(port.AsSpan(port.StartsWith('u') ? 3 : 0, 1));
        device.PlugInto(port, new UsbAddress(bus, number ?? NextNumber()), usec += 1000);
        devices.Add(device);
        ObeyRootHub(device);
        Tell(device);
    }

    /// <summary>QEMU keeps its dead host device, and the hostdev stays in the XML.</summary>
    public void Pull(FakeDevice device)
    {
        var syspath = device.Syspath;
        devices.Remove(device);
        device.Pull();
        queued.Add(new HostEvent.DeviceGone(syspath));
    }

    public void Replug(FakeDevice device, string? port = null)
    {
        var before = device.Port;
        Pull(device);
        Plug(device, port ?? before!);
    }

    public void Use(FakeDevice device, params HostUse[] uses)
    {
        device.Uses = [.. uses];
        Tell(device);
    }

    public void SetDrivers(FakeDevice device, string? driver)
    {
        device.SetDrivers((_, _) => driver);
        Tell(device);
    }

    public FakeGuest Define(string name, ImmutableArray<GuestUsbController>? controllers = null) => Define(new FakeGuest
    {
        Id = new GuestId(new Guid(guests.Count + 1, 0, 0, new byte[8])),
        Name = name,
        Controllers = controllers ?? FakeGuest.Xhci,
    });

    public FakeGuest Define(FakeGuest guest)
    {
        guests.Add(guest);
        Tell(guest);
        return guest;
    }

    /// <summary>Another definition.</summary>
    public void Redefine(FakeGuest guest, params GuestWish[] wishes)
    {
        guest.Wishes = [.. wishes];
        Tell(guest);
    }

    public void Undefine(FakeGuest guest)
    {
        Stop(guest);
        guests.Remove(guest);
        if (LibvirtUp)
        {
            queued.Add(new HostEvent.GuestGone(guest));
        }
    }

    public void Rename(FakeGuest guest, string name)
    {
        guest.Name = name;
        Tell(guest);
    }

    public void Start(FakeGuest guest, GuestState state = GuestState.Running)
    {
        (guest.DomainId, guest.Started, guest.State) = (++domain, usec += 1000, state);
        if (guest.Saved is { } saved)
        {
            guest.Hostdevs = [.. saved.Select(Restored)];
            guest.Saved = null;
        }

        Tell(guest);
        Configure(guest);
    }

    /// <summary>Suspends or lets run.</summary>
    public void SetState(FakeGuest guest, GuestState state)
    {
        guest.State = state;
        Tell(guest);
        Configure(guest);
    }

    /// <summary>The guest configures its devices, of which the kernel tells nobody.</summary>
    public void SetStateSilently(FakeGuest guest, GuestState state)
    {
        var told = queued.Count;
        SetState(guest, state);
        queued.RemoveRange(told, queued.Count - told);
    }

    /// <summary>libvirtd was restarted: it counts its domains on from those that run.</summary>
    public void RewindDomains() => domain = guests.Max(g => g.DomainId) ?? 0;

    public void Stop(FakeGuest guest)
    {
        var left = Vanish(guest);
        LetGo(left);
        HandBack(left);
    }

    public void Restart(FakeGuest guest)
    {
        Stop(guest);
        Start(guest);
    }

    /// <summary>QEMU dies; the kernel takes the interfaces from it a moment later.</summary>
    /// <returns>The moment later.</returns>
    public Action Kill(FakeGuest guest)
    {
        var left = Vanish(guest);
        return () => LetGo(left);
    }

    public void ManagedSave(FakeGuest guest)
    {
        guest.Saved = [.. guest.Hostdevs];
        Stop(guest);
    }

    /// <summary>virsh restore of a guest that libvirt has forgotten, or a migration back: QEMU closes what it has restored.</summary>
    public void Restore(FakeGuest guest)
    {
        guests.Add(guest);
        restoresHollow = true;
        Start(guest);
        restoresHollow = false;
    }

    /// <summary>virsh attach-device, by somebody else.</summary>
    public void AttachForeign(FakeGuest guest, FakeDevice device, string alias = "hostdev0")
    {
        guest.Hostdevs.Add(new FakeHostdev
        {
            Alias = alias,
            Address = device.Address,
            UsbId = device.UsbId,
            Device = device,
            DeviceUsec = device.UsecInitialized,
            Controller = FindPort(guest, bus: null).Index,
        });
        Tell(guest);
        Configure(guest);
    }

    /// <summary>virsh detach-device, by somebody else.</summary>
    public void DetachByHand(FakeGuest guest, FakeDevice device) => Remove(guest, guest.Hostdevs.Find(h => h.Device == device)!);

    public void LoseLibvirt(string why = "connection reset", bool refused = false)
    {
        LibvirtUp = false;
        queued.RemoveAll(e => e is HostEvent.GuestPresent or HostEvent.GuestGone);
        queued.Add(new HostEvent.LibvirtLost(why) { Refused = refused });
    }

    /// <param name="unreadable">A guest whose definition makes no sense to us.</param>
    public void RegainLibvirt(FakeGuest? unreadable = null)
    {
        LibvirtUp = true;
        if (unreadable is null)
        {
            RescanGuests();
        }
        else
        {
            queued.Add(new HostEvent.GuestsEnumerated([.. guests.Where(g => g != unreadable).Select(g => g.Seen())]) { Unreadable = [unreadable] });
        }
    }

    public void Say(HostEvent happened) => queued.Add(happened);

    public void RescanDevices() => queued.Add(new HostEvent.DevicesEnumerated([.. devices.Select(d => d.Seen())]));

    public void RescanGuests() =>
        queued.Add(LibvirtUp ? new HostEvent.GuestsEnumerated([.. guests.Select(g => g.Seen())]) : new HostEvent.LibvirtLost("not running"));

    /// <summary>The guests that really have the device.</summary>
    public IReadOnlyList<FakeGuest> GuestsWith(FakeDevice device) =>
        [.. guests.Where(g => g.Hostdevs.Exists(h => h.IsLive && h.Device == device))];

    /// <summary>hostdevs under an alias of ours, dead or alive, in all guests.</summary>
    public IReadOnlyList<FakeHostdev> Ours() =>
        [.. guests.SelectMany(g => g.Hostdevs).Where(h => AttachmentAlias.TryParse(h.Alias) is not null)];

    /// <summary>As the kernel counts: on and on, and never one that is in use.</summary>
    private int NextNumber()
    {
        do
        {
            devnum++;
        }
        while (devices.Exists(d => d.Address.Device == devnum));

        return devnum;
    }

    private List<FakeHostdev> Vanish(FakeGuest guest)
    {
        var left = guest.Hostdevs;
        guest.Hostdevs = [];
        (guest.DomainId, guest.State) = (null, GuestState.Shutoff);
        Tell(guest);
        return left;
    }

    private void LetGo(IEnumerable<FakeHostdev> left)
    {
        foreach (var device in left.Where(h => h.IsLive).Select(h => h.Device!))
        {
            device.SetDrivers((d, _) => d == UsbInterface.UsbfsDriver ? null : d);
            Tell(device);
        }
    }

    private void Remove(FakeGuest guest, FakeHostdev hostdev)
    {
        guest.Hostdevs.Remove(hostdev);
        Tell(guest);
        LetGo([hostdev]);
        HandBack([hostdev]);
    }

    /// <summary>libvirt wants vendor, product and address to match; an optional one that is absent is missing.</summary>
    private FakeHostdev Restored(FakeHostdev saved)
    {
        var device = devices.Find(d => d.Address == saved.Address && d.UsbId == saved.UsbId && !IsInUse(d.Address));
        return new FakeHostdev
        {
            Alias = saved.Alias,
            Address = saved.Address,
            UsbId = saved.UsbId,
            Missing = device is null,
            Controller = saved.Controller,
            Device = device,
            DeviceUsec = device?.UsecInitialized ?? 0,
            IsHollow = restoresHollow,
        };
    }

    /// <summary>A guest that runs takes all interfaces of what it has; a paused one none.</summary>
    private void Configure(FakeGuest guest)
    {
        foreach (var device in guest.Hostdevs.Where(h => h.IsLive).Select(h => h.Device!))
        {
            device.SetDrivers((_, _) => guest.State == GuestState.Running && device is { AreInterfacesAuthorized: true, IsConfigured: true } ? UsbInterface.UsbfsDriver : null);
            Tell(device);
        }
    }

    private bool IsInUse(UsbAddress address) => guests.Exists(g => g.Hostdevs.Exists(h => !h.Missing && h.Address == address));

    private void Tell(FakeDevice device)
    {
        if (device.IsPlugged)
        {
            NoteLeak(device);
            queued.Add(new HostEvent.DevicePresent(device.Seen()));
        }
    }

    private void Tell(FakeGuest guest)
    {
        if (LibvirtUp && guests.Contains(guest))
        {
            queued.Add(new HostEvent.GuestPresent(guest.Seen()));
        }
    }
}
