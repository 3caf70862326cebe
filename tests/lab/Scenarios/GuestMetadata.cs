// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>A guest asks for its device by virsh metadata, while it runs.</summary>
public sealed class GuestMetadata : DaemonTest
{
    private const string Uri = "urn:usbhostd:domain:1";

    [Test]
    public async Task Metadata_SetAndRemovedOnARunningGuest_GivesAndTakesTheDevice()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "MD-1")).PlugAsync("x0.5");

        var mark = await guest.MarkAsync();
        await Host.DoAsync($"virsh metadata {guest.Name} --live --config --key usbhostd --uri {Uri} --set '<usb><claim device=\"serial:46f4:0001:MD-1\"/></usb>'");
        try
        {
            await guest.SeesAsync("46f4:0001:MD-1", mark);
            var claim = await AnyClaimAsync("", Phase.Attached);
            Assert.That((claim.Origin, claim.Door), Is.EqualTo((Origin.Metadata, "metadata")));
        }
        finally
        {
            await Host.DoAsync($"virsh metadata {guest.Name} --live --config --uri {Uri} --remove");
        }

        await guest.NoLongerSeesAsync("46f4:0001:MD-1", mark);
        await NoClaimsAsync();
    }
}
