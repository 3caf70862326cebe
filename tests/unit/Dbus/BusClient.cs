// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>A client on the private bus, by our own connection.</summary>
internal sealed class BusClient : IBusHandler, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<(string Member, string Path, string Text)> signals = Channel.CreateUnbounded<(string, string, string)>();

    private BusClient()
    {
    }

    public BusConnection Connection { get; private set; } = null!;

    public static BusTarget Manager { get; } = new(DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface);

    public static async Task<BusClient> ConnectAsync(string address)
    {
        var client = new BusClient();
        client.Connection = await BusConnection.OpenAsync(address, null, client, CancellationToken.None);
        return client;
    }

    /// <summary>Returns when somebody has the name.</summary>
    public async Task AwaitNameAsync(string name)
    {
        await CallAsync(BusTarget.Bus, "AddMatch", "s", (ref to) => to.Text($"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{name}'"));
        var owned = await Connection.CallAsync(BusTarget.Bus, "NameHasOwner", "s", (ref to) => to.Text(name), answer => answer.Expect("b").ReadBool(), CancellationToken.None);
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

    public Task CallAsync(BusTarget target, string member, string signature, BodyWriter write) =>
        Connection.CallAsync(target, member, signature, write, _ => 0, CancellationToken.None).WaitAsync(Patience);

    public Task<T> CallAsync<T>(BusTarget target, string member, string signature, BodyWriter write, Func<Message, T> read) =>
        Connection.CallAsync(target, member, signature, write, read, CancellationToken.None).WaitAsync(Patience);

    /// <summary>A call that is refused.</summary>
    public async Task<BusException> RefusedAsync(BusTarget target, string member, string signature, BodyWriter write)
    {
        try
        {
            await CallAsync(target, member, signature, write);
        }
        catch (BusException e)
        {
            return e;
        }

        throw new InvalidOperationException($"{member} was not refused");
    }

    public void OnCall(IncomingCall call) => call.Refuse("org.freedesktop.DBus.Error.UnknownMethod", "a client only");

    public void OnSignal(Message signal)
    {
        var text = signal.SignatureAsString is { Length: > 0 } signature && signature[0] is 's' or 'o' ? signal.GetBodyReader().ReadString() : "";
        signals.Writer.TryWrite((signal.MemberAsString!, signal.PathAsString!, text));
    }

    public void Dispose() => Connection.Dispose();
}
