// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Store;

[TestFixture]
internal sealed class EarlierDeviceIdsTests
{
    private StoreFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new StoreFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void Load_DeviceIdOfAnEarlierVersion_IsOfItsUsbIdFromThenOn()
    {
        var port = DeviceKey.Port(new UsbController("pci", "0000:00:14.0"), UsbHalf.Usb2, "5");
        var device = new RememberedDevice(
            DeviceId.OfKey(port), port, port, new UsbId(0x1a86, 0x7523), null, "serial adapter", StoreFolder.Now, StoreFolder.Now);
        folder.With(new StoreChange.RememberDevice(device), new StoreChange.RememberLabel(device.Id, "zigbee"));

        var first = folder.Reload();
        var second = folder.Reload();

        var id = DeviceId.Of(port, device.UsbId);
        foreach (var state in new[] { first, second })
        {
            Assert.That(state.Devices, Is.EqualTo(new[] { device with { Id = id } }));
            Assert.That(state.Labels, Is.EqualTo(new Dictionary<DeviceId, string> { [id] = "zigbee" }));
        }

        using var store = folder.Open();
        Assert.That(store.Connection.Scalar("SELECT group_concat(device) FROM memory_labels"), Is.EqualTo(id.ToString()));
    }
}
