// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>org.freedesktop.PolicyKit1 on the private bus: keeps what it is asked, and answers what the test says, or not at all.</summary>
internal sealed class FakePolkit : IBusHandler, IDisposable
{
    private const string Name = "org.freedesktop.PolicyKit1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private BusConnection connection = null!;
    private readonly Channel<Check> asked = Channel.CreateUnbounded<Check>();
    private readonly Channel<string> cancelled = Channel.CreateUnbounded<string>();

    private FakePolkit()
    {
    }

    internal sealed record Check(string Kind, string Sender, string Action, string Device, string Guest, uint Flags, string Id);

    /// <summary>Whether it is allowed, and whether it would be after a challenge; null leaves the question open.</summary>
    public (bool Yes, bool Challenge)? Answer { get; set; } = (false, false);

    public static async Task<FakePolkit> StartAsync(string address)
    {
        var polkit = new FakePolkit();
        polkit.connection = await BusConnection.OpenAsync(address, "/org/freedesktop/PolicyKit1/Authority", polkit, CancellationToken.None);
        await polkit.connection.CallAsync(
            BusTarget.Bus, "RequestName", "su", (ref to) =>
            {
                to.Text(Name);
                to.WriteUInt32(0);
            }, answer => answer.Expect("u").ReadUInt32(), CancellationToken.None).WaitAsync(Patience);
        return polkit;
    }

    public Task<Check> AskedAsync() => asked.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public Task<string> CancelledAsync() => cancelled.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public void OnCall(IncomingCall call)
    {
        if (call.Member == "CancelCheckAuthorization")
        {
            cancelled.Writer.TryWrite(call.Request.Expect("s").ReadString());
            _ = call.ReplyAsync("", (ref _) => { });
            return;
        }

        asked.Writer.TryWrite(Read(call.Request.Expect("(sa{sv})sa{ss}us")));
        if (Answer is var (yes, challenge))
        {
            _ = call.ReplyAsync("(bba{ss})", (ref to) =>
            {
                to.WriteStructureStart();
                to.WriteBool(yes);
                to.WriteBool(challenge);
                to.NoEntries();
            });
        }
    }

    public void OnSignal(Message signal)
    {
    }

    public void Dispose() => connection.Dispose();

    private static Check Read(Reader body)
    {
        body.AlignStruct();
        var (kind, subject) = (body.ReadString(), body.Options());
        var action = body.ReadString();
        var details = new Dictionary<string, string>(StringComparer.Ordinal);
        var end = body.ReadDictionaryStart();
        while (body.HasNext(end))
        {
            details[body.ReadString()] = body.ReadString();
        }

        return new Check(kind, (string)subject["name"].Value!, action, details["device"], details["guest"], body.ReadUInt32(), body.ReadString());
    }
}
