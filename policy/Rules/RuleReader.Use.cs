// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Policy.Rules;

/// <content>What an allowed device may be used for, and how: none of it is matched, none of it is USBGuard's.</content>
internal partial struct RuleReader
{
    private bool TryUse(int from, ReadOnlySpan<char> name) => name switch
    {
        "to-guest" => IsForUse(from) && TryToGuest(from),
        "mode" => IsForUse(from) && TryMode(from),
        "guest-reset" => IsForUse(from) && TryGuestReset(from),
        "settle" => IsForUse(from) && TrySettle(from),
        "share" => IsForUse(from) && TryShare(from),
        "owner" => IsForUse(from) && TryPlainValues(from, ref draft.Owners, ref texts, TryExactNonEmpty),
        "group" => IsForUse(from) && TryPlainValues(from, ref draft.Groups, ref texts, TryExactNonEmpty),
        "unsafe" => IsForUse(from) && TryUnsafe(from),
        _ => scan.FailAt(from, AnAttribute),
    };

    private bool IsForUse(int from) =>
        draft.Target is RuleTarget.Allow or RuleTarget.Assign or RuleTarget.Ask
        || scan.FailAt(from, "no such attribute here: it says how a device is used, and this rule lets nobody use one");

    private bool TryToGuest(int from)
    {
        if (!TryPlainValues(from, ref draft.ToGuest, ref globs, TryGlob))
        {
            return false;
        }

        return draft.Target != RuleTarget.Assign
            || draft.ToGuest is { Values: [{ IsLiteral: true }] }
            || scan.FailAt(from, "exactly one guest, by name or UUID, without * or ?: assign must know its guest");
    }

    private bool TryMode(int from) => IsFirst(from, draft.Mode is null) && TryOne(
        word => ClaimWords.Mode(word),
        ClaimWords.Modes,
        out draft.Mode);

    private bool TryGuestReset(int from) => IsFirst(from, draft.GuestReset is null) && TryOne(
        word => ClaimWords.Reset(word),
        ClaimWords.Resets,
        out draft.GuestReset);

    private bool TryShare(int from)
    {
        if (!IsFirst(from, !draft.ShareKubelet) || !TryOne<bool>(word => word is "kubelet" ? true : null, "kubelet", out _))
        {
            return false;
        }

        draft.ShareKubelet = true;
        return true;
    }

    private bool TrySettle(int from) => IsFirst(from, draft.Settle is null) && TryOne(Duration, "a time of at most 60s, for example 500ms or 2s", out draft.Settle);

    private static TimeSpan? Duration(ReadOnlySpan<char> word)
    {
        var unit = word.EndsWith("ms") ? 1 : word.EndsWith("s") ? 1000 : 0;
        var digits = unit == 1 ? word[..^2] : unit == 1000 ? word[..^1] : word;
        return unit > 0 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MostSettleMilliseconds / unit
            ? TimeSpan.FromMilliseconds(number * unit)
            : null;
    }

    private bool TryUnsafe(int from)
    {
        if (!IsFirst(from, draft.Unsafe is null) || !TryBlank())
        {
            return false;
        }

        var at = scan.Position;
        if (!TryText(ref this, out var reason))
        {
            return false;
        }

        draft.Unsafe = reason;
        return !string.IsNullOrWhiteSpace(reason) || scan.FailAt(at, "a reason: it is written to the audit log");
    }

    private bool IsFirst(int from, bool isFirst) => isFirst || scan.FailAt(from, "this attribute only once in a rule");

    private bool TryBlank() => scan.SkipBlanks() || scan.Fail("a blank, and the attribute's value");

    private bool TryOne<T>(WordReader<T> read, string expected, out T? value)
        where T : struct
    {
        value = null;
        if (!TryBlank())
        {
            return false;
        }

        var from = scan.Position;
        value = read(scan.Word());
        return value is not null || scan.FailAt(from, expected);
    }

    private delegate T? WordReader<T>(ReadOnlySpan<char> word)
        where T : struct;
}
