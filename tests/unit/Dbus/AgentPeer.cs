// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>An agent on the private bus, by our own connection: keeps what it is asked, and answers what the test says, or not at all.</summary>
internal sealed class AgentPeer : IBusHandler, IDisposable
{
    public const string Path = "/agent";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private BusConnection connection = null!;
    private readonly Channel<(string Member, string Text)> calls = Channel.CreateUnbounded<(string, string)>();

    private AgentPeer()
    {
    }

    /// <summary>What Ask is answered with; null leaves the question open.</summary>
    public (string Signature, BodyWriter Write)? Answer { get; set; }

    public static async Task<AgentPeer> ConnectAsync(string address)
    {
        var peer = new AgentPeer();
        peer.connection = await BusConnection.OpenAsync(address, Path, peer, CancellationToken.None);
        return peer;
    }

    public Task CallAsync(string member, string path = Path) => connection.CallAsync(
        BusClient.Manager, member, "oa{sv}", (ref to) =>
        {
            to.WriteObjectPath(path);
            to.NoEntries();
        }, _ => 0, CancellationToken.None).WaitAsync(Patience);

    /// <summary>The next call. Text is the device's name and the guests of Ask, and what else has a text.</summary>
    public Task<(string Member, string Text)> CalledAsync() => calls.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public void OnCall(IncomingCall call)
    {
        calls.Writer.TryWrite((call.Member, Text(call)));
        if (call.Member != "Ask")
        {
            _ = call.ReplyAsync("", (ref _) => { });
        }
        else if (Answer is var (signature, write))
        {
            _ = call.ReplyAsync(signature, write);
        }
    }

    public void OnSignal(Message signal)
    {
    }

    public void Dispose() => connection.Dispose();

    private static string Text(IncomingCall call)
    {
        var body = call.Request.GetBodyReader();
        switch (call.Member)
        {
            case "Ask":
                var device = body.Options();
                var guests = new List<string>();
                var end = body.ReadArrayStart(DBusType.Array);
                while (body.HasNext(end))
                {
                    guests.Add((string)body.Options()["Name"].Value!);
                }

                return $"{device["ProductName"].Value}: {string.Join(' ', guests)}";
            case "Cancel":
                return $"{body.ReadString()}: {body.ReadString()}";
            default:
                return "";
        }
    }
}
