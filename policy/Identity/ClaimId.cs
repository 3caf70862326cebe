// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary><c>c</c> and 12 lower-case base32 digits, for example <c>cmzxw6ytboi2e</c>.</summary>
public readonly record struct ClaimId : IComparable<ClaimId>
{
    private readonly string? text;

    private ClaimId(string text) => this.text = text;

    /// <summary>The id of an explicit claim: a hash of <paramref name="nonce"/>, which must be unique to the claim.</summary>
    public static ClaimId Of(Guid nonce) => new(Base32.NameOf('c', nonce.ToString("D")));

    /// <summary>
    /// The id of the claim that a rule makes for this device and guest: the same each time. A key by port does not say which device is
    /// there, so the USB id is part of it: two devices that come to one port have two claims.
    /// </summary>
    public static ClaimId ByRule(DeviceKey key, UsbId id, GuestId guest) =>
        key.Kind == FollowKind.Serial ? ByRuleBefore(key, guest) : new(Base32.NameOf('c', $"rule\n{key.Text}\n{id}\n{guest}"));

    /// <summary>The same as versions before made it. Guests may still hold devices by port under such an id.</summary>
    public static ClaimId ByRuleBefore(DeviceKey key, GuestId guest) => new(Base32.NameOf('c', $"rule\n{key.Text}\n{guest}"));

    /// <summary>The id of the claim that a guest's own definition asks for: the same each time.</summary>
    public static ClaimId ByWish(GuestId guest, string device) => new(Base32.NameOf('c', $"metadata\n{guest}\n{device}"));

    /// <summary>The id of the claim that an answer comes to for this plug: the same each time.</summary>
    public static ClaimId ByAnswer(AnswerId answer, GuestId guest, PlugToken plug) => new(Base32.NameOf('c', $"answer\n{answer}\n{guest}\n{plug}"));

    public static bool TryParse([NotNullWhen(true)] string? text, out ClaimId id)
    {
        var ok = Base32.IsName('c', text);
        id = ok ? new ClaimId(text!) : default;
        return ok;
    }

    public static ClaimId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"not a claim id (c and 12 base32 digits): {text}");

    public int CompareTo(ClaimId other) => string.CompareOrdinal(text, other.text);

    public override string ToString() => text ?? "";

    public static bool operator <(ClaimId left, ClaimId right) => left.CompareTo(right) < 0;

    public static bool operator >(ClaimId left, ClaimId right) => left.CompareTo(right) > 0;

    public static bool operator <=(ClaimId left, ClaimId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ClaimId left, ClaimId right) => left.CompareTo(right) >= 0;
}
