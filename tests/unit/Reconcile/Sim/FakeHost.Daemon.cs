// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using System.Xml.Linq;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>What the daemon sees and does, under libvirt's rules.</summary>
internal sealed partial class FakeHost : IUsbHost, IGuestHost, IUsbWriter
{
    /// <summary>As the file in /run: it outlives daemons.</summary>
    private readonly HashSet<PlugToken> keptAwake = [];

    public ImmutableHashSet<PlugToken> KeptAwake => [.. keptAwake];

    /// <summary>What was really done, in order: <c>attach stick guest</c>.</summary>
    public List<string> Done { get; } = [];

    /// <summary>What the daemon tried to attach while a guest had it: only a race may lead to one.</summary>
    public List<string> Clashes { get; } = [];

    public ImmutableArray<IgnoreRule> IgnoreRules { get; private set; } = [];

    public ImmutableArray<HostUse> Holders { get; set; } = [];

    /// <summary>How often somebody looked.</summary>
    public int Looks { get; private set; }

    /// <summary>Runs before each effect with its verb; may throw.</summary>
    public Action<string>? Before { get; set; }

    /// <summary>Runs after each effect with its verb; may throw: it has happened, and the daemon does not hear so.</summary>
    public Action<string>? After { get; set; }

    /// <summary>How many attaches find no such device yet, as right after a plug.</summary>
    public int NotFoundYet { get; set; }

    /// <summary>Removals that QEMU accepts and never does.</summary>
    public bool DetachHangs { get; set; }

    /// <summary>A guest takes the device into its XML, and a host driver stays bound all the same.</summary>
    public bool DriversStay { get; set; }

    /// <summary>QEMU does what it was asked: what is leaving leaves.</summary>
    public bool FinishDetaches()
    {
        var leaving = guests.SelectMany(g => g.Hostdevs.Where(h => h.Leaving).Select(h => (Guest: g, Hostdev: h))).ToList();
        if (DetachHangs || leaving.Count == 0)
        {
            return false;
        }

        leaving.ForEach(l => Remove(l.Guest, l.Hostdev));
        return true;
    }

    void IUsbHost.Start(ChannelWriter<HostEvent> events)
    {
        sink = events;
        RescanDevices();
    }

    void IGuestHost.Start(ChannelWriter<HostEvent> events)
    {
        sink = events;
        RescanGuests();
    }

    public UsbDevice? Read(string syspath)
    {
        Before?.Invoke("read");
        return devices.Find(d => d.Syspath == syspath)?.Seen();
    }

    public Guest? Refresh(GuestId guest)
    {
        RequireLibvirt();
        var found = guests.Find(g => g.Id == guest);
        queued.Add(found is null ? new HostEvent.GuestGone(guest) : new HostEvent.GuestPresent(found.Seen()));
        return found?.Seen();
    }

    public void AttachLive(GuestId guest, string deviceXml)
    {
        Before?.Invoke("attach");
        var into = Active(guest);
        var (address, usbId, alias, bus) = ReadHostdev(deviceXml);
        if (NotFoundYet > 0)
        {
            NotFoundYet--;
            throw new GuestHostException(ClaimReason.AttachFailed, $"failed to find host usb device {address}", transient: true);
        }

        var device = devices.Find(d => d.Address == address && d.UsbId == usbId)
            ?? throw new GuestHostException(ClaimReason.AttachFailed, $"Did not find USB device {usbId} {address}", transient: true);
        Refuse(into, device, alias);
        var controller = FindPort(into, bus);
        RefuseSpeed(device, controller);
        into.Hostdevs.Add(new FakeHostdev
        {
            Alias = alias,
            Address = address,
            UsbId = usbId,
            Device = device,
            DeviceUsec = device.UsecInitialized,
            Controller = controller.Index,
        });
        Done.Add($"attach {device.Name} {into.Name}");
        Tell(into);
        if (!DriversStay)
        {
            Configure(into);
        }

        After?.Invoke("attach");
    }

    public void DetachLive(GuestId guest, string alias)
    {
        Before?.Invoke("detach");
        var from = Active(guest);
        if (from.Hostdevs.Find(h => h.Alias == alias) is { } hostdev)
        {
            hostdev.Leaving = true;
            Done.Add($"detach {hostdev.Device?.Name ?? "nothing"} {from.Name}");
        }

        After?.Invoke("detach");
    }

    public void StartPaused(GuestId guest)
    {
        Before?.Invoke("start");
        var starting = Defined(guest);
        if (starting.IsActive)
        {
            throw new GuestHostException(ClaimReason.AttachFailed, "domain is already running", transient: false);
        }

        Done.Add($"start {starting.Name}");
        Start(starting, GuestState.Paused);
        After?.Invoke("start");
    }

