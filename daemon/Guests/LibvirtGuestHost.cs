// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Threading.Channels;
using System.Xml;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Logging;
using UsbHostd.Libvirt;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Guests;

/// <summary>
/// libvirt's domains. One reader connects, listens and reads; native callbacks only enqueue. The live XML is the truth: an event says
/// which guest to read again, never what changed.
/// </summary>
internal sealed partial class LibvirtGuestHost : IGuestHost
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>libvirt's close waits for a daemon that hangs, for ever.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(1);

    private readonly string uri;
    private readonly string bootId;
    private readonly QemuStartTimes startTimes;
    private readonly TimeProvider time;
    private readonly ILogger<LibvirtGuestHost> log;
    private readonly LimitedLogger trouble;
    private readonly AnswerWatch answers;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock[] readGates = [.. Enumerable.Range(0, 64).Select(_ => new Lock())];

    /// <summary>Held shared while one guest is read and told, and alone while all are: an older picture never comes after a newer one.</summary>
    private readonly ReaderWriterLockSlim enumerating = new();
    private ChannelWriter<HostEvent> events = Channel.CreateUnbounded<HostEvent>().Writer;
    private LibvirtConnection? connection;
    private string lastError = "not connected yet";
    private bool lastRefused;
    private volatile VersionsRead versions = new("", "");
    private int asking;
    private Task running = Task.CompletedTask;

    public LibvirtGuestHost(string uri, string bootId, QemuStartTimes startTimes, TimeProvider time, ILogger<LibvirtGuestHost> log)
    {
        this.uri = uri;
        this.bootId = bootId;
        this.startTimes = startTimes;
        this.time = time;
        this.log = log;

        // A guest has events as often as it likes.
        trouble = new LimitedLogger(log, time);
        answers = new AnswerWatch(time, Ask, since => events.TryWrite(since is { } silent ? new HostEvent.LibvirtSilent(silent) : new HostEvent.LibvirtAnswered()));
    }

    public void Start(ChannelWriter<HostEvent> events)
    {
        this.events = events;
        running = OwnThread.RunAsync(() => Run(stopping.Token));
    }

    /// <summary>Versions of the library's daemon and of QEMU, as they were read last; empty while there is no connection. Never waits.</summary>
    public (string Library, string Hypervisor) Versions() =>
        Volatile.Read(ref connection) is not null && versions is var read ? (read.Library, read.Hypervisor) : ("", "");

    /// <summary>Asks libvirt something short, and does not wait for the answer: whether there is one is told, and the versions are those of now.</summary>
    public void Ask()
    {
        if (Volatile.Read(ref connection) is { } c && Interlocked.Exchange(ref asking, 1) == 0)
        {
            _ = OwnThread.RunAsync(() => ReadVersions(c));
        }
    }

    public Guest? Refresh(GuestId guest) => WithConnection(c =>
    {
        enumerating.EnterReadLock();
        try
        {
            // Two readers of one guest must not write the older picture last.
            lock (readGates[(uint)guest.GetHashCode() % readGates.Length])
            {
                return ReadAndTell(c, guest);
            }
        }
        finally
        {
            enumerating.ExitReadLock();
        }
    });

    public void AttachLive(GuestId guest, string deviceXml) =>
        WithDomain(guest, domain => domain.AttachDevice(deviceXml, DomainDeviceModifyFlags.Live));

    public void DetachLive(GuestId guest, string alias) => WithDomain(guest, domain =>
    {
        try
        {
            domain.DetachDeviceAlias(alias, DomainDeviceModifyFlags.Live);
        }
        catch (LibvirtException e) when (e.Kind is LibvirtErrorKind.DeviceMissingInGuest or LibvirtErrorKind.DomainNotRunning)
        {
            // Gone already: what was wanted.
        }
    });

    public void StartPaused(GuestId guest) => WithDomain(guest, domain =>
    {
        try
        {
            domain.Create(DomainCreateFlags.StartPaused);
        }
        catch (LibvirtException e) when (e.Kind == LibvirtErrorKind.DomainAlreadyRunning)
        {
            // An earlier start of ours whose reply was lost, or somebody else's: what the guest looks like tells.
        }
    });

    public void Resume(GuestId guest) => WithDomain(guest, domain => domain.Resume());

    public void Dispose()
    {
        stopping.Cancel();
        answers.Dispose();
        if (Volatile.Read(ref connection) is { } c)
        {
            OwnThread.RunAsync(c.Dispose).Wait(ClosePatience);
        }

        _ = running.ContinueWith(
            _ =>
            {
                stopping.Dispose();
                enumerating.Dispose();
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void ReadVersions(LibvirtConnection c)
    {
        try
        {
            // Libvirt answers the first question by itself. The second waits while libvirt examines QEMU, as it may before a guest starts, so it must
            // not keep back the answer to the first.
            var libvirt = answers.Call(() => c.LibvirtVersion);
            var hypervisor = answers.Call(() => c.HypervisorVersion);
            versions = new VersionsRead(libvirt.ToString(3), hypervisor.ToString(3));
        }
        catch (Exception e) when (e is LibvirtException or ObjectDisposedException)
        {
            // The connection's end is told by itself; the next question may be answered.
        }
        finally
        {
            Volatile.Write(ref asking, 0);
        }
    }

    private void Run(CancellationToken cancellation)
    {
        var wait = FirstWait;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var opened = answers.Call(() => LibvirtConnection.Open(uri));
                Volatile.Write(ref connection, opened);
                Listen(opened, () => wait = FirstWait, cancellation);
                if (cancellation.IsCancellationRequested)
                {
                    return;
                }

                (lastError, lastRefused) = ("the connection was closed", false);
            }
            catch (Exception e)
            {
                (lastError, lastRefused) = (Policy.Devices.OneLine.Of(e.Message), e is LibvirtException { Kind: LibvirtErrorKind.AccessDenied });
            }

            Volatile.Write(ref connection, null);
            Lost(log, uri, Policy.Devices.TextEscape.Escape(lastError), wait.TotalSeconds);
            events.TryWrite(new HostEvent.LibvirtLost(lastError) { Refused = lastRefused });
            Wait(Task.Delay(wait, time, cancellation));
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }
    }

    /// <summary>Until the connection closes. Listens before it enumerates, so that nothing falls in between.</summary>
    private void Listen(LibvirtConnection opened, Action connected, CancellationToken cancellation)
    {
        var happened = Channel.CreateUnbounded<LibvirtEvent>(new UnboundedChannelOptions { SingleReader = true });
        using var subscription = answers.Call(() => opened.RegisterEvents(e => happened.Writer.TryWrite(e)));
        EnumerateAndTell(opened);
        connected();
        Connected(log, uri);
        Ask();
        var changed = new HashSet<GuestId>();
        while (!cancellation.IsCancellationRequested)
        {
            Wait(happened.Reader.WaitToReadAsync(cancellation).AsTask());
            while (happened.Reader.TryRead(out var e))
            {
                if (e is LibvirtEvent.ConnectionClosed)
                {
                    return;
                }

                changed.Add(DomainOf(e));
            }

            foreach (var guest in changed)
            {
                RefreshQuietly(guest);
            }

            changed.Clear();
        }
    }

    /// <summary>Blocks this thread, which has nothing else to do; a cancelled wait ends like any other.</summary>
    private static void Wait(Task task) => task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();

    /// <summary>A guest that can't be read now is read at its next event; a dead connection ends in its own event.</summary>
    private void RefreshQuietly(GuestId guest)
    {
        try
        {
            Refresh(guest);
        }
        catch (GuestHostException e)
        {
            NotRead(trouble, guest.ToString(), Policy.Devices.TextEscape.Escape(e.Message));
        }
    }

    private Guest? ReadAndTell(LibvirtConnection c, GuestId guest)
    {
        try
        {
            using var domain = c.LookupByUuid(guest.Uuid);
            var read = GuestReader.Read(domain, bootId, startTimes);
            events.TryWrite(new HostEvent.GuestPresent(read));
            return read;
        }
        catch (LibvirtException e) when (e.Kind == LibvirtErrorKind.NoSuchDomain)
        {
            events.TryWrite(new HostEvent.GuestGone(guest));
            return null;
        }
    }

    private void EnumerateAndTell(LibvirtConnection opened)
    {
        enumerating.EnterWriteLock();
        try
        {
            events.TryWrite(Enumerate(opened));
        }
        finally
        {
            enumerating.ExitWriteLock();
        }
    }

    private HostEvent.GuestsEnumerated Enumerate(LibvirtConnection opened)
    {
        var guests = ImmutableArray.CreateBuilder<Guest>();
        var unreadable = ImmutableArray.CreateBuilder<GuestId>();
        foreach (var domain in answers.Call(opened.ListAllDomains))
        {
            using (domain)
            {
                try
                {
                    guests.Add(answers.Call(() => GuestReader.Read(domain, bootId, startTimes)));
                }
                catch (LibvirtException e) when (e.Kind == LibvirtErrorKind.NoSuchDomain)
                {
                    // Undefined while we were listing.
                }
                catch (Exception e) when (e is XmlException or LibvirtException { Kind: not LibvirtErrorKind.ConnectionLost })
                {
                    // One guest that can't be read is no reason to lose sight of the others.
                    unreadable.Add(new GuestId(domain.Uuid));
                    NotRead(trouble, Policy.Devices.TextEscape.Escape(domain.Name), Policy.Devices.TextEscape.Escape(e.Message));
                }
            }
        }

        return new HostEvent.GuestsEnumerated(guests.ToImmutable()) { Unreadable = unreadable.ToImmutable() };
    }

    private static GuestId DomainOf(LibvirtEvent e) => e switch
    {
        LibvirtEvent.Lifecycle l => new GuestId(l.Domain),
        LibvirtEvent.Rebooted r => new GuestId(r.Domain),
        LibvirtEvent.DeviceAdded a => new GuestId(a.Domain),
        LibvirtEvent.DeviceRemoved r => new GuestId(r.Domain),
        LibvirtEvent.DeviceRemovalFailed f => new GuestId(f.Domain),
        LibvirtEvent.MetadataChanged m => new GuestId(m.Domain),
        _ => throw new ArgumentOutOfRangeException(nameof(e), e, "an event of libvirt's that nobody reads"),
    };

    private void WithDomain(GuestId guest, Action<LibvirtDomain> act) => WithConnection(c =>
    {
        using var domain = c.LookupByUuid(guest.Uuid);
        act(domain);
        return true;
    });

    private T WithConnection<T>(Func<LibvirtConnection, T> act)
    {
        if (Volatile.Read(ref connection) is not { } c)
        {
            throw LibvirtRefusal.NotConnected(uri, lastError);
        }

        try
        {
            return answers.Call(() => act(c));
        }
        catch (LibvirtException e)
        {
            throw LibvirtRefusal.From(e);
        }
        catch (XmlException e)
        {
            throw LibvirtRefusal.Unreadable(e);
        }
        catch (ObjectDisposedException)
        {
            throw LibvirtRefusal.NotConnected(uri, "the connection was closed");
        }
    }

    private sealed record VersionsRead(string Library, string Hypervisor);

    [LoggerMessage(1050, LogLevel.Information, "Connected to libvirt at {Uri}")]
    private static partial void Connected(ILogger logger, string uri);

    [LoggerMessage(1051, LogLevel.Warning, "No connection to libvirt at {Uri}: {Why}; the next try follows in {Seconds} s")]
    private static partial void Lost(ILogger logger, string uri, string why, double seconds);

    [LoggerMessage(1052, LogLevel.Warning, "Guest {Guest} could not be read: {Why}; it is read again at its next event")]
    private static partial void NotRead(ILogger logger, string guest, string why);
}
