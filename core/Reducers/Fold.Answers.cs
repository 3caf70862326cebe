// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Reducers;

/// <summary>Answers to what rules with <c>ask</c> ask: given, used at the next plug, and at their end.</summary>
public sealed partial class Fold
{
    private void Answered(Answer answer)
    {
        state = state with { Answers = state.Answers.SetItem(answer.Id, answer) };
        TouchAnswered(answer);
    }

    private void Forgotten(AnswerId id)
    {
        if (state.Answers.TryGetValue(id, out var answer))
        {
            state = state with { Answers = state.Answers.Remove(id) };
            TouchAnswered(answer);
        }
    }

    /// <summary>Claims that it allows or not, and the device that is asked about or not, show another picture now.</summary>
    private void TouchAnswered(Answer answer)
    {
        foreach (var device in state.DevicesWith(answer.Follows))
        {
            touchedDevices.Add(device.Syspath);
            TouchClaimsOf(null, device);
        }
    }

    private void PutAnswer(Answer answer)
    {
        changes.Add(new StoreChange.PutAnswer(answer));
        Answered(answer);
    }

    private void DropAnswer(Answer answer)
    {
        changes.Add(new StoreChange.DropAnswer(answer.Id));
        Forgotten(answer.Id);
    }

    /// <summary>A device that a rule asks about: the same plug again, or one for which an answer is remembered.</summary>
    private void UseAnswer(UsbDevice device)
    {
        if (device.IsHub || state.Answers.IsEmpty || MayBeAnothersReplug(device))
        {
            return;
        }

        foreach (var old in Questions.Kept(state, device).Where(a => a.Plug != device.Plug && IsComeback(a.Left, a.LeftPort, device)).ToList())
        {
            PutAnswer(old with { Plug = device.Plug, Left = null, LeftPort = null });
        }

        if (Questions.AnswerOf(state, device) is not { Guest: { } guest } answer || answer.Plug == device.Plug || Assessor.OwnerOf(state, device) is not null)
        {
            return;
        }

        var used = answer with { Plug = device.Plug, Left = null, LeftPort = null };
        var claim = Questions.ClaimOf(state, device, used, now);
        PutAnswer(used);
        state = state with { Retired = state.Retired.Remove(claim.Id) };
        Written(claim);
        changes.Add(StoreChange.Keep(claim));
        changes.Add(new StoreChange.AppendAudit(
            now, answer.Owner, answer.Door, "claim-by-answer", claim.Id.ToString(), "ok",
            $"{state.IdOf(device)} for guest {state.GuestName(guest)}, answer {answer.Id} remembered since {answer.At:u}"));
        CountPlug(state.Claims[claim.Id], device);
    }

    /// <summary>What was answered for this plug alone is over, unless it comes back at once.</summary>
    private void NoteAnswerLeft(UsbDevice device)
    {
        foreach (var answer in Questions.Kept(state, device).Where(a => a.Plug == device.Plug).ToList())
        {
            state = state with { Answers = state.Answers.SetItem(answer.Id, answer with { Left = now, LeftPort = device.PortKey }) };
            if (!answer.IsRemembered)
            {
                LookAgain(now + state.Limits.Comeback, DeadlineKind.Answer, answer.Id.ToString());
            }
        }
    }

    private void EndAnswer(AnswerId id)
    {
        if (state.Answers.TryGetValue(id, out var answer) && !answer.IsRemembered && answer.Left is { } left && now - left >= state.Limits.Comeback)
        {
            DropAnswer(answer);
        }
    }

    /// <summary>At a start there is no departure to wait from: what was answered for a plug that is gone is over.</summary>
    private void EndAbsentAnswers()
    {
        var there = state.Devices.Values.Select(d => d.Plug).ToHashSet();
        foreach (var answer in state.Answers.Values.Where(a => !a.IsRemembered && a.Left is null && !there.Contains(a.Plug)).ToList())
        {
            DropAnswer(answer);
        }
    }
}
