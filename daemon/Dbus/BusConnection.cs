// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// One connection to a bus by Tmds.DBus.Protocol, from its start to its end; it never comes back. May be used from any thread. Whatever was asked
/// of it ends: with an answer, or with its end. The library bounds neither what it is handed nor the calls it waits for: this does.
/// </summary>
internal sealed partial class BusConnection : IPathMethodHandler, IDisposable
{
    private readonly DBusConnection bus;
    private readonly string? prefix;
    private readonly IBusHandler handler;
    private readonly TaskCompletionSource<Exception?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile BusException? reason;
    private volatile bool isDisposed;

    private BusConnection(string address, string? prefix, IBusHandler handler)
    {
        // Else what a handler of ours throws would end the connection.
        bus = new DBusConnection(new DBusConnectionOptions(address) { OnException = fault => fault.DisconnectConnection = false });
        this.prefix = prefix;
        this.handler = handler;
    }

    /// <summary>Done when it is over; with what ended it, or null where it was disposed of.</summary>
    public Task<Exception?> Ended => ended.Task;

    /// <summary>Its own unique name, <c>:1.42</c>.</summary>
    public string Name => bus.UniqueName ?? "";

    /// <summary>Messages that the library has and the bus may not have yet.</summary>
    internal SendWindow Window { get; } = new();

    internal PendingCalls Pending { get; } = new();

    /// <summary>All of them: whether an object exists is not for the library to say.</summary>
    string IPathMethodHandler.Path => "/";

    bool IPathMethodHandler.HandlesChildPaths => true;

    /// <param name="address"><c>unix:path=/run/dbus/system_bus_socket</c>.</param>
    /// <param name="prefix">Calls to this object and those below it go to the handler; null for a client without objects.</param>
    /// <exception cref="BusException">There is no bus.</exception>
    public static async Task<BusConnection> OpenAsync(string address, string? prefix, IBusHandler handler, CancellationToken cancellationToken)
    {
        var connection = new BusConnection(address, prefix, handler);
        try
        {
            await connection.ConnectAsync().WaitAsync(UsualPatience, cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            throw e is OperationCanceledException ? e : new BusException(BusException.Failed, $"connecting to {address}: {e.Message}");
        }
    }

    /// <summary>Ends it at once: what is on its way may be lost.</summary>
    public void Dispose()
    {
        isDisposed = true;
        bus.Dispose();
        Window.End();
        ended.TrySetResult(reason);
    }

    ValueTask IPathMethodHandler.HandleMethodAsync(MethodContext context)
    {
        var path = context.Request.PathAsString ?? "";
        if (prefix is not null && (path == prefix || path.StartsWith(prefix + "/", StringComparison.Ordinal)))
        {
            context.DisposesAsynchronously = true;
            handler.OnCall(new IncomingCall(this, context));
        }
        else if (context.IsDBusIntrospectRequest && ChildOnTheWay(path) is { } child)
        {
            Owe();
            context.ReplyIntrospectXml([], (ReadOnlySpan<string>)[child]);
        }
        else
        {
            ReplyError(context, "org.freedesktop.DBus.Error.UnknownObject", $"there is no object {DbusTypes.Cut(path)}");
        }

        return ValueTask.CompletedTask;
    }

    private async Task ConnectAsync()
    {
        await bus.ConnectAsync().ConfigureAwait(false);

        // What the bus sends here has a match or this connection as its destination: nothing more is subscribed to.
        await bus.AddMatchAsync(
            new MatchRule { Type = MessageType.Signal }, Take, static _ => { }, emitOnCapturedContext: false, ObserverFlags.NoSubscribe, this).ConfigureAwait(false);
        await bus.AddMatchAsync(
            new MatchRule { Type = MessageType.MethodCall, Interface = "org.freedesktop.DBus.Peer" }, TakePing, static _ => { }, emitOnCapturedContext: false,
            ObserverFlags.NoSubscribe, this).ConfigureAwait(false);
        bus.AddMethodHandler(this);
        _ = WatchEndAsync(bus.DisconnectedAsync());
    }

    private static int Take(Message signal, object? connection)
    {
        ((BusConnection)connection!).handler.OnSignal(signal);
        return 0;
    }

    /// <summary>The library answers these by itself: they are counted, too.</summary>
    private static int TakePing(Message call, object? connection)
    {
        ((BusConnection)connection!).Owe();
        return 0;
    }

    private async Task WatchEndAsync(Task<Exception?> disconnected)
    {
        var why = await disconnected.ConfigureAwait(false);
        Window.End();
        ended.TrySetResult(reason ?? (isDisposed ? null : new BusException(BusException.Failed, $"the bus: {why?.Message ?? "it closed the connection"}")));
    }

    /// <summary>The next part of the prefix, where the path is above it: <c>usbhostd</c> for <c>/org</c>.</summary>
    private string? ChildOnTheWay(string path)
    {
        var above = path == "/" ? path : path + "/";
        return prefix?.StartsWith(above, StringComparison.Ordinal) == true ? prefix[above.Length..].Split('/')[0] : null;
    }
}
