// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Which objects and interfaces there are, and what is read of a call before it runs.</summary>
internal sealed partial class DbusDoor
{
    public const string ManagerInterface = DbusOptions.BusName + ".Manager";
    public const string DeviceInterface = DbusOptions.BusName + ".Device";
    public const string ClaimInterface = DbusOptions.BusName + ".Claim";
    public const string GuestInterface = DbusOptions.BusName + ".Guest";
    public const string PropertiesInterface = "org.freedesktop.DBus.Properties";
    public const string ObjectManagerInterface = "org.freedesktop.DBus.ObjectManager";
    public const string PeerInterface = "org.freedesktop.DBus.Peer";

    private const string IntrospectableInterface = "org.freedesktop.DBus.Introspectable";
    private const string ErrorPrefix = "org.freedesktop.DBus.Error.";

    /// <summary>Without a token to resume by: signals carry none.</summary>
    internal static ManagerMethod WatchMethod { get; } = new(
        "Watch", WatchRequest.Descriptor, [], "", _ => throw new NotSupportedException("bound by the door itself"))
    { LeftOut = ["resume_token"] };

    public static string InterfaceOf(IMessage thing) => thing switch
    {
        Device => DeviceInterface,
        Claim => ClaimInterface,
        Guest => GuestInterface,
        _ => throw new ArgumentException("not an object of ours", nameof(thing)),
    };

    /// <summary>a{sa{sv}} with the one interface of ours that it has.</summary>
    public static void WriteInterfaces(ref MessageWriter to, IMessage thing)
    {
        var start = to.WriteDictionaryStart();
        to.WriteDictionaryEntryStart();
        to.Text(InterfaceOf(thing));
        ProtoFields.Write(ref to, thing);
        to.WriteDictionaryEnd(start);
    }

    /// <exception cref="FormatException">The arguments are not the method's.</exception>
    /// <exception cref="BusException">There is no such object or method.</exception>
    private Invocation Decode(IncomingCall call, Peer peer)
    {
        var target = ObjectPaths.Parse(call.Path) ?? throw new BusException(ErrorPrefix + "UnknownObject", $"usbhostd has no object {call.Path}");
        var isManager = target.Kind == ObjectKind.Manager;
        return (call.Interface, call.Member) switch
        {
            (IntrospectableInterface or "", "Introspect") => Introspect(target, Arguments(call, "")),
            (PropertiesInterface or "", "Get") when target.Kind != ObjectKind.Folder => Get(target, Arguments(call, "ss")),
            (PropertiesInterface or "", "GetAll") when target.Kind != ObjectKind.Folder => GetAll(target, Arguments(call, "s")),
            (PropertiesInterface or "", "Set") when target.Kind != ObjectKind.Folder =>
                throw new BusException(ErrorPrefix + "PropertyReadOnly", "properties can't be set; call the methods of " + ManagerInterface),
            (ObjectManagerInterface or "", "GetManagedObjects") when isManager => GetManagedObjects(call, peer, Arguments(call, "")),
            (ManagerInterface or "", "Watch") when isManager => Watch(call, peer),
            (ManagerInterface or "", "RegisterAgent") when isManager => RegisterAgent(call, peer, Arguments(call, "oa{sv}")),
            (ManagerInterface or "", "UnregisterAgent") when isManager => UnregisterAgent(peer, Arguments(call, "oa{sv}")),
            (ManagerInterface or "", _) when isManager && methods.TryGetValue(call.Member, out var method) => method.Decode(call.Request),
            _ => throw new BusException(
                ErrorPrefix + "UnknownMethod", $"{call.Path} has no method {(call.Interface.Length > 0 ? call.Interface + "." : "")}{call.Member}"),
        };
    }

    private static Reader Arguments(IncomingCall call, string expected)
    {
        var found = call.Request.SignatureAsString;
        return found == expected
            ? call.Request.GetBodyReader()
            : throw new FormatException($"found arguments of type {DbusTypes.Show(found)}, expected {(expected.Length == 0 ? "none" : "type " + DbusTypes.Show(expected))}");
    }

    private Invocation Introspect(ObjectName target, Reader none)
    {
        return target.Kind switch
        {
            ObjectKind.Manager => Document(
                [ManagerInterface, ObjectManagerInterface, PropertiesInterface, IntrospectableInterface, PeerInterface], (_, _) => new(ObjectPaths.FolderNames)),
            ObjectKind.Folder => Document([IntrospectableInterface, PeerInterface], (caller, token) => ChildrenAsync(target.Id, caller, token)),
            _ => Document([InterfaceOf(target.Kind), PropertiesInterface, IntrospectableInterface, PeerInterface], (_, _) => new([])),
        };
    }

    private static Invocation Document(string[] interfaces, Func<Caller, CancellationToken, ValueTask<IEnumerable<string>>> children) =>
        async (caller, cancellationToken) =>
        {
            var xml = IntrospectionXml.Of(interfaces, await children(caller, cancellationToken).ConfigureAwait(false));
            return new BusAnswer("s", (ref to) => to.Text(xml)) { Size = xml.Length };
        };

    /// <summary>What the caller may see; to one who may not, the folder is empty.</summary>
    private async ValueTask<IEnumerable<string>> ChildrenAsync(string folder, Caller caller, CancellationToken cancellationToken)
    {
        try
        {
            return ObjectPaths.KindIn(folder) switch
            {
                ObjectKind.Device => (await service.ListDevicesAsync(caller, new ListDevicesRequest(), cancellationToken).ConfigureAwait(false)).Devices.Select(d => d.Id),
                ObjectKind.Claim => (await service.ListClaimsAsync(caller, new ListClaimsRequest(), cancellationToken).ConfigureAwait(false)).Claims.Select(c => c.Id),
                _ => (await service.ListGuestsAsync(caller, new ListGuestsRequest(), cancellationToken).ConfigureAwait(false)).Guests.Select(g => g.Uuid.Replace('-', '_')),
            };
        }
        catch (HostException)
        {
            return [];
        }
    }

