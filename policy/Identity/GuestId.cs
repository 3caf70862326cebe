// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Policy.Identity;

/// <summary>libvirt's domain UUID: what a claim follows through a rename.</summary>
public readonly record struct GuestId(Guid Uuid)
{
    public override string ToString() => Uuid.ToString("D");
}
