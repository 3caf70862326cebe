// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>The functions of libvirt.so.0 used here, as its C headers declare them; nothing is interpreted.</summary>
internal static unsafe partial class NativeLibvirt
{
    internal const string Library = "libvirt.so.0";

    [LibraryImport(Library)]
    internal static partial int virInitialize();

    [LibraryImport(Library)]
    internal static partial int virGetVersion(out CULong libVer, nint type, nint typeVer);

    [LibraryImport(Library)]
    internal static partial void virSetErrorFunc(nint userData, delegate* unmanaged[Cdecl]<nint, VirError*, void> handler);

    /// <summary>Returns the calling thread's error, borrowed until its next libvirt call; null if there was none.</summary>
    [LibraryImport(Library)]
    internal static partial VirError* virGetLastError();

    /// <summary>Returns a copy owned by the caller (<see cref="virFreeError"/>), or null if there is no error.</summary>
    [LibraryImport(Library)]
    internal static partial VirError* virSaveLastError();

    [LibraryImport(Library)]
    internal static partial int virSetError(VirError* newError);

    [LibraryImport(Library)]
    internal static partial void virFreeError(VirError* error);

    [LibraryImport(Library)]
    internal static partial int virEventRegisterDefaultImpl();

    [LibraryImport(Library)]
    internal static partial int virEventRunDefaultImpl();

    [LibraryImport(Library)]
    internal static partial int virEventAddTimeout(
        int frequency, delegate* unmanaged[Cdecl]<int, nint, void> callback, nint opaque, nint freeCallback);

    [LibraryImport(Library)]
    internal static partial void virEventUpdateTimeout(int timer, int frequency);

    [LibraryImport(Library)]
    internal static partial int virEventRemoveTimeout(int timer);

    /// <summary>Returns a handle owned by the caller; invalid on failure.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial ConnectHandle virConnectOpen(string name);

    [LibraryImport(Library)]
    internal static partial int virConnectClose(nint connect);

    [LibraryImport(Library)]
    internal static partial int virConnectIsAlive(nint connect);

    [LibraryImport(Library)]
    internal static partial int virConnectSetKeepAlive(ConnectHandle connect, int interval, uint count);

    [LibraryImport(Library)]
    internal static partial int virConnectGetVersion(ConnectHandle connect, out CULong hypervisorVersion);

    [LibraryImport(Library)]
    internal static partial int virConnectGetLibVersion(ConnectHandle connect, out CULong libraryVersion);

    /// <summary><paramref name="domains"/> receives an array owned by the caller (libc free) of owned virDomainPtr.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectListAllDomains(ConnectHandle connect, out nint* domains, uint flags);

    [LibraryImport(Library)]
    internal static partial int virConnectRegisterCloseCallback(
        ConnectHandle connect, delegate* unmanaged[Cdecl]<nint, int, nint, void> callback, nint opaque, nint freeCallback);

    [LibraryImport(Library)]
    internal static partial int virConnectUnregisterCloseCallback(
        ConnectHandle connect, delegate* unmanaged[Cdecl]<nint, int, nint, void> callback);

    /// <summary>The callback's real type depends on the event; libvirt casts it back (VIR_DOMAIN_EVENT_CALLBACK).</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connect, nint domain, int eventId, void* callback, nint opaque, nint freeCallback);

    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventDeregisterAny(ConnectHandle connect, int callbackId);

    /// <summary>Returns a handle owned by the caller; invalid on failure.</summary>
    [LibraryImport(Library)]
    internal static partial DomainHandle virDomainLookupByUUID(ConnectHandle connect, byte* uuid);

    /// <summary>Returns a handle owned by the caller; invalid on failure.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainLookupByName(ConnectHandle connect, string name);

    [LibraryImport(Library)]
    internal static partial int virDomainFree(nint domain);

    /// <summary>Returns the domain's connection, borrowed: the domain holds the reference.</summary>
    [LibraryImport(Library)]
    internal static partial nint virDomainGetConnect(nint domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetUUID(DomainHandle domain, byte* uuid);

    [LibraryImport(Library)]
    internal static partial int virDomainGetUUID(nint domain, byte* uuid);

    /// <summary>Returns UTF-8, borrowed: it lives as long as the domain object.</summary>
    [LibraryImport(Library)]
    internal static partial nint virDomainGetName(DomainHandle domain);

    /// <summary>Returns UTF-8, borrowed: it lives as long as the domain object.</summary>
    [LibraryImport(Library)]
    internal static partial nint virDomainGetName(nint domain);

    [LibraryImport(Library)]
    internal static partial uint virDomainGetID(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetState(DomainHandle domain, out int state, out int reason, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainIsActive(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainIsPersistent(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainHasManagedSaveImage(DomainHandle domain, uint flags);

    /// <summary>Returns UTF-8, owned by the caller (libc free); null on failure.</summary>
    [LibraryImport(Library)]
    internal static partial nint virDomainGetXMLDesc(DomainHandle domain, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainAttachDeviceFlags(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainDetachDeviceFlags(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainDetachDeviceAlias(DomainHandle domain, string alias, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainUpdateDeviceFlags(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainCreateWithFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainResume(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainDestroy(DomainHandle domain);

    /// <summary>The leading fields of struct _virError (virterror.h); the deprecated and extra ones after them aren't read.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirError
    {
        internal int Code;
        internal int Domain;
        internal nint Message;
        internal int Level;
    }
}
