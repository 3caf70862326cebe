using System.Threading.Channels;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>A client on the private bus, by our own binding.</summary>
internal sealed class BusClient : IBusHandler, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly BusConnection connection;
    private readonly Channel<(string Member, string Path, string Text)> signals = Channel.CreateUnbounded<(string, string, string)>();

    private BusClient(string address) => connection = BusConnection.Open(address, null, this);

    public BusConnection Connection => connection;

    public static BusTarget Manager { get; } = new(DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface);

    public static BusClient Connect(string address) => new(address);

    /// <summary>Returns when somebody has the name.</summary>
    public async Task AwaitNameAsync(string name)
    {
        await CallAsync(BusTarget.Bus, "AddMatch", to => to.String($"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{name}'"));
        var owned = await connection.CallAsync(BusTarget.Bus, "NameHasOwner", to => to.String(name), from => from.Bool(), CancellationToken.None);
        while (!owned)
        {
            owned = await SignalAsync("NameOwnerChanged") is { Text: var text } && text == name;
        }
    }

    /// <summary>The next signal of this name; others are passed over. Text is its first string or path.</summary>
    public async Task<(string Path, string Text)> SignalAsync(string member)
    {
        while (true)
        {
            var signal = await signals.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            if (signal.Member == member)
            {
                return (signal.Path, signal.Text);
            }
        }
    }

    public Task CallAsync(BusTarget target, string member, Action<MessageWriter> write) =>
        connection.CallAsync(target, member, write, _ => 0, CancellationToken.None).WaitAsync(Patience);

    public Task<T> CallAsync<T>(BusTarget target, string member, Action<MessageWriter> write, Func<MessageReader, T> read) =>
        connection.CallAsync(target, member, write, read, CancellationToken.None).WaitAsync(Patience);

    /// <summary>A call that is refused.</summary>
    public async Task<BusException> RefusedAsync(BusTarget target, string member, Action<MessageWriter> write)
    {
        try
        {
            await CallAsync(target, member, write);
        }
        catch (BusException e)
        {
            return e;
        }

        throw new InvalidOperationException($"{member} was not refused");
    }

    public void OnCall(IncomingCall call) => call.Refuse("org.freedesktop.DBus.Error.UnknownMethod", "a client only");

    public void OnSignal(SignalHeader signal, MessageReader body)
    {
        var text = body.Signature is { Length: > 0 } signature && signature[0] is 's' or 'o' ? body.Text() : "";
        signals.Writer.TryWrite((signal.Member, signal.Path, text));
    }

    public void Dispose() => connection.Dispose();
}
