// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Bench;

/// <summary>
/// A made-up host of a given size: claimed devices first, each in its running guest, every second one followed by its serial. The
/// last guest is off and has the last claims.
/// </summary>
internal sealed class World
{
    private const string Boot = "6f1c2d7e-0d3a-4f57-9f0e-0f3d9c1f2ab4";
    private const int PortsOfController = 100;
    private readonly int perGuest;
    private readonly int guests;
    private readonly UsbDevice[] devices;
    private readonly UsbDevice?[] attached;
    private ulong clock = 1000;

    public World(int devices, int guests, int claims)
    {
        this.guests = guests;
        perGuest = claims / guests;
        Name = $"{devices:N0} devices, {guests:N0} guests, {claims:N0} claims";
        Claims = [.. Enumerable.Range(0, claims).Select(i => ClaimOf(i, IdOf(i / perGuest)))];
        this.devices = [.. Enumerable.Range(0, devices).Select(i => Device(i, clock, held: i < FirstFree))];
        attached = [.. this.devices.Take(FirstFree)];
    }

    /// <summary>Everything is allowed.</summary>
    public static LoadedRules Rules { get; } = new() { Set = new RuleSet([new Rule { Target = RuleTarget.Allow }]) };

    public string Name { get; }

    public ImmutableArray<Claim> Claims { get; }

    public IReadOnlyList<UsbDevice> Devices => devices;

    public ImmutableArray<Guest> Guests => [.. Enumerable.Range(0, guests).Select(g => Guest(g))];

    /// <summary>Devices from here on are in no guest: the last claims' guest is off, the rest has no claim.</summary>
    public int FirstFree => (guests - 1) * perGuest;

    public static int Any(World world, int n) => n % world.Devices.Count;

    public static int Claimed(World world, int n) => n % world.Claims.Length;

    public static int Held(World world, int n) => n % world.FirstFree;

    /// <summary>A device that no guest has.</summary>
    public static int Free(World world, int n) => world.FirstFree + (n % (world.Devices.Count - world.FirstFree));

    /// <summary>Device <paramref name="i"/> plugged in anew.</summary>
    public UsbDevice Plug(int i) => devices[i] = Device(i, ++clock, held: false);

    /// <summary>Guest <paramref name="g"/> with what is attached to it; the last guest is off.</summary>
    public Guest Guest(int g, GuestState state = GuestState.Running)
    {
        var runs = g < guests - 1;
        var own = Enumerable.Range(g * perGuest, perGuest).Where(i => i < FirstFree && attached[i] is not null);
        return new Guest
        {
            Id = IdOf(g),
            Name = $"guest-{g}",
            State = runs ? state : GuestState.Shutoff,
            Run = runs ? new GuestRun(Boot, g + 1) : null,
            Attachments = [.. own.Select(i => Attachment(i, attached[i]!))],
            Controllers = [new GuestUsbController(0, "qemu-xhci", UsbSpeedSet.Full | UsbSpeedSet.High | UsbSpeedSet.Super, 15, perGuest)],
        };
    }

    /// <summary>Which guest claim <paramref name="i"/> is for.</summary>
    public int GuestOf(int i) => i / perGuest;

    /// <summary>QEMU takes it: the guest and the device as they are then.</summary>
    public (Guest Guest, UsbDevice Device) Attach(ClaimId claim, UsbDevice device)
    {
        var i = IndexOf(claim);
        attached[i] = devices[i] = device with { Interfaces = [device.Interfaces[0] with { Driver = UsbInterface.UsbfsDriver }] };
        return (Guest(GuestOf(i)), devices[i]);
    }

    /// <summary>QEMU lets it go.</summary>
    public Guest Detach(ClaimId claim)
    {
        var i = IndexOf(claim);
        attached[i] = null;
        return Guest(GuestOf(i));
    }

    private int IndexOf(ClaimId claim) => Enumerable.Range(0, Claims.Length).First(i => Claims[i].Id == claim);

    private Attachment Attachment(int i, UsbDevice device) =>
        new(new AttachmentAlias(Claims[i].Id, device.Plug).ToString(), device.Address, device.UsbId, Missing: false);

    private static UsbDevice Device(int i, ulong usec, bool held)
    {
        var (hub, port) = (i / PortsOfController, (i % PortsOfController) + 1);
        var controller = new UsbController("pci", $"0000:{hub:x2}:14.0");
        var (bus, chain) = (hub + 1, $"{((port - 1) / 10) + 1}.{((port - 1) % 10) + 1}");
        var syspath = $"/devices/pci0000:00/{controller.Name}/usb{bus}/{bus}-{chain}";
        var id = new UsbId(0x0951, (ushort)(0x1000 + (i % 64)));
        var serial = i % 2 == 0 ? $"SN{i:D8}" : null;
        return new UsbDevice
        {
            Syspath = syspath,
            UsbId = id,
            Address = new UsbAddress(bus, port + 1),
            PortPath = new UsbPortPath(bus, chain),
            Plug = PlugToken.Of(Boot, syspath, usec),
            UsecInitialized = usec,
            Controller = controller,
            PortKey = DeviceKey.Port(controller, UsbHalf.Usb2, chain),
            SerialKey = serial is null ? null : DeviceKey.Serial(id, serial),
            Serial = serial,
            Manufacturer = "Kingston",
            Product = "DataTraveler 3.0",
            Speed = UsbSpeed.High,
            DeviceNode = $"/dev/bus/usb/{bus:D3}/{port + 1:D3}",
            ActiveConfiguration = 1,
            Interfaces = [new UsbInterface($"{bus}-{chain}:1.0", 0, new UsbClass(8, 6, 0x50), held ? UsbInterface.UsbfsDriver : "usb-storage", Authorized: true)],
        };
    }

    private static GuestId IdOf(int g) => new(new Guid(g + 1, 0x7a1c, 0x4f57, 0x9f, 0x0e, 0x0f, 0x3d, 0x9c, 0x1f, 0x2a, 0xb4));

    private static Claim ClaimOf(int i, GuestId guest)
    {
        var device = Device(i, 0, held: false);
        return new Claim
        {
            Id = ClaimId.Of(new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
            Guest = guest,
            Follows = device.SerialKey ?? device.PortKey,
            Ids = [device.UsbId],
            Owner = "uid:1000",
            Door = "grpc",
            Created = DateTimeOffset.UnixEpoch.AddSeconds(i),
        };
    }
}
