// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.Claims;

/// <summary>What becomes of a request.</summary>
public abstract record ClaimDecision
{
    private ClaimDecision()
    {
    }

    /// <summary>The claim to store; or one that already says the same.</summary>
    public sealed record Accepted(Claim Claim, bool AlreadyThere) : ClaimDecision
    {
        /// <summary>
        /// The claims that end with this, released. They are stored after the new one, which is in the way of whatever would ask for them again.
        /// </summary>
        public ImmutableArray<Claim> Ends { get; init; } = [];
    }

    public sealed record Refused(Refusal Why, string Message, string Hint) : ClaimDecision
    {
        public ImmutableArray<UsbDevice> Candidates { get; init; } = [];

        public ClaimId? OtherClaim { get; init; }

        public GuestId? OtherGuest { get; init; }

        /// <summary>The device meant, where one was found; for naming who uses it.</summary>
        public UsbDevice? Device { get; init; }
    }
}
