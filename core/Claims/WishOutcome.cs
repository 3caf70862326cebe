// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Claims;

/// <summary>What became of a wish: the claim that meets it, or why none does.</summary>
/// <param name="Claim">Its own, or another's that puts the same device into the guest; null where it is not met.</param>
/// <param name="Refused">Why; null where it is met, or nothing has been decided yet.</param>
public sealed record WishOutcome(GuestWish Wish, ClaimId? Claim, ClaimDecision.Refused? Refused);
