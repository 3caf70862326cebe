// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>How the device gets into the guest.</summary>
public enum ClaimMode
{
    Hostdev,
    Spicevmc,
    Usbredir,
}
