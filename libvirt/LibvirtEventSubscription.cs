// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>The callbacks of one sink on one connection.</summary>
/// <remarks>
/// libvirt is given an id, not a pointer, and no free callback: an id that is no longer in the table is ignored, so a callback under way
/// while another thread deregisters finds nothing instead of freed memory. A free callback can't be relied on either: drivers without
/// close notification (test:///) accept a close callback, forget it and never free it.
/// </remarks>
internal sealed unsafe class LibvirtEventSubscription : IDisposable
{
    private static readonly ConcurrentDictionary<nint, LibvirtEventSubscription> Live = new();
    private static long s_lastId;

    private readonly Lock _gate = new();
    private readonly LibvirtConnection _owner;
    private readonly ConnectHandle _connect;
    private readonly CallGate _calls;
    private readonly Action<LibvirtEvent> _sink;
    private readonly nint _id = (nint)Interlocked.Increment(ref s_lastId);
    private readonly List<int> _callbackIds = [];
    private bool _closeRegistered;

    private LibvirtEventSubscription(LibvirtConnection owner, ConnectHandle connect, CallGate calls, Action<LibvirtEvent> sink)
    {
        _owner = owner;
        _connect = connect;
        _calls = calls;
        _sink = sink;
    }

    /// <summary>How many subscriptions of this process aren't disposed.</summary>
    internal static int LiveCount => Live.Count;

    /// <summary>Registers every callback.</summary>
    /// <returns>A subscription owned by the caller.</returns>
    /// <exception cref="LibvirtException">A callback was refused; none stays registered.</exception>
    internal static LibvirtEventSubscription Create(LibvirtConnection owner, ConnectHandle connect, CallGate calls, Action<LibvirtEvent> sink)
    {
        var subscription = new LibvirtEventSubscription(owner, connect, calls, sink);
        Live[subscription._id] = subscription;
        try
        {
            subscription.Register();
            return subscription;
        }
        catch
        {
            subscription.Dispose();
            throw;
        }
    }

    /// <summary>Silences the sink at once and deregisters. On a dead connection libvirt still drops its side and the error is ignored.</summary>
    public void Dispose()
    {
        // A second caller, such as the connection's Dispose, must not go on while the first still deregisters.
        lock (_gate)
        {
            if (!Live.TryRemove(_id, out _))
            {
                return;
            }

            using var turn = _calls.Enter();
            foreach (var callbackId in _callbackIds)
            {
                _ = NativeLibvirt.virConnectDomainEventDeregisterAny(_connect, callbackId);
            }

            if (_closeRegistered)
            {
                // Fails once the callback has run: libvirt drops it after its one call.
                _ = NativeLibvirt.virConnectUnregisterCloseCallback(_connect, &OnClose);
            }
        }

        _owner.Forget(this);
    }

    private void Register()
    {
        using var turn = _calls.Enter();

        // The close callback comes first: a connection allows one, so a second sink is refused before anything else is registered.
        if (NativeLibvirt.virConnectRegisterCloseCallback(_connect, &OnClose, _id, 0) < 0)
        {
            throw LibvirtException.FromLastError("virConnectRegisterCloseCallback", _connect);
        }

        _closeRegistered = true;
        delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, int> lifecycle = &OnLifecycle;
        delegate* unmanaged[Cdecl]<nint, nint, nint, void> reboot = &OnReboot;
        delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void> added = &OnDeviceAdded;
        delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void> removed = &OnDeviceRemoved;
        delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void> removalFailed = &OnDeviceRemovalFailed;
        delegate* unmanaged[Cdecl]<nint, nint, int, nint, nint, void> metadata = &OnMetadataChanged;
        Register(DomainEventId.Lifecycle, lifecycle);
        Register(DomainEventId.Reboot, reboot);
        Register(DomainEventId.DeviceAdded, added);
        Register(DomainEventId.DeviceRemoved, removed);
        Register(DomainEventId.DeviceRemovalFailed, removalFailed);
        Register(DomainEventId.MetadataChange, metadata);
    }

    private void Register(DomainEventId eventId, void* callback)
    {
        var callbackId = NativeLibvirt.virConnectDomainEventRegisterAny(_connect, 0, (int)eventId, callback, _id, 0);
        if (callbackId < 0)
        {
            throw LibvirtException.FromLastError("virConnectDomainEventRegisterAny", _connect);
        }

        _callbackIds.Add(callbackId);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnLifecycle(nint connect, nint domain, int type, int detail, nint opaque)
    {
        Deliver(opaque, () => new LibvirtEvent.Lifecycle(UuidOf(domain), Text(NativeLibvirt.virDomainGetName(domain)), (DomainEventType)type, detail));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnReboot(nint connect, nint domain, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.Rebooted(UuidOf(domain)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDeviceAdded(nint connect, nint domain, nint alias, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.DeviceAdded(UuidOf(domain), Text(alias)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDeviceRemoved(nint connect, nint domain, nint alias, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.DeviceRemoved(UuidOf(domain), Text(alias)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDeviceRemovalFailed(nint connect, nint domain, nint alias, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.DeviceRemovalFailed(UuidOf(domain), Text(alias)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnMetadataChanged(nint connect, nint domain, int type, nint space, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.MetadataChanged(UuidOf(domain), Text(space)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnClose(nint connect, int reason, nint opaque) =>
        Deliver(opaque, () => new LibvirtEvent.ConnectionClosed((ConnectionCloseReason)reason));

    /// <summary>Copies the borrowed arguments and hands the event on. An exception must not reach the C frames below.</summary>
    private static void Deliver(nint opaque, Func<LibvirtEvent> copy)
    {
        if (!Live.TryGetValue(opaque, out var subscription))
        {
            return;
        }

        try
        {
            subscription._sink(copy());
        }
        catch (Exception e)
        {
            subscription._owner.SinkFailed(e);
        }
    }

    private static Guid UuidOf(nint domain)
    {
        Span<byte> uuid = stackalloc byte[16];
        fixed (byte* pointer = uuid)
        {
            return NativeLibvirt.virDomainGetUUID(domain, pointer) < 0
                ? throw LibvirtException.FromLastError("virDomainGetUUID")
                : new Guid(uuid, bigEndian: true);
        }
    }

    private static string Text(nint borrowed) => Marshal.PtrToStringUTF8(borrowed) ?? "";

    /// <summary>virDomainEventID (libvirt-domain.h).</summary>
    private enum DomainEventId
    {
        Lifecycle = 0,
        Reboot = 1,
        DeviceRemoved = 15,
        DeviceAdded = 19,
        DeviceRemovalFailed = 22,
        MetadataChange = 23,
    }
}
