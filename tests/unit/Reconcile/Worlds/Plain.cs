// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile.Worlds;

/// <summary>What the model knows of a device: who plugged it in when, and what could be seen since.</summary>
internal sealed class PlainDevice(FakeDevice device)
{
    public FakeDevice Device => device;

    /// <summary>Counts plugs; one that is back on its port within ten seconds is the same.</summary>
    public int Sitting { get; private set; }

    public DateTimeOffset? Left { get; private set; }

    /// <summary>How often it was pulled.</summary>
    public int Pulls { get; private set; }

    /// <summary>What a decision about this sitting may have seen.</summary>
    public bool SawDay { get; private set; }

    public bool SawNight { get; private set; }

    public bool SawOne { get; private set; }

    /// <summary>The host has used it since the last look, without a break.</summary>
    public bool WasInUse { get; set; }

    /// <summary>Whether two devices with its serial were ever in at once: then its serial says nothing for certain.</summary>
    public bool HasTwin { get; set; }

    public void NotePlug(string? before, DateTimeOffset now)
    {
        if (before != device.Port || Left is not { } left || now - left >= TimeSpan.FromSeconds(10))
        {
            Sitting++;
            Forget();
        }

        Left = null;
    }

    public void NotePull(DateTimeOffset now) => (Left, Pulls) = (now, Pulls + 1);

    /// <summary>The rules were loaded: what is decided now can have seen only what is now.</summary>
    public void Forget() => (SawDay, SawNight, SawOne) = (false, false, false);

    public void Look(DateTimeOffset now, bool oneIsThere)
    {
        var time = TimeOnly.FromDateTime(now.UtcDateTime);
        var isDay = time >= PlainRule.Morning && time <= PlainRule.Evening;
        SawDay |= isDay;
        SawNight |= !isDay;
        SawOne |= oneIsThere;
    }
}

internal enum Standing
{
    Stands,
    Over,

    /// <summary>The disk was full when it changed, and then the daemon died: both are right.</summary>
    Unknown,
}

/// <summary>A claim that somebody was told he has.</summary>
internal sealed class PlainClaim
{
    public required ClaimId Id { get; init; }

    public required Caller Maker { get; init; }

    /// <summary>Who moved it to its guest; null where nobody did.</summary>
    public Caller? Mover { get; set; }

    /// <summary>Null for a claim by port; then <see cref="Port"/> is set.</summary>
    public string? Serial { get; init; }

    public string? Port { get; init; }

    public required UsbId UsbId { get; init; }

    public required ClaimLifetime Lifetime { get; init; }

    public required GuestId Guest { get; set; }

    public bool Overrides { get; set; }

    public bool Forces { get; set; }

    public Standing Standing { get; set; } = Standing.Stands;

    /// <summary>Somebody took its device out of the guest.</summary>
    public bool IsHeld { get; set; }

    /// <summary>The sitting that an until-unplug claim began with; null until it is certain.</summary>
    public (PlainDevice Device, int Sitting, int Pulls)? Plug { get; set; }

    /// <summary>The run that an until-guest-stops claim began with; null until it is certain.</summary>
    public int? Run { get; set; }

    public bool IsFor(PlainDevice device) =>
        device.Device is { IsPlugged: true } there && there.UsbId == UsbId && (Serial is null ? there.Port == Port : there.Serial == Serial);
}

/// <summary>What somebody answered where a rule asks.</summary>
internal sealed record PlainAnswer(PlainDevice Device, string Port, int Sitting, GuestId? Guest, bool IsRemembered, Caller By)
{
    /// <summary>Whether the device may still be given by this answer.</summary>
    public bool MayHoldFor(PlainDevice device) =>
        device.Device.UsbId == Device.Device.UsbId
        && (device == Device ? IsRemembered || Sitting == device.Sitting
            : device.Device.Port == Port || (device.Device.Serial is { } serial && serial == Device.Device.Serial));
}
