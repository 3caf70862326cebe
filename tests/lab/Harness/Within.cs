// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>How long a test waits at most. Generous: two busy cores emulate a host that emulates a guest.</summary>
public static class Within
{
    /// <summary>One command, one plug, one line.</summary>
    public static readonly TimeSpan Moments = TimeSpan.FromSeconds(45);

    /// <summary>A guest's whole boot, or the daemon's start.</summary>
    public static readonly TimeSpan Boot = TimeSpan.FromMinutes(4);
}
