// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules;

/// <summary>Which guests a rule's <c>to-guest</c> speaks of.</summary>
public static class RuleGuests
{
    private const int UuidLength = 36;
    private static readonly SearchValues<char> UuidCharacters = SearchValues.Create("-0123456789ABCDEFabcdef");

    /// <summary>
    /// The UUID that a value of <c>to-guest</c> is: hexadecimal digits in groups of 8, 4, 4, 4 and 12, and nothing else; null for a name.
    /// Every other form that .NET takes may be a guest's name.
    /// </summary>
    public static Guid? UuidOf(string value) =>
        value.Length == UuidLength && !value.AsSpan().ContainsAnyExcept(UuidCharacters) && Guid.TryParseExact(value, "D", out var uuid) ? uuid : null;

    /// <summary>
    /// Whether a device that the rule decides for may go to this guest, as far as <c>to-guest</c> goes: any guest where it names none.
    /// A value is the guest's UUID, in either case, or its name, or a glob on its name, both in just that case. A value that has the form
    /// of a UUID is held against the UUID alone, since a name may be chosen to look like somebody else's.
    /// </summary>
    public static bool AllowsGuest(this Rule rule, string name, GuestId guest)
    {
        foreach (var glob in rule.ToGuest)
        {
            if (UuidOf(glob.Pattern) is { } uuid ? uuid == guest.Uuid : glob.Matches(name))
            {
                return true;
            }
        }

        return rule.ToGuest.IsEmpty;
    }

    /// <summary>Whether this is the guest that a device the rule decides for is claimed for, by itself.</summary>
    public static bool Assigns(this Rule rule, string name, GuestId guest) => rule.Target == RuleTarget.Assign && !rule.ToGuest.IsEmpty && rule.AllowsGuest(name, guest);
}
