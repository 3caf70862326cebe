// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Agents come and go.</summary>
internal sealed partial class DbusDoor
{
    private Invocation RegisterAgent(IncomingCall call, Peer peer, Reader body)
    {
        var path = PathAndNoOptions(body);
        return async (caller, cancellationToken) =>
        {
            var session = await LoginSession.OfAsync(call.Connection, caller, cancellationToken).ConfigureAwait(false);
            var agent = new BusAgent(call.Connection, peer.Name, path, session);
            if (!peer.TryAgent(agent))
            {
                agent.Dispose();
                throw new HostException(ErrorCode.ErrorTooMany, $"this connection has an agent already, at {peer.Agent?.Path}", "call UnregisterAgent before");
            }

            try
            {
                var run = await service.RegisterAgentAsync(caller, agent, cancellationToken).ConfigureAwait(false);
                return BusAnswer.Nothing with { Then = () => Track(() => ServeAsync(agent, peer, run), peer) };
            }
            catch
            {
                agent.Dispose();
                throw;
            }
        };
    }

    private static Invocation UnregisterAgent(Peer peer, Reader body)
    {
        var path = PathAndNoOptions(body);
        return async (_, cancellationToken) =>
        {
            if (peer.Agent is not { IsOver: false } agent || agent.Path != path)
            {
                throw Refusals.Invalid($"this connection has no agent at {DbusTypes.Cut(path)}", "only who registered an agent takes it back, by the same path");
            }

            agent.Unregister();
            await agent.Over.WaitAsync(cancellationToken).ConfigureAwait(false);
            return BusAnswer.Nothing;
        };
    }

    /// <summary>Until the agent's connection is gone, it is taken back, or the daemon stops.</summary>
    private async Task ServeAsync(BusAgent agent, Peer peer, Func<CancellationToken, Task> run)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(peer.Gone, agent.Unregistered, stopping.Token);
        try
        {
            await run(end.Token).ConfigureAwait(false);
        }
        finally
        {
            if (stopping.IsCancellationRequested)
            {
                await agent.ReleaseAsync().ConfigureAwait(false);
            }

            agent.Dispose();
        }
    }

    private static string PathAndNoOptions(Reader body)
    {
        var path = body.ReadObjectPathAsString();
        return body.Options().Keys.FirstOrDefault() is { } key ? throw new FormatException($"found option \"{DbusTypes.Cut(key)}\", expected no options") : path;
    }
}
