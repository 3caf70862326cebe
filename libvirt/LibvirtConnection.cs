// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>
/// A connection to a libvirt daemon. Safe for use from many threads; each call blocks until the daemon has answered or the connection
/// is dead. A dead connection stays dead: dispose it and open another.
/// </summary>
public sealed unsafe class LibvirtConnection : IDisposable
{
    private readonly ConnectHandle _connect;
    private readonly CallGate _calls = new();
    private readonly Lock _gate = new();
    private LibvirtEventSubscription? _subscription;
    private Exception? _sinkFailure;
    private bool _disposed;

    private LibvirtConnection(ConnectHandle connect, string uri)
    {
        _connect = connect;
        Uri = uri;
    }

    /// <summary>The URI given to <see cref="Open"/>, for example <c>qemu:///system</c>.</summary>
    public string Uri { get; }

    /// <summary>
    /// Whether the connection still works, as far as this side knows: it sends nothing, so a daemon that hangs is noticed only by the
    /// keepalive. Source: virConnectIsAlive.
    /// </summary>
    public bool IsAlive => !_connect.IsDead();

    /// <summary>The first exception that a sink threw, or null. The event was dropped: what it told is to be read again.</summary>
    public Exception? SinkFailure => Volatile.Read(ref _sinkFailure);

    /// <summary>Version of the libvirt daemon, for example 9.0.0. Source: virConnectGetLibVersion.</summary>
    /// <exception cref="LibvirtException">The daemon didn't answer.</exception>
    public Version LibvirtVersion
    {
        get
        {
            using var turn = _calls.Enter();
            return NativeLibvirt.virConnectGetLibVersion(_connect, out var version) < 0
                ? throw Failed("virConnectGetLibVersion")
                : LibvirtLibrary.Unpack(version);
        }
    }

    /// <summary>Version of the hypervisor, for example QEMU 7.2.22. Source: virConnectGetVersion.</summary>
    /// <exception cref="LibvirtException">The daemon didn't answer, or knows none (the QEMU binary isn't there).</exception>
    public Version HypervisorVersion
    {
        get
        {
            using var turn = _calls.Enter();
            return NativeLibvirt.virConnectGetVersion(_connect, out var version) < 0
                ? throw Failed("virConnectGetVersion")
                : LibvirtLibrary.Unpack(version);
        }
    }

    /// <summary>Connects to a hypervisor's daemon. Source: virConnectOpen.</summary>
    /// <param name="uri">For example <c>qemu:///system</c>.</param>
    /// <returns>A connection owned by the caller.</returns>
    /// <exception cref="LibvirtException">No such driver, no daemon there, or no permission; the message contains the URI.</exception>
    /// <exception cref="DllNotFoundException">The library isn't installed.</exception>
    public static LibvirtConnection Open(string uri)
    {
        ArgumentException.ThrowIfNullOrEmpty(uri);
        LibvirtLibrary.Initialize();
        var connect = NativeLibvirt.virConnectOpen(uri);
        if (connect.IsInvalid)
        {
            var failure = LibvirtException.FromLastError("virConnectOpen", uri);
            connect.Dispose();
            throw failure;
        }

        return new LibvirtConnection(connect, uri);
    }

    /// <summary>
    /// Notices a peer that hangs: after <paramref name="count"/> unanswered messages the connection is closed, about interval * (count + 1)
    /// after the last answer, and the call waiting on it fails. From then on the connection's calls run one at a time, a long one holding
    /// up the others, since libvirt can't end several: use one connection for each worker. Each message wakes the
    /// <see cref="LibvirtEventLoop"/>, which must run. A daemon that dies is noticed at once without this. Call it before any other
    /// thread uses the connection. Source: virConnectSetKeepAlive.
    /// </summary>
    /// <param name="interval">Quiet time before a message, in whole seconds, at least one.</param>
    /// <param name="count">Unanswered messages allowed, at least one.</param>
    /// <returns>False if the peer doesn't know keepalive, or there is no peer (test:///).</returns>
    /// <exception cref="LibvirtException">The connection is dead.</exception>
    public bool SetKeepAlive(TimeSpan interval, int count)
    {
        var seconds = (int)interval.TotalSeconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(seconds, 1, nameof(interval));
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _calls.AllowOneAtATime();
        using var turn = _calls.Enter();
        var result = NativeLibvirt.virConnectSetKeepAlive(_connect, seconds, (uint)count);
        if (result >= 0)
        {
            return result == 0;
        }

        var failure = Failed("virConnectSetKeepAlive");
        return failure.Kind == LibvirtErrorKind.NoSupport ? false : throw failure;
    }

