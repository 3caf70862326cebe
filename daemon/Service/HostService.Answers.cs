// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Service;

/// <summary>What was answered, and taking it back.</summary>
internal sealed partial class HostService
{
    public async ValueTask<ListAnswersResponse> ListAnswersAsync(Caller caller, ListAnswersRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.ListAnswers, cancellationToken).ConfigureAwait(false);
        var state = feed.Current;
        var response = new ListAnswersResponse();
        response.Answers.AddRange(state.Answers.Values.Where(grant.Sees).OrderBy(a => a.At).ThenBy(a => a.Id.ToString(), StringComparer.Ordinal)
            .Select(a => WireDevices.Answer(state, a)));
        return response;
    }

    public async ValueTask<DeviceAnswer> ForgetAnswerAsync(Caller caller, ForgetAnswerRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "answer-forget";
        var known = Find(feed.Current, request.Id);
        var (device, guest) = known is null ? (request.Id, "") : (known.Follows.Text, known.Guest is { } into ? feed.Current.GuestName(into) : "");
        var grant = await EnterAsync(caller, UsbHostMethods.ForgetAnswer, cancellationToken, device, guest, verb: Verb).ConfigureAwait(false);
        if (known is not null && known.Owner != caller.Owner)
        {
            grant = await MoreAsync(grant, Right.Manage, device, guest, Verb, cancellationToken).ConfigureAwait(false);
        }

        var (state, forgotten) = await AskAsync(caller, Verb, Bounded(request.Id), (current, now) =>
        {
            var answer = Find(current, request.Id) is { } there && (there.Owner == caller.Owner || grant.Has(Right.Manage)) ? there : throw NoAnswer(request.Id);
            return (Forgotten(current, answer, Audit(caller, now, Verb, answer.Id.ToString(), "ok", answer.Follows.Text)), answer);
        }, cancellationToken).ConfigureAwait(false);
        return WireDevices.Answer(state, forgotten);
    }

    /// <summary>A guest keeps what it has until that is pulled: then the answer has held for one plug.</summary>
    private static Decided Forgotten(HostState state, Answer answer, StoreChange audit)
    {
        if (answer.Guest is not { } into || !WireDevices.IsInUse(state, answer))
        {
            return Decided.TakingAway([new StoreChange.DropAnswer(answer.Id), audit], [new HostEvent.AnswerForgotten(answer.Id)]);
        }

        if (!answer.IsRemembered)
        {
            throw Refusals.Invalid($"answer {answer.Id} holds for this plug only", $"release the claim that came of it: {CommandText.Release(ClaimId.ByAnswer(answer.Id, into, answer.Plug))}; or pull the device");
        }

        var once = answer with { IsRemembered = false };
        return Decided.TakingAway([new StoreChange.PutAnswer(once), audit], [new HostEvent.AnswerWritten(once)]);
    }

    private static Answer? Find(HostState state, string id) => AnswerId.TryParse(id, out var known) ? state.Answers.GetValueOrDefault(known) : null;

    private static HostException NoAnswer(string id) => Refusals.Invalid($"there is no answer {Bounded(id)}", "see the answers: usbhostctl answer-list");
}
