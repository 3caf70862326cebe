// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Service;

/// <summary>Agents, and what they answer where a rule says ask.</summary>
internal sealed partial class HostService
{
    private const int MostAgents = 64;
    private const string AnswerVerb = "answer";

    private readonly ConcurrentDictionary<string, IAgent> agents = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<Func<CancellationToken, Task>> RegisterAgentAsync(Caller caller, IAgent agent, CancellationToken cancellationToken)
    {
        const string Verb = "agent-register";

        // What it answers is claimed in its caller's name.
        await EnterAsync(caller, UsbHostMethods.CreateClaim, cancellationToken, verb: Verb).ConfigureAwait(false);
        var taken = false;
        try
        {
            await AskAsync(caller, Verb, agent.Session, (_, now) =>
            {
                if (agents.Count >= MostAgents)
                {
                    throw new HostException(ErrorCode.ErrorTooMany, $"{MostAgents} agents are registered, and there may be no more", "end one of them");
                }

                taken = agents.TryAdd(agent.Session, agent);
                return taken
                    ? (new Decided([Audit(caller, now, Verb, agent.Session, "ok", "")], []), true)
                    : throw new HostException(ErrorCode.ErrorTooMany, $"{agent.Session} has an agent already, and may have no more", "end that one, or have it call UnregisterAgent");
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            Leave(taken, agent);
            throw;
        }

        return token => RunAgentAsync(caller, agent, token);
    }

    private async Task RunAgentAsync(Caller caller, IAgent agent, CancellationToken cancellationToken)
    {
        try
        {
            using var run = new AgentRun(feed, caller, agent, time, (question, answer, failure) => HearAsync(caller, question, answer, failure));
            await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(taken: true, agent);
        }
    }

    private void Leave(bool taken, IAgent agent)
    {
        if (taken)
        {
            agents.TryRemove(agent.Session, out _);
        }
    }

    /// <summary>Takes an answer, or writes down why there is none. A refusal is nobody's to hear: the audit has it.</summary>
    private async Task HearAsync(Caller caller, AgentRun.Asked question, AgentAnswer? answer, string? failure)
    {
        try
        {
            if (answer is null)
            {
                await AskAsync<bool>(
                    caller, AnswerVerb, question.Device, (_, _) => throw new HostException(ErrorCode.ErrorNotAllowed, $"asked, and nothing is attached: {failure}"),
                    CancellationToken.None).ConfigureAwait(false);
                return;
            }

            // The right is asked for again: it may be another by now, and polkit is told which device and guest it is about.
            await EnterAsync(caller, UsbHostMethods.CreateClaim, question.Moot, question.Device, answer.Guest, verb: AnswerVerb).ConfigureAwait(false);
            await AskAsync(caller, AnswerVerb, question.Device, (state, now) => (Answered(state, caller, question, answer, now), true), CancellationToken.None).ConfigureAwait(false);
        }
        catch (HostException)
        {
            // Written down on its way.
        }
    }

    /// <summary>What an answer comes to.</summary>
    /// <exception cref="HostException">It is not one of those that were offered.</exception>
    internal static Decided Answered(HostState state, Caller caller, AgentRun.Asked question, AgentAnswer said, DateTimeOffset now)
    {
        if (question.In(state) is not { } device)
        {
            throw new HostException(ErrorCode.ErrorDeviceNotFound, "asked, and answered after the device was unplugged");
        }

        var offered = Questions.Offered(state, device, caller.Uid, caller.Gids);
        if (offered.IsEmpty)
        {
            throw new HostException(ErrorCode.ErrorNotAllowed, "asked, and answered when there was nothing to answer any more");
        }

        var guest = said.Guest.Length == 0 ? null : offered.FirstOrDefault(g => g.Id.ToString() == said.Guest)
            ?? throw new HostException(ErrorCode.ErrorNotAllowed, $"asked, and answered with a guest that was not offered: {Bounded(said.Guest)}");
        var answer = new Answer
        {
            Follows = Questions.KeyOf(state, device),
            UsbId = device.UsbId,
            Guest = guest?.Id,
            IsRemembered = said.Remember,
            Plug = device.Plug,
            Owner = caller.Owner,
            Uid = caller.Uid,
            Gids = caller.Gids,
            Door = caller.Door,
            At = now,
        };
        if (state.Answers.Count >= Questions.MostAnswers && !state.Answers.ContainsKey(answer.Id))
        {
            throw new HostException(ErrorCode.ErrorTooMany, $"{Questions.MostAnswers} answers are kept, and there may be no more");
        }

        return Taken(state, caller, device, answer, guest, now);
    }

    /// <summary>The answer and its claim are written down as one.</summary>
    private static Decided Taken(HostState state, Caller caller, UsbDevice device, Answer answer, Core.Guests.Guest? guest, DateTimeOffset now)
    {
        var what = (guest is null ? "asked, and answered no" : $"asked, and answered guest {guest.Name}") + (answer.IsRemembered ? ", remembered" : ", for this plug");
        List<StoreChange> changes = [new StoreChange.PutAnswer(answer), Audit(caller, now, AnswerVerb, state.IdOf(device).ToString(), "ok", what)];
        List<HostEvent> events = [new HostEvent.AnswerWritten(answer)];
        if (guest is not null)
        {
            var claim = Questions.ClaimOf(state, device, answer, now);
            changes.Add(new StoreChange.PutClaim(claim));
            changes.Add(Audit(caller, now, "claim-by-answer", claim.Id.ToString(), "ok", Describe(state, claim)));
            events.Add(new HostEvent.ClaimWritten(claim));
        }

        return new Decided(changes, events);
    }
}