    private Invocation Get(ObjectName target, Reader body)
    {
        var (@interface, name) = (body.ReadString(), body.ReadString());
        if (!HasProperties(target, @interface))
        {
            throw UnknownProperty(@interface, name);
        }

        return async (caller, cancellationToken) =>
        {
            var thing = await ReadAsync(target, caller, cancellationToken).ConfigureAwait(false);
            var field = thing.Descriptor.Fields.InDeclarationOrder().FirstOrDefault(f => ProtoFields.NameOf(f) == name) ?? throw UnknownProperty(@interface, name);
            return new BusAnswer("v", (ref to) => ProtoFields.WriteVariant(ref to, thing, field));
        };
    }

    private Invocation GetAll(ObjectName target, Reader body)
    {
        if (!HasProperties(target, body.ReadString()))
        {
            return (_, _) => ValueTask.FromResult(new BusAnswer("a{sv}", (ref to) => to.NoEntries()));
        }

        return async (caller, cancellationToken) =>
        {
            var thing = await ReadAsync(target, caller, cancellationToken).ConfigureAwait(false);
            return new BusAnswer("a{sv}", (ref to) => ProtoFields.Write(ref to, thing));
        };
    }

    /// <summary>What is there, then its changes: standard clients ask for nothing else. The snapshot and the first change fit together.</summary>
    private Invocation GetManagedObjects(IncomingCall call, Peer peer, Reader none)
    {
        return async (caller, _) =>
        {
            var (watch, objects) = await WatchAsync(call, peer, caller, new WatchRequest()).ConfigureAwait(false);
            var taken = peer.TryWatch(watch, replace: false);
            return new BusAnswer(
                "a{oa{sa{sv}}}",
                (ref to) =>
                {
                    var start = to.WriteDictionaryStart();
                    foreach (var (path, thing) in objects)
                    {
                        to.WriteDictionaryEntryStart();
                        to.WriteObjectPath(path);
                        WriteInterfaces(ref to, thing);
                    }

                    to.WriteDictionaryEnd(start);
                },
                () => Track(taken ? watch.RunAsync : watch.EndAsync, peer))
            {
                Size = objects.Values.Sum(o => (long)o.CalculateSize()),
            };
        };
    }

    private Invocation Watch(IncomingCall call, Peer peer)
    {
        var request = (WatchRequest)WatchMethod.Read(call.Request);
        return async (caller, _) =>
        {
            var (watch, _) = await WatchAsync(call, peer, caller, request).ConfigureAwait(false);
            peer.TryWatch(watch, replace: true);
            return BusAnswer.Nothing with { Then = () => Track(watch.RunAsync, peer) };
        };
    }

    private async Task<(PeerWatch Watch, IReadOnlyDictionary<string, IMessage> Objects)> WatchAsync(
        IncomingCall call, Peer peer, Caller caller, WatchRequest request)
    {
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(peer.Gone, stopping.Token);
        var events = service.Watch(caller, request, cancel.Token).GetAsyncEnumerator(cancel.Token);
        var watch = new PeerWatch(call.Connection, peer.Name, events, reading, cancel);
        try
        {
            return (watch, await watch.ReadSnapshotAsync().ConfigureAwait(false));
        }
        catch
        {
            await watch.EndAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static string InterfaceOf(ObjectKind kind) => kind switch
    {
        ObjectKind.Device => DeviceInterface,
        ObjectKind.Claim => ClaimInterface,
        ObjectKind.Guest => GuestInterface,
        _ => ManagerInterface,
    };

    /// <summary>The manager has none, and neither have the standard interfaces.</summary>
    /// <exception cref="BusException">The object has no such interface.</exception>
    private static bool HasProperties(ObjectName target, string @interface)
    {
        var own = InterfaceOf(target.Kind);
        if (@interface == own || @interface.Length == 0)
        {
            return target.Kind != ObjectKind.Manager;
        }

        var isStandard = @interface is PropertiesInterface or IntrospectableInterface or PeerInterface
            || (@interface == ObjectManagerInterface && target.Kind == ObjectKind.Manager);
        return isStandard ? false : throw new BusException(ErrorPrefix + "UnknownInterface", $"found interface \"{DbusTypes.Cut(@interface)}\", expected {own}");
    }

    private static BusException UnknownProperty(string @interface, string name) =>
        new(ErrorPrefix + "UnknownProperty", $"interface {DbusTypes.Cut(@interface)} has no property \"{DbusTypes.Cut(name)}\"");

    private async ValueTask<IMessage> ReadAsync(ObjectName target, Caller caller, CancellationToken cancellationToken) => target.Kind switch
    {
        ObjectKind.Device => await service.GetDeviceAsync(caller, new GetDeviceRequest { Device = "id:" + target.Id }, cancellationToken).ConfigureAwait(false),
        ObjectKind.Claim => await service.GetClaimAsync(caller, new GetClaimRequest { Id = target.Id }, cancellationToken).ConfigureAwait(false),
        _ => await service.GetGuestAsync(caller, new GetGuestRequest { Guest = "uuid:" + target.Id }, cancellationToken).ConfigureAwait(false),
    };
}
