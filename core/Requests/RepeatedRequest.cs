// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Requests;

/// <summary>Tells a request that is repeated from another one that was given the same id: pure.</summary>
internal static class RepeatedRequest
{
    public static RequestPrint PrintOf(ClaimRequest request)
    {
        string[] words =
        [
            request.Guest.ToString(),
            Number((int?)request.Follow),
            string.Join(' ', request.FollowIds.Select(id => id.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)),
            Number((int?)request.Mode),
            Number((int)(request.Lifetime ?? ClaimLifetime.Forever)),
            Number((int?)request.GuestReset),
            request.Move ? "move" : "",
            Number(request.ForceReason?.Length), // where one reason ends and the other begins
            request.ForceReason ?? "",
            request.OverrideReason ?? "",
        ];
        return new RequestPrint(request.Device, Base32.NameOf('r', string.Join('\n', words)));
    }

    /// <summary>
    /// Word for word the same, wherever its device may be now; or with another name for the device of the claim. Claims from before the words
    /// were kept tell by the guest.
    /// </summary>
    public static bool IsSame(HostState state, ClaimRequest request, Claim earlier) =>
        earlier.Request is not { } print
            ? earlier.Guest == request.Guest
            : PrintOf(request) is var now && print.Digest == now.Digest && (print.Device == now.Device || Means(state, request.Device, earlier));

    private static bool Means(HostState state, string device, Claim claim) => DeviceSelector.Match(state, device) switch
    {
        [var there] => there.Keys.Contains(claim.Follows) && claim.Ids.Contains(there.UsbId),
        [] => DeviceSelector.MatchAbsent(state, device) is { } absent && (absent.Serial == claim.Follows || absent.Port == claim.Follows)
            && (absent.UsbId is not { } id || claim.Ids.Contains(id)),
        _ => false,
    };

    private static string Number(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "";
}
