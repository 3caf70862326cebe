// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Core.Guests;

/// <summary>A device node of the host that a guest's definition names.</summary>
/// <param name="Role">The element that names it: <c>disk</c>, <c>serial</c>, <c>input</c>, <c>hostdev</c>.</param>
/// <param name="Source">A path, which may be a link (<c>/dev/disk/by-id/usb-…</c>); or a SCSI address, host:channel:target:lun, as in <c>6:0:0:0</c>.</param>
public readonly record struct GuestNode(string Role, string Source)
{
    public bool IsPath => Source.StartsWith('/');
}
