// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Xml.Linq;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Guests.Xml;

/// <summary>
/// The element of ours in a domain's metadata, <c>&lt;usbhostd:usb xmlns:usbhostd="urn:usbhostd:domain:1"&gt;</c>;
/// contrib/domain/usbhostd-domain-1.xsd is its schema. Whoever defines guests wrote it, so nothing in it is taken for granted.
/// </summary>
internal static class WishXml
{
    private const int MostWishes = 32;
    private const int MostText = 256;

    private static readonly XNamespace Ours = "urn:usbhostd:domain:1";

    /// <summary>Whether a text that can't be read may have had an element of ours.</summary>
    public static bool IsMentioned(string text) => text.Contains(Ours.NamespaceName, StringComparison.Ordinal);

    /// <summary>In place of the wishes in such a text.</summary>
    public static GuestWish Unreadable(string why) => Faulty("", $"its metadata can't be read: {Bounded(why)}");

    public static ImmutableArray<GuestWish> Read(XElement? metadata)
    {
        var wishes = ImmutableArray.CreateBuilder<GuestWish>();
        foreach (var claim in (metadata?.Elements(Ours + "usb") ?? []).Elements())
        {
            if (wishes.Count == MostWishes)
            {
                wishes.Add(new GuestWish("", Optional: false) { Fault = $"it asks for more than {MostWishes} devices; the others are passed over" });
                break;
            }

            var wish = ReadClaim(claim);
            wishes.Add(wishes.Any(w => w.Device == wish.Device) ? wish with { Fault = "it asks for it twice" } : wish);
        }

        return wishes.ToImmutable();
    }

    private static GuestWish ReadClaim(XElement claim)
    {
        if (claim.Name != Ours + "claim")
        {
            return Faulty("", $"found an element <{Bounded(claim.Name.LocalName)}>, expected <claim>");
        }

        var wish = new GuestWish(Bounded((string?)claim.Attribute("device") ?? ""), Optional: false);
        if (wish.Device.Length == 0 || ((string?)claim.Attribute("device"))!.Length > MostText)
        {
            return wish with { Fault = $"expected an attribute device of 1 to {MostText} characters" };
        }

        foreach (var attribute in claim.Attributes().Where(a => a.Name != "device" && !a.IsNamespaceDeclaration))
        {
            if (Take(wish, attribute.Name.ToString(), attribute.Value) is not { } taken)
            {
                return wish with { Fault = $"found {Bounded(attribute.Name.ToString())}=\"{Bounded(attribute.Value)}\", expected optional, follow, mode or guest-reset with a value that it can have" };
            }

            wish = taken;
        }

        return wish;
    }

    private static GuestWish? Take(GuestWish wish, string name, string value) => (name, value) switch
    {
        ("optional", "yes" or "no") => wish with { Optional = value == "yes" },
        ("follow", _) => Ids(value) is { } ids ? wish with { Follow = ids } : null,
        ("mode", _) => ClaimWords.Mode(value) is { } mode ? wish with { Mode = mode } : null,
        ("guest-reset", _) => ClaimWords.Reset(value) is { } reset ? wish with { GuestReset = reset } : null,
        _ => null,
    };

    private static ImmutableArray<UsbId>? Ids(string value)
    {
        var ids = ImmutableArray.CreateBuilder<UsbId>();
        foreach (var text in value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!UsbId.TryParse(text, out var id) || ids.Count == 16)
            {
                return null;
            }

            ids.Add(id);
        }

        return ids.Count > 0 ? ids.ToImmutable() : null;
    }

    private static GuestWish Faulty(string device, string fault) => new(device, Optional: false) { Fault = fault };

    private static string Bounded(string text) => text.Length > MostText ? text[..MostText] : text;
}
