using UsbHostd.Policy.Guests;

namespace UsbHostd.Policy.Rules;

/// <summary>Which guests a rule's <c>to-guest</c> speaks of.</summary>
public static class RuleGuests
{
    /// <summary>
    /// Whether a device that the rule decides for may go to this guest, as far as <c>to-guest</c> goes: any guest where it names none.
    /// A value is the guest's UUID, in either case, or its name, or a glob on its name, both in just that case. A value that has the form
    /// of a UUID is held against the UUID alone, since a name may be chosen to look like somebody else's.
    /// </summary>
    public static bool AllowsGuest(this Rule rule, string name, GuestId guest)
    {
        foreach (var glob in rule.ToGuest)
        {
            if (Guid.TryParseExact(glob.Pattern, "D", out var uuid) ? uuid == guest.Uuid : glob.Matches(name))
            {
                return true;
            }
        }

        return rule.ToGuest.IsEmpty;
    }

    /// <summary>Whether this is the guest that a device the rule decides for is claimed for, by itself.</summary>
    public static bool Assigns(this Rule rule, string name, GuestId guest) => rule.Target == RuleTarget.Assign && !rule.ToGuest.IsEmpty && rule.AllowsGuest(name, guest);
}
