// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>A connection of somebody's that called at least once, until it leaves the bus.</summary>
internal sealed class Peer : IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private readonly Lock gate = new();
    private readonly Task<Caller> caller;
    private int calls;
    private PeerWatch? watch;
    private bool hasLeft;

    /// <param name="name">Unique on the bus, <c>:1.42</c>.</param>
    public Peer(BusConnection connection, string name)
    {
        Name = name;
        Gone = gone.Token;
        caller = CredentialsAsync(connection, name);
    }

    public string Name { get; }

    public CancellationToken Gone { get; }

    /// <summary>Who it is, by what the bus knows from the kernel of its socket. Never changes while it is connected.</summary>
    /// <exception cref="BusException">The bus does not say, mostly because it is gone.</exception>
    public Task<Caller> CallerAsync(CancellationToken cancellationToken) => caller.WaitAsync(cancellationToken);

    /// <summary>Counts a call; false where it has too many under way.</summary>
    public bool TryBegin(int most)
    {
        if (Interlocked.Increment(ref calls) <= most)
        {
            return true;
        }

        End();
        return false;
    }

    public void End() => Interlocked.Decrement(ref calls);

    /// <summary>Has it told of changes from now on, in place of what it was told before.</summary>
    /// <param name="replace">Whether one that there is makes way; else the new one is not taken.</param>
    public bool TryWatch(PeerWatch next, bool replace)
    {
        PeerWatch? before;
        lock (gate)
        {
            if (watch is { IsOver: false } && !replace)
            {
                return false;
            }

            before = watch;
            watch = next;
        }

        before?.Stop();
        return true;
    }

    /// <summary>The agent that it has, until that is over; one at a time.</summary>
    public BusAgent? Agent { get; private set; }

    /// <summary>False where it has one.</summary>
    public bool TryAgent(BusAgent next)
    {
        lock (gate)
        {
            if (Agent is { IsOver: false })
            {
                return false;
            }

            Agent = next;
            return true;
        }
    }

    /// <summary>Cancels everything that it asked for. It may leave by itself while the daemon ends its connection.</summary>
    public async Task LeaveAsync()
    {
        lock (gate)
        {
            if (hasLeft)
            {
                return;
            }

            hasLeft = true;
        }

        await gone.CancelAsync().ConfigureAwait(false);
        Dispose();
    }

    public void Dispose() => gone.Dispose();

    /// <summary>
    /// GetConnectionCredentials of the D-Bus specification. UnixGroupIDs are those of the socket's peer; a bus that does not tell them leaves
    /// the caller without groups.
    /// </summary>
    private static Task<Caller> CredentialsAsync(BusConnection connection, string name) => connection.CallAsync(
        BusTarget.Bus, "GetConnectionCredentials", "s", (ref to) => to.Text(name), Credentials, CancellationToken.None);

    private static Caller Credentials(Message answer)
    {
        var body = answer.Expect("a{sv}");
        var told = body.Options();
        return told.GetValueOrDefault("UnixUserID")?.Value is uint uid
            ? new Caller(uid, [.. Value(told, "UnixGroupIDs", Array.Empty<uint>())], "dbus", (int)Value(told, "ProcessID", 0u))
            : throw new BusException(BusException.Failed, "the bus does not say whose connection it is");
    }

    private static T Value<T>(Dictionary<string, DbusVariant> told, string key, T otherwise) =>
        told.GetValueOrDefault(key)?.Value is T value ? value : otherwise;
}
