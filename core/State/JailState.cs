// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Core.State;

/// <summary>The controllers whose devices are for guests only, and what was done with each device behind them.</summary>
public sealed record JailState
{
    /// <summary>No controller is jailed.</summary>
    public static readonly JailState Off = new();

    /// <summary>Names of the root hubs' parent devices, for example <c>0000:02:01.0</c> or <c>dummy_hcd.0</c>.</summary>
    public ImmutableHashSet<string> Controllers { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>What was done with each plugged-in device since this daemon started.</summary>
    public ImmutableDictionary<PlugToken, JailRecord> Records { get; init; } = ImmutableDictionary<PlugToken, JailRecord>.Empty;

    public bool IsOff => Controllers.IsEmpty;

    /// <summary>Whether the device, hub or root hub is behind a jailed controller.</summary>
    public bool Covers(UsbDevice device) => !IsOff && Controllers.Contains(device.Controller.Name);
}

/// <summary>What was done with a device in the jail.</summary>
/// <param name="Done">The role it was last given; null where that has not succeeded yet.</param>
/// <param name="Failures">Failures in a row.</param>
/// <param name="NotBefore">After a failure: not again before this time.</param>
public sealed record JailRecord(JailRole? Done, int Failures = 0, DateTimeOffset? NotBefore = null);

/// <summary>What a device in the jail is.</summary>
public enum JailRole
{
    /// <summary>A root hub: interfaces of devices that appear below it are not authorised by themselves.</summary>
    RootHub,

    /// <summary>A hub: its one hub interface works, whatever else it claims to have does not.</summary>
    Hub,

    /// <summary>A device in no guest: none of its interfaces is authorised.</summary>
    Confined,

    /// <summary>A device in a guest, or on its way there: authorised, and no host driver can be bound to it.</summary>
    Lent,
}
