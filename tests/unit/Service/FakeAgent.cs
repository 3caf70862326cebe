// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Service;

/// <summary>Keeps what it is asked, and answers what the test says.</summary>
internal sealed class FakeAgent(string session) : IAgent
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<Asked> asked = Channel.CreateUnbounded<Asked>();
    private readonly Channel<(string Device, string Reason)> cancelled = Channel.CreateUnbounded<(string, string)>();

    internal sealed record Asked(AgentQuestion Question, TaskCompletionSource<AgentAnswer> Reply)
    {
        public void Answer(string guest, bool remember = false) => Reply.TrySetResult(new AgentAnswer(guest, remember));
    }

    public string Session => session;

    /// <summary>Questions that wait here for the test to take them.</summary>
    public int Waiting => asked.Reader.Count;

    public Task<Asked> AskedAsync() => asked.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public Task<(string Device, string Reason)> CancelledAsync() => cancelled.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public Task<AgentAnswer> AskAsync(AgentQuestion question, CancellationToken cancellationToken)
    {
        var reply = new TaskCompletionSource<AgentAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        asked.Writer.TryWrite(new Asked(question, reply));
        return reply.Task.WaitAsync(cancellationToken);
    }

    public Task CancelAsync(string device, string reason)
    {
        cancelled.Writer.TryWrite((device, reason));
        return Task.CompletedTask;
    }
}
