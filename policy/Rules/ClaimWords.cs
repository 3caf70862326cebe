// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>The words for how a device is used, as rules and guests' definitions write them; libvirt's own where it has one.</summary>
public static class ClaimWords
{
    /// <summary>What <see cref="Mode"/> takes, for messages.</summary>
    public const string Modes = "hostdev, spicevmc or usbredir";

    /// <summary>What <see cref="Reset"/> takes, for messages.</summary>
    public const string Resets = "off, uninitialized or on";

    /// <summary>Null for any other word.</summary>
    public static ClaimMode? Mode(ReadOnlySpan<char> word) => word switch
    {
        "hostdev" => ClaimMode.Hostdev,
        "spicevmc" => ClaimMode.Spicevmc,
        "usbredir" => ClaimMode.Usbredir,
        _ => null,
    };

    /// <summary>Null for any other word.</summary>
    public static GuestReset? Reset(ReadOnlySpan<char> word) => word switch
    {
        "off" => GuestReset.Off,
        "uninitialized" => GuestReset.Uninitialized,
        "on" => GuestReset.On,
        _ => null,
    };

    public static string Of(ClaimMode mode) => mode switch
    {
        ClaimMode.Hostdev => "hostdev",
        ClaimMode.Spicevmc => "spicevmc",
        ClaimMode.Usbredir => "usbredir",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "a mode without a word"),
    };

    public static string Of(GuestReset reset) => reset switch
    {
        GuestReset.Off => "off",
        GuestReset.Uninitialized => "uninitialized",
        GuestReset.On => "on",
        _ => throw new ArgumentOutOfRangeException(nameof(reset), reset, "a guest-reset without a word"),
    };
}
