// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Rules;

/// <summary>libvirt's guestReset (8.6.0): which resets that the guest asks for reach the device.</summary>
public enum GuestReset
{
    Off,
    Uninitialized,
    On,
}
