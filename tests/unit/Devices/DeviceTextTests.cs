// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Devices;

/// <summary>The daemon's sentences and the client's tables call a device by one name.</summary>
[TestFixture]
internal sealed class DeviceTextTests
{
    private static UsbDevice Seen()
    {
        var stick = Some.Stick();
        stick.PlugInto("1-4", new UsbAddress(1, 7), 1);
        return stick.Seen();
    }

    [TestCase("Kingston", "DataTraveler 3.0", "Kingston DataTraveler 3.0")]
    [TestCase("QEMU", "QEMU USB HARDDRIVE", "QEMU USB HARDDRIVE")]
    [TestCase("logitech", "Logitech BRIO", "Logitech BRIO")]
    [TestCase("YubiKey", "YubiKey", "YubiKey")]
    [TestCase("HP", "HPLaserJet", "HP HPLaserJet")]
    [TestCase("", "Receiver", "Receiver")]
    [TestCase(" ", "Receiver ", "Receiver")]
    public void NameOf_VendorAndProduct_NamesTheVendorOnce(string vendor, string product, string expected)
    {
        var seen = Seen() with { Manufacturer = vendor, Product = product };

        Assert.Multiple(() =>
        {
            Assert.That(DeviceText.NameOf(seen), Is.EqualTo(expected));
            Assert.That(Words.Name(new Device { VendorName = vendor, ProductName = product }), Is.EqualTo(expected));
        });
    }
}
