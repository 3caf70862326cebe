using System.Threading.Channels;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>An agent on the private bus, by our own binding: keeps what it is asked, and answers what the test says, or not at all.</summary>
internal sealed class AgentPeer : IBusHandler, IDisposable
{
    public const string Path = "/agent";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly BusConnection connection;
    private readonly Channel<(string Member, string Text)> calls = Channel.CreateUnbounded<(string, string)>();

    private AgentPeer(string address) => connection = BusConnection.Open(address, Path, this);

    /// <summary>What Ask is answered with; null leaves the question open.</summary>
    public Action<MessageWriter>? Answer { get; set; }

    public static AgentPeer Connect(string address) => new(address);

    public Task CallAsync(string member, string path = Path) => connection.CallAsync(
        BusClient.Manager, member, to =>
        {
            to.Path(path);
            to.Container('a', "{sv}", _ => { });
        }, _ => 0, CancellationToken.None).WaitAsync(Patience);

    /// <summary>The next call. Text is the device's name and the guests of Ask, and what else has a text.</summary>
    public Task<(string Member, string Text)> CalledAsync() => calls.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public void OnCall(IncomingCall call)
    {
        calls.Writer.TryWrite((call.Member, Text(call)));
        if (call.Member != "Ask")
        {
            _ = call.ReplyAsync(_ => { });
        }
        else if (Answer is { } write)
        {
            _ = call.ReplyAsync(write);
        }
    }

    public void OnSignal(SignalHeader signal, MessageReader body)
    {
    }

    public void Dispose() => connection.Dispose();

    private static string Text(IncomingCall call)
    {
        var body = call.Body;
        switch (call.Member)
        {
            case "Ask":
                var device = body.Options();
                var guests = new List<string>();
                body.Enter('a', "a{sv}");
                for (var more = true; more;)
                {
                    more = TryGuest(body, guests);
                }

                body.Exit();
                return $"{device["ProductName"].Value}: {string.Join(' ', guests)}";
            case "Cancel":
                return $"{body.String()}: {body.String()}";
            default:
                return "";
        }
    }

    private static bool TryGuest(MessageReader body, List<string> guests)
    {
        if (!body.Enter('a', "{sv}"))
        {
            return false;
        }

        var name = "";
        while (body.Enter('e', "sv"))
        {
            name = body.String() == "Name" ? (string)body.Variant().Value! : Passed(body, name);
            body.Exit();
        }

        body.Exit();
        guests.Add(name);
        return true;
    }

    private static string Passed(MessageReader body, string name)
    {
        _ = body.Variant();
        return name;
    }
}
