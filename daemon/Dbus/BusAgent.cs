using System.Runtime.InteropServices;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>An agent that somebody registered: org.usbhostd.UsbHost1.Agent at a path of its own connection. Nothing it says is trusted.</summary>
internal sealed class BusAgent : IAgent, IDisposable
{
    public const string AgentInterface = DbusOptions.BusName + ".Agent";

    /// <summary>The bus is waited for a little longer than the answer, so that one that never comes is over some time.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    private readonly BusConnection connection;
    private readonly BusTarget target;
    private readonly CancellationTokenSource cancel = new();
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();

    /// <param name="peer">The unique name of who registered it.</param>
    public BusAgent(BusConnection connection, string peer, string path, Caller caller)
    {
        this.connection = connection;
        target = new BusTarget(peer, path, AgentInterface);
        Session = SessionOf(caller);
        Unregistered = cancel.Token;
    }

    public string Session { get; }

    public string Path => target.Path;

    /// <summary>Cancelled where whoever registered it took it back.</summary>
    public CancellationToken Unregistered { get; }

    public bool IsOver { get; private set; }

    /// <summary>Done when it is over: another may be registered.</summary>
    public Task Over => over.Task;

    /// <summary>May come at any time, also after its end.</summary>
    public void Unregister()
    {
        lock (gate)
        {
            if (!IsOver)
            {
                _ = cancel.CancelAsync();
            }
        }
    }

    /// <inheritdoc/>
    public async Task<AgentAnswer> AskAsync(AgentQuestion question, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.CallAsync(target, "Ask", to => Write(to, question), Read, cancellationToken, question.Patience + Slack).ConfigureAwait(false);
        }
        catch (BusException e)
        {
            throw new AgentException($"the agent can't be asked: {DbusTypes.Cut(e.Name)}: {DbusTypes.Cut(e.Message)}");
        }
        catch (FormatException e)
        {
            throw new AgentException($"the agent's answer is none: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public Task CancelAsync(string device, string reason) => TellAsync("Cancel", to =>
    {
        to.String(device);
        to.String(reason);
    });

    /// <summary>The daemon stops.</summary>
    public Task ReleaseAsync() => TellAsync("Release", _ => { });

    public void Dispose()
    {
        lock (gate)
        {
            IsOver = true;
        }

        cancel.Dispose();
        over.TrySetResult();
    }

    /// <summary>Sent, and no answer waited for: an agent that keeps silent holds nothing up.</summary>
    private async Task TellAsync(string member, Action<MessageWriter> write)
    {
        try
        {
            await connection.CallAsync(target, member, write, _ => 0, new CancellationToken(canceled: true), Slack).ConfigureAwait(false);
        }
        catch (Exception e) when (e is BusException or OperationCanceledException)
        {
            // It is on its way, or nobody is there any more.
        }
    }

    private static void Write(MessageWriter to, AgentQuestion question)
    {
        ProtoFields.Write(to, question.Device);
        to.Container('a', "a{sv}", each =>
        {
            foreach (var guest in question.Guests)
            {
                ProtoFields.Write(each, guest);
            }
        });
        to.Container('a', "{sv}", each => each.Entry("Timeout", "t", t => t.UInt64((ulong)question.Patience.TotalMicroseconds)));
    }

    private static AgentAnswer Read(MessageReader body)
    {
        if (body.Signature != "sb")
        {
            throw new FormatException($"found type {DbusTypes.Show(body.Signature)}, expected type 'sb'");
        }

        return new AgentAnswer(body.String(), body.Bool());
    }

    /// <summary>
    /// The session of systemd-logind that the process is in; where it is in none, as a user's services are, the uid. Only to tell whether there is
    /// an agent already: a pid may be another process's by now.
    /// </summary>
    private static unsafe string SessionOf(Caller caller)
    {
        if (caller.Pid <= 0 || NativeSdBus.PidGetSession(caller.Pid, out var found) < 0)
        {
            return $"uid {caller.Uid}";
        }

        var session = NativeSdBus.Text(found);
        NativeMemory.Free((void*)found);
        return $"session {DbusTypes.Cut(session)} of uid {caller.Uid}";
    }
}
