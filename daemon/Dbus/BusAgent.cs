// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;
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
    /// <param name="session">Of whoever registered it, <see cref="LoginSession"/>.</param>
    public BusAgent(BusConnection connection, string peer, string path, string session)
    {
        this.connection = connection;
        target = new BusTarget(peer, path, AgentInterface);
        Session = session;
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
            return await connection.CallAsync(target, "Ask", "a{sv}aa{sv}a{sv}", (ref to) => Write(ref to, question), Read, cancellationToken, question.Patience + Slack).ConfigureAwait(false);
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
    public Task CancelAsync(string device, string reason) => TellAsync("Cancel", "ss", (ref to) =>
    {
        to.Text(device);
        to.Text(reason);
    });

    /// <summary>The daemon stops.</summary>
    public Task ReleaseAsync() => TellAsync("Release", "", static (ref _) => { });

    public void Dispose()
    {
        lock (gate)
        {
            IsOver = true;
        }

        cancel.Dispose();
        over.TrySetResult();
    }

    /// <summary>Sent, and no answer asked for: an agent that keeps silent holds nothing up.</summary>
    private async Task TellAsync(string member, string signature, BodyWriter write)
    {
        try
        {
            await connection.TellAsync(target, member, signature, write, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BusException)
        {
            // Nobody is there any more.
        }
    }

    private static void Write(ref MessageWriter to, AgentQuestion question)
    {
        ProtoFields.Write(ref to, question.Device);
        var guests = to.WriteArrayStart(DBusType.Array);
        foreach (var guest in question.Guests)
        {
            ProtoFields.Write(ref to, guest);
        }

        to.WriteArrayEnd(guests);
        var options = to.WriteDictionaryStart();
        to.WriteDictionaryEntryStart();
        to.Text("Timeout");
        to.WriteVariantUInt64((ulong)question.Patience.TotalMicroseconds);
        to.WriteDictionaryEnd(options);
    }

    private static AgentAnswer Read(Message answer)
    {
        var body = answer.Expect("sb");
        return new AgentAnswer(body.ReadString(), body.ReadBool());
    }
}
