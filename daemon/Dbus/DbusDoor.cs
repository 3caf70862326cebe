// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Frozen;
using Tmds.DBus.Protocol;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Turns calls that come over one connection into calls of the service, and what comes of them into answers and errors. Arguments are read
/// before the connection reads on, everything else is done elsewhere.
/// </summary>
internal sealed partial class DbusDoor : IBusHandler, IDisposable
{
    /// <summary>NameOwnerChanged of names that nobody has any more: callers that left.</summary>
    public const string LeaversMatch =
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''";

    private readonly IHostService service;
    private readonly DbusOptions options;
    private readonly ILogger logger;
    private readonly FrozenDictionary<string, ManagerMethod> methods;
    private readonly ConcurrentDictionary<string, Peer> peers = new(StringComparer.Ordinal);
    private readonly CallsUnderWay calls;
    private readonly PeerReading reading;
    private readonly ConcurrentDictionary<long, Task> running = new();
    private readonly CancellationTokenSource stopping = new();
    private long lastNumber;

    public DbusDoor(IHostService service, DbusOptions options, ILogger logger)
    {
        this.service = service;
        this.options = options;
        this.logger = logger;
        calls = new CallsUnderWay(options);
        reading = new PeerReading(options.WatchPatience, logger);
        methods = ManagerTable.Of(service);
    }

    /// <summary>Peers that are known, for tests: each leaves when its connection does.</summary>
    internal int Peers => peers.Count;

    /// <summary>When no call and no watch is under way; a call that ends may begin a watch, or an agent's time.</summary>
    internal async Task IdleAsync()
    {
        while (!running.IsEmpty)
        {
            await Task.WhenAll(running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Yield();
        }
    }

    /// <inheritdoc/>
    public void OnCall(IncomingCall call)
    {
        try
        {
            Begin(call);
        }
        catch (FormatException e)
        {
            Refuse(call, ErrorCodes.Of(ErrorCode.ErrorInvalidArgument).DBusName, $"{call.Member}: {e.Message}");
        }
        catch (BusException e)
        {
            Refuse(call, e.Name == BusException.Failed ? ErrorCodes.Of(ErrorCode.ErrorInvalidArgument).DBusName : e.Name, e.Message);
        }
        catch (Exception e)
        {
            DbusLog.Failed(logger, e, call.Member, call.Sender);
            Refuse(call, ErrorCodes.Of(ErrorCode.ErrorInternal).DBusName, InternalError);
        }
    }

    /// <inheritdoc/>
    public void OnSignal(Message signal)
    {
        if (signal is { SenderAsString: "org.freedesktop.DBus", MemberAsString: "NameOwnerChanged", SignatureAsString: "sss" })
        {
            var body = signal.GetBodyReader();
            var name = body.ReadString();
            body.ReadString();
            if (body.ReadString().Length == 0 && peers.TryRemove(name, out var left))
            {
                _ = left.LeaveAsync();
            }
        }
    }

    /// <summary>Ends every call with Unavailable, and every watch.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        foreach (var peer in peers.Values)
        {
            await peer.LeaveAsync().ConfigureAwait(false);
        }

        await IdleAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        stopping.Dispose();
        reading.Dispose();
    }

    private const string InternalError = "an internal error of usbhostd; journalctl -u usbhostd has the details, please report it";

    private void Begin(IncomingCall call)
    {
        if (stopping.IsCancellationRequested)
        {
            throw new BusException(ErrorCodes.Of(ErrorCode.ErrorUnavailable).DBusName, "usbhostd is stopping; ask again when it runs");
        }

        var peer = peers.GetOrAdd(call.Sender, name => new Peer(call.Connection, name));
        var invocation = Decode(call, peer);
        if (!calls.TryBegin())
        {
            throw TooMany();
        }

        if (!peer.TryBegin(options.MaxCallsPerPeer))
        {
            calls.End();
            throw TooMany();
        }

        Track(() => AnswerAsync(call, peer, invocation), peer);
    }

    private static BusException TooMany() =>
        new(BusException.LimitsExceeded, "too many calls are under way; ask again when some are answered");

    /// <summary>Runs it elsewhere, and knows of it until it is done.</summary>
    private void Track(Func<Task> work, Peer peer)
    {
        var number = Interlocked.Increment(ref lastNumber);
        var task = Task.Run(async () =>
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                DbusLog.WatchFailed(logger, e, peer.Name);
            }
        });
        running[number] = task;
        _ = task.ContinueWith(_ => running.TryRemove(number, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task AnswerAsync(IncomingCall call, Peer peer, Invocation invocation)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(peer.Gone, stopping.Token);
        BusAnswer? answer = null;
        try
        {
            var caller = await peer.CallerAsync(cancel.Token).ConfigureAwait(false);
            using var counted = calls.Of(caller) ?? throw TooMany();
            var patience = call.IsInteractive ? options.QuestionPatience : (TimeSpan?)null;
            var asked = caller with { Authority = new PolkitAuthority(call.Connection, call.Sender, patience, logger) };
            answer = await invocation(asked, cancel.Token).ConfigureAwait(false);
            await call.ReplyAsync(answer.Signature, answer.Write, answer.Weight).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            var (name, text) = Explain(call, peer, e);
            call.Refuse(name, text);
        }
        finally
        {
            peer.End();
            calls.End();
            answer?.Then?.Invoke();
        }
    }

    /// <summary>The error's name and text.</summary>
    private (string Name, string Text) Explain(IncomingCall call, Peer peer, Exception failure)
    {
        switch (failure)
        {
            case HostException refused:
                var name = ErrorCodes.Of(refused.Code).DBusName;
                DbusLog.Refused(logger, call.Member, peer.Name, name, refused.Message);
                return (name, refused.Hint.Length > 0 ? $"{refused.Message}; {refused.Hint}" : refused.Message);
            case BusException { Name: not BusException.Failed } standard:
                return (standard.Name, standard.Message);
            case OperationCanceledException when stopping.IsCancellationRequested:
                return (ErrorCodes.Of(ErrorCode.ErrorUnavailable).DBusName, "usbhostd is stopping; ask again when it is up");
            case OperationCanceledException when peer.Gone.IsCancellationRequested:
                return (BusException.NoReply, "the caller is gone");
            default:
                DbusLog.Failed(logger, failure, call.Member, peer.Name);
                return (ErrorCodes.Of(ErrorCode.ErrorInternal).DBusName, InternalError);
        }
    }

    private void Refuse(IncomingCall call, string name, string text)
    {
        DbusLog.Refused(logger, call.Member, call.Sender, name, text);
        call.Refuse(name, text);
    }
}
