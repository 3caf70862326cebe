using Microsoft.AspNetCore.Server.Kestrel.Core;

// The least that answers over HTTP/2 on a unix socket: what the daemon's start and memory stand beside.
var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(args[0], listen => listen.Protocols = HttpProtocols.Http2));
var app = builder.Build();
app.Run(context => context.Response.WriteAsync("ok"));
await app.RunAsync();
