// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Service;

/// <summary>What became of a question that was put to an agent.</summary>
/// <param name="answer">Null where there was none.</param>
/// <param name="failure">Why there was none; null where there was one.</param>
internal delegate Task Told(AgentRun.Asked question, AgentAnswer? answer, string? failure);

/// <summary>
/// One agent, from its registration to its end: it is asked about each device whose rule says ask, once for each plug, and told when a question
/// is moot. Follows the feed; keeps no device waiting for another.
/// </summary>
internal sealed class AgentRun(StateFeed feed, Caller caller, IAgent agent, TimeProvider time, Told told) : IDisposable
{
    /// <summary>Questions that one agent is asked at the same time; the others wait for their turn.</summary>
    public const int MostAtOnce = 4;

    private readonly SemaphoreSlim turns = new(MostAtOnce);
    private readonly Dictionary<PlugToken, Asked> asked = [];
    private readonly List<Task> running = [];

    /// <summary>Until cancelled; then nothing of it is left.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var changes = feed.Subscribe();
        try
        {
            Look(feed.Current, feed.Current.Devices.Values, cancellationToken);
            while (true)
            {
                var change = await changes.NextAsync(cancellationToken).ConfigureAwait(false);
                var state = change?.State ?? feed.Current;
                Look(
                    state, change is { OtherRules: false, Guests.IsEmpty: true } ? change.Devices.Where(state.Devices.ContainsKey).Select(s => state.Devices[s]) : state.Devices.Values,
                    cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The agent left, was taken back, or the daemon stops.
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(false);
            foreach (var question in asked.Values)
            {
                question.Dispose();
            }
        }
    }

    public void Dispose() => turns.Dispose();

    private void Look(HostState state, IEnumerable<UsbDevice> devices, CancellationToken cancellationToken)
    {
        running.RemoveAll(t => t.IsCompleted);
        foreach (var question in asked.Values.ToList())
        {
            if (WhyMoot(state, question) is { } why)
            {
                asked.Remove(question.Plug);
                running.Add(question.EndAsync(why));
            }
        }

        foreach (var device in devices)
        {
            if (!asked.ContainsKey(device.Plug) && !Questions.Offered(state, device, caller.Uid, caller.Gids).IsEmpty)
            {
                var question = new Asked(device.Syspath, device.Plug, state.IdOf(device).ToString(), cancellationToken);
                asked[device.Plug] = question;
                question.Running = Task.Run(() => AskAsync(question), CancellationToken.None);
                running.Add(question.Running);
            }
        }
    }

    private string? WhyMoot(HostState state, Asked question) =>
        question.In(state) is not { } device ? "the device was unplugged"
        : Questions.Offered(state, device, caller.Uid, caller.Gids).IsEmpty ? "it was answered elsewhere, or there is nothing to ask any more" : null;

    private async Task AskAsync(Asked question)
    {
        var hasTurn = false;
        try
        {
            await turns.WaitAsync(question.Moot).ConfigureAwait(false);
            hasTurn = true;
            await AskNowAsync(question).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (question.Moot.IsCancellationRequested)
        {
            // It was never asked.
        }
        finally
        {
            if (hasTurn)
            {
                turns.Release();
            }
        }
    }

    private async Task AskNowAsync(Asked question)
    {
        var state = feed.Current;
        if (question.In(state) is not { } device || Questions.Offered(state, device, caller.Uid, caller.Gids) is not { IsEmpty: false } guests)
        {
            return;
        }

        var patience = state.Limits.AskPatience;
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, question.Moot);
        try
        {
            var put = new AgentQuestion(WireDevices.Device(state, device), [.. guests.Select(g => WireDevices.Guest(state, g.Id))], patience);
            var answer = await agent.AskAsync(put, either.Token).ConfigureAwait(false);
            await told(question, answer, null).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (question.Moot.IsCancellationRequested)
        {
            await agent.CancelAsync(question.Device, question.Why ?? "the agent is not asked any more").ConfigureAwait(false);
            if (question.Why is null)
            {
                await told(question, null, "the agent left before it answered").ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            await agent.CancelAsync(question.Device, "no answer in time").ConfigureAwait(false);
            await told(question, null, $"no answer within {patience.TotalSeconds:0.###} s").ConfigureAwait(false);
        }
        catch (AgentException e)
        {
            await told(question, null, e.Message).ConfigureAwait(false);
        }
    }

    /// <summary>A question about one plug.</summary>
    /// <param name="end">Ends it without a reason: the agent's own end.</param>
    internal sealed class Asked(string syspath, PlugToken plug, string device, CancellationToken end) : IDisposable
    {
        private readonly CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(end);

        public PlugToken Plug => plug;

        /// <summary>Its id.</summary>
        public string Device => device;

        public CancellationToken Moot => cancel.Token;

        /// <summary>Why it is moot; null while it is not, and where the agent itself came to its end.</summary>
        public string? Why { get; private set; }

        /// <summary>The device, while this plug is in.</summary>
        public UsbDevice? In(HostState state) => state.Devices.TryGetValue(syspath, out var there) && there.Plug == plug ? there : null;

        /// <summary>Asking, until it is over.</summary>
        public Task Running { get; set; } = Task.CompletedTask;

        public async Task EndAsync(string why)
        {
            Why = why;
            await cancel.CancelAsync().ConfigureAwait(false);
            await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Dispose();
        }

        public void Dispose() => cancel.Dispose();
    }
}
