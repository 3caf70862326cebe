// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>What is answered where a rule says ask.</summary>
internal sealed partial class RandomWorld
{
    /// <summary>Somebody is asked now, and may answer much later.</summary>
    private static string? Question(RandomWorld random, Step step)
    {
        var device = random.Device(step.A);
        if (!random.isUp || !device.Device.IsPlugged)
        {
            return null;
        }

        var (seen, caller) = (device.Device.Seen(), Callers[step.C % Callers.Length]);
        if (!random.world.State.Devices.ContainsKey(seen.Syspath) || Questions.Offered(random.world.State, seen, caller.Uid, caller.Gids).IsEmpty)
        {
            return null;
        }

        random.question?.Dispose();
        (random.question, random.asked) = (new AgentRun.Asked(seen.Syspath, seen.Plug, "", default), caller);
        return step.C % 2 == 0 ? $"{caller.Owner} is asked about {device.Device}" : Answer(random, step);
    }

    private static string? Answer(RandomWorld random, Step step)
    {
        if (!random.isUp || random.question is not { } question || random.Named(step.B) is not { } guest)
        {
            return null;
        }

        var (said, isRemembered, caller) = (step.C / 4 % 4 == 0 ? null : guest, step.C / 16 % 2 == 0, random.asked);
        var what = $"{caller.Owner} answers {said?.ToString() ?? "no"}{(isRemembered ? ", for good" : "")}";
        return Try(() =>
        {
            var (state, id) = random.world.Ask(s => new ValueTask<(Core.State.HostState, AnswerId?)>(random.world.Loop.AskAsync<AnswerId?>(
                (state, now) => (HostService.Answered(state, caller, question, new AgentAnswer(said?.Id.ToString() ?? "", isRemembered), now), question.In(state) is { } device ? AnswerId.Of(Questions.KeyOf(state, device), device.UsbId) : null),
                default)));
            random.NoteAnswered(question.Plug, said?.Id, isRemembered, caller, state.Answers[id!.Value]);
        }) ? what : $"{what}: refused";
    }

    private void NoteAnswered(PlugToken plug, GuestId? guest, bool isRemembered, Caller caller, Core.Claims.Answer answer)
    {
        var device = devices.Single(d => d.Device.IsPlugged && d.Device.Plug == plug);
        answers.Add(new PlainAnswer(device, device.Device.Port!, device.Sitting, guest, isRemembered, caller));
        if (guest is not { } into)
        {
            return;
        }

        var id = ClaimId.ByAnswer(answer.Id, into, plug);
        claims[id] = new PlainClaim
        {
            Id = id,
            Maker = caller,
            Serial = answer.Follows.Kind == FollowKind.Serial ? device.Device.Serial : null,
            Port = answer.Follows.Kind == FollowKind.Serial ? null : device.Device.Port,
            UsbId = device.Device.UsbId,
            Lifetime = ClaimLifetime.UntilUnplug,
            Guest = into,
            Plug = (device, device.Sitting, device.Pulls),
        };
        Changed(id);
    }

    private static string? ForgetAnswer(RandomWorld random, Step step)
    {
        var known = random.isUp ? random.world.State.Answers.Values.OrderBy(a => a.Follows.Text, StringComparer.Ordinal).ToList() : [];
        return known.Count > 0 && Try(() => random.world.Ask(s => s.ForgetAnswerAsync(World.Root, new ForgetAnswerRequest { Id = known[step.A % known.Count].Id.ToString() }, default)))
            ? $"forget the answer for {known[step.A % known.Count].Follows.Text}" : null;
    }
}
