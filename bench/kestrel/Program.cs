// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

// The least that answers over HTTP/2 on a unix socket: what the daemon's start and memory stand beside.
var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(args[0], listen => listen.Protocols = HttpProtocols.Http2));
var app = builder.Build();
app.Run(context => context.Response.WriteAsync("ok"));
if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { } manager)
{
    app.Lifetime.ApplicationStarted.Register(() =>
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTo("READY=1"u8, new UnixDomainSocketEndPoint(manager)); // sd_notify(3)
    });
}

await app.RunAsync();
