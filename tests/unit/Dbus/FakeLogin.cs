// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>org.freedesktop.login1 on the private bus, which knows one session, or none.</summary>
internal sealed class FakeLogin : IBusHandler, IDisposable
{
    private const string Name = "org.freedesktop.login1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<uint> asked = Channel.CreateUnbounded<uint>();
    private readonly string session;
    private BusConnection connection = null!;

    private FakeLogin(string session) => this.session = session;

    /// <param name="session">The id of the session that every process is in; empty for none.</param>
    public static async Task<FakeLogin> StartAsync(string address, string session)
    {
        var login = new FakeLogin(session);
        login.connection = await BusConnection.OpenAsync(address, "/org/freedesktop/login1", login, CancellationToken.None);
        await login.connection.CallAsync(
            BusTarget.Bus, "RequestName", "su", (ref to) =>
            {
                to.Text(Name);
                to.WriteUInt32(0);
            }, answer => answer.Expect("u").ReadUInt32(), CancellationToken.None).WaitAsync(Patience);
        return login;
    }

    public Task<uint> AskedAsync() => asked.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public void OnCall(IncomingCall call)
    {
        switch (call.Interface, call.Member)
        {
            case (Name + ".Manager", "GetSessionByPID"):
                asked.Writer.TryWrite(call.Request.Expect("u").ReadUInt32());
                if (session.Length == 0)
                {
                    call.Refuse(Name + ".NoSessionForPID", "it is in no session");
                    return;
                }

                _ = call.ReplyAsync("o", (ref to) => to.WriteObjectPath($"/org/freedesktop/login1/session/_3{session}"));
                return;
            case (DbusDoor.PropertiesInterface, "Get"):
                var body = call.Request.Expect("ss");
                var isId = (body.ReadString(), body.ReadString()) == (Name + ".Session", "Id");
                _ = call.ReplyAsync("v", (ref to) => to.WriteVariantString(isId ? session : "another property"));
                return;
            default:
                call.Refuse("org.freedesktop.DBus.Error.UnknownMethod", call.Member);
                return;
        }
    }

    public void OnSignal(Message signal)
    {
    }

    public void Dispose() => connection.Dispose();
}