    /// <summary>
    /// Sends every event of the connection to <paramref name="sink"/>, on the thread of the <see cref="LibvirtEventLoop"/>. Register
    /// before the first enumeration, or what happens in between is missed. One subscription a connection at a time.
    /// Source: virConnectDomainEventRegisterAny, virConnectRegisterCloseCallback.
    /// </summary>
    /// <param name="sink">Must return at once, must not call libvirt (a lock of libvirt is held), and must not throw.</param>
    /// <returns>The subscription: disposing it, or the connection, ends it.</returns>
    /// <exception cref="InvalidOperationException">The connection already has a subscription.</exception>
    /// <exception cref="LibvirtException">The connection is dead.</exception>
    public IDisposable RegisterEvents(Action<LibvirtEvent> sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_subscription is not null)
            {
                throw new InvalidOperationException("The connection already has a subscription; libvirt allows one close callback.");
            }

            return _subscription = LibvirtEventSubscription.Create(this, _connect, _calls, sink);
        }
    }

    /// <summary>Finds a domain, running or not. Source: virDomainLookupByUUID.</summary>
    /// <returns>A domain owned by the caller.</returns>
    /// <exception cref="LibvirtException">Kind NoSuchDomain: there is none.</exception>
    public LibvirtDomain LookupByUuid(Guid uuid)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        using var turn = _calls.Enter();
        fixed (byte* pointer = bytes)
        {
            return Found(NativeLibvirt.virDomainLookupByUUID(_connect, pointer), "virDomainLookupByUUID");
        }
    }

    /// <summary>Finds a domain, running or not. Source: virDomainLookupByName.</summary>
    /// <returns>A domain owned by the caller.</returns>
    /// <exception cref="LibvirtException">Kind NoSuchDomain: there is none.</exception>
    public LibvirtDomain LookupByName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        using var turn = _calls.Enter();
        return Found(NativeLibvirt.virDomainLookupByName(_connect, name), "virDomainLookupByName");
    }

    /// <summary>All domains, running or not, persistent or not. Source: virConnectListAllDomains.</summary>
    /// <returns>Domains owned by the caller, each to be disposed.</returns>
    /// <exception cref="LibvirtException">The daemon didn't answer.</exception>
    public IReadOnlyList<LibvirtDomain> ListAllDomains()
    {
        using var turn = _calls.Enter();
        var count = NativeLibvirt.virConnectListAllDomains(_connect, out var array, 0);
        if (count < 0)
        {
            throw Failed("virConnectListAllDomains");
        }

        var domains = new LibvirtDomain[count];
        for (var i = 0; i < count; i++)
        {
            domains[i] = new LibvirtDomain(new DomainHandle(array[i]), _calls);
        }

        NativeMemory.Free(array);
        return domains;
    }

    /// <summary>
    /// Ends the subscription and closes the connection; a second call does nothing. Calls under way in other threads and domains not yet
    /// disposed keep libvirt's side open until they are done. While the daemon hangs it blocks until
    /// the keepalive gives up, or for ever without one.
    /// </summary>
    public void Dispose()
    {
        LibvirtEventSubscription? subscription;
        lock (_gate)
        {
            _disposed = true;
            subscription = _subscription;
        }

        // First, as each registered callback holds a reference that would keep the connection open.
        subscription?.Dispose();
        _connect.Dispose();
    }

    /// <summary>Called by a subscription that ends.</summary>
    internal void Forget(LibvirtEventSubscription subscription)
    {
        lock (_gate)
        {
            if (_subscription == subscription)
            {
                _subscription = null;
            }
        }
    }

    /// <summary>Called when the sink has thrown.</summary>
    internal void SinkFailed(Exception failure) => Interlocked.CompareExchange(ref _sinkFailure, failure, null);

    private LibvirtDomain Found(DomainHandle domain, string function)
    {
        if (!domain.IsInvalid)
        {
            return new LibvirtDomain(domain, _calls);
        }

        var failure = Failed(function);
        domain.Dispose();
        throw failure;
    }

    private LibvirtException Failed(string function) => LibvirtException.FromLastError(function, _connect);
}