    public void Resume(GuestId guest)
    {
        Before?.Invoke("resume");
        var resuming = Active(guest);
        Done.Add($"resume {resuming.Name}");
        SetState(resuming, GuestState.Running);
        After?.Invoke("resume");
    }

    public void Authorize(UsbDevice device) => devices.Find(d => d.Syspath == device.Syspath)!.Authorized = true;

    void IUsbWriter.ApplyJail(UsbDevice device, JailRole role) => ApplyJail(device, role);

    public void OfferDrivers(UsbDevice device)
    {
        Before?.Invoke("offer");
        if (devices.Find(d => d.Syspath == device.Syspath) is { } found)
        {
            Done.Add($"offer {found.Name}");
            found.SetDrivers((d, i) => d ?? found.HostDrivers[i]);
            Tell(found);
        }

        After?.Invoke("offer");
    }

    public void KeepAwake(UsbDevice device, bool awake)
    {
        Before?.Invoke("power");
        if (devices.Find(d => d.Syspath == device.Syspath) is { } found && (awake || keptAwake.Remove(device.Plug)))
        {
            if (awake && found.MaySleep)
            {
                keptAwake.Add(device.Plug);
            }

            found.MaySleep = !awake;
        }

        After?.Invoke("power");
    }

    public void WriteIgnoreRules(ImmutableArray<IgnoreRule> rules)
    {
        Before?.Invoke("ignore");
        IgnoreRules = rules;
        After?.Invoke("ignore");
    }

    public ImmutableArray<HostUse> FindUses(UsbDevice device, IReadOnlyCollection<Guest> guests)
    {
        Looks++;
        return Holders;
    }

    void IDisposable.Dispose()
    {
    }

    private static (UsbAddress Address, UsbId UsbId, string Alias, int? Bus) ReadHostdev(string xml)
    {
        var hostdev = XElement.Parse(xml);
        var source = hostdev.Element("source")!;
        var address = source.Element("address")!;
        return (
            new UsbAddress((int)address.Attribute("bus")!, (int)address.Attribute("device")!),
            new UsbId(Hex(source.Element("vendor")!), Hex(source.Element("product")!)),
            (string)hostdev.Element("alias")!.Attribute("name")!,
            (int?)hostdev.Element("address")?.Attribute("bus"));

        static ushort Hex(XElement element) => Convert.ToUInt16((string)element.Attribute("id")!, 16);
    }

    private void Refuse(FakeGuest into, FakeDevice device, string alias)
    {
        if (IsInUse(device.Address))
        {
            Clashes.Add($"{device.Name} to {into.Name}");
            throw new GuestHostException(ClaimReason.HeldByOther, $"USB device {device.Address} is in use by driver QEMU", transient: true);
        }

        if (into.Hostdevs.Exists(h => h.Alias == alias))
        {
            throw new GuestHostException(ClaimReason.AttachFailed, $"non unique alias detected: {alias}", transient: true);
        }

        if (into.Controllers.All(c => c.Ports == 0))
        {
            throw new GuestHostException(ClaimReason.NoController, "Domain has no USB bus support", transient: false);
        }
    }

    /// <summary>The controller that is asked for, else the first with a free port, as virDomainUSBAddressAssign does.</summary>
    private static GuestUsbController FindPort(FakeGuest into, int? bus) =>
        into.Seen().Controllers.FirstOrDefault(c => c.FreePorts > 0 && (bus is null || c.Index == bus))
        ?? throw new GuestHostException(ClaimReason.NoFreePort, "No free USB ports", transient: false);

    /// <summary>As QEMU does once libvirt has chosen the port.</summary>
    private static void RefuseSpeed(FakeDevice device, GuestUsbController controller)
    {
        var speeds = GuestFit.SpeedsOf(device.Seen());
        if ((speeds & controller.FreeSpeeds) == UsbSpeedSet.None)
        {
            throw new GuestHostException(
                ClaimReason.AttachFailed, $"speed mismatch trying to attach usb device \"{device.Name}\" ({speeds} speed) to bus \"{controller.Index}\"", transient: false);
        }
    }

    private FakeGuest Defined(GuestId guest)
    {
        RequireLibvirt();
        return guests.Find(g => g.Id == guest) ?? throw new GuestHostException(ClaimReason.GuestUndefined, "Domain not found", transient: false);
    }

    private FakeGuest Active(GuestId guest)
    {
        var found = Defined(guest);
        return found.IsActive ? found : throw new GuestHostException(ClaimReason.GuestOff, "domain is not running", transient: false);
    }

    private void RequireLibvirt()
    {
        if (!LibvirtUp)
        {
            throw new GuestHostException(ClaimReason.LibvirtUnavailable, "no connection to libvirt", transient: true);
        }
    }
}
