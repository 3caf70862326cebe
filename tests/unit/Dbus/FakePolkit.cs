using System.Threading.Channels;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>org.freedesktop.PolicyKit1 on the private bus: keeps what it is asked, and answers what the test says, or not at all.</summary>
internal sealed class FakePolkit : IBusHandler, IDisposable
{
    private const string Name = "org.freedesktop.PolicyKit1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly BusConnection connection;
    private readonly Channel<Check> asked = Channel.CreateUnbounded<Check>();
    private readonly Channel<string> cancelled = Channel.CreateUnbounded<string>();

    private FakePolkit(string address) => connection = BusConnection.Open(address, "/org/freedesktop/PolicyKit1/Authority", this);

    internal sealed record Check(string Kind, string Sender, string Action, string Device, string Guest, uint Flags, string Id);

    /// <summary>Whether it is allowed, and whether it would be after a challenge; null leaves the question open.</summary>
    public (bool Yes, bool Challenge)? Answer { get; set; } = (false, false);

    public static async Task<FakePolkit> StartAsync(string address)
    {
        var polkit = new FakePolkit(address);
        await polkit.connection.CallAsync(
            BusTarget.Bus, "RequestName", to =>
            {
                to.String(Name);
                to.UInt32(0);
            }, from => from.UInt32(), CancellationToken.None).WaitAsync(Patience);
        return polkit;
    }

    public Task<Check> AskedAsync() => asked.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public Task<string> CancelledAsync() => cancelled.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public void OnCall(IncomingCall call)
    {
        var body = call.Body;
        if (call.Member == "CancelCheckAuthorization")
        {
            cancelled.Writer.TryWrite(body.String());
            _ = call.ReplyAsync(_ => { });
            return;
        }

        asked.Writer.TryWrite(Read(body));
        if (Answer is var (yes, challenge))
        {
            _ = call.ReplyAsync(to => to.Container('r', "bba{ss}", w =>
            {
                w.Bool(yes);
                w.Bool(challenge);
                w.Container('a', "{ss}", _ => { });
            }));
        }
    }

    public void OnSignal(SignalHeader signal, MessageReader body)
    {
    }

    public void Dispose() => connection.Dispose();

    private static Check Read(MessageReader body)
    {
        body.Enter('r', "sa{sv}");
        var (kind, subject) = (body.String(), body.Options());
        body.Exit();
        var action = body.String();
        var details = new Dictionary<string, string>(StringComparer.Ordinal);
        body.Enter('a', "{ss}");
        while (body.Enter('e', "ss"))
        {
            details[body.String()] = body.String();
            body.Exit();
        }

        body.Exit();
        return new Check(kind, (string)subject["name"].Value!, action, details["device"], details["guest"], body.UInt32(), body.String());
    }
}
