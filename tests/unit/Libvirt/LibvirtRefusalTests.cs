using NUnit.Framework;
using UsbHostd.Daemon.Guests;
using UsbHostd.Libvirt;
using UsbHostd.Policy.Claims;

namespace UsbHostd.Tests.Libvirt;

[TestFixture]
internal sealed class LibvirtRefusalTests
{
    [TestCase("Requested operation is not valid: USB device 002:002 is in use by driver QEMU, domain l2a", "l2a")]
    [TestCase("operation failed: target usb device already exists", null)]
    public void From_DeviceInUse_NamesTheGuestThatLibvirtNames(string message, string? holder)
    {
        var refusal = LibvirtRefusal.From(new LibvirtException(
            "virDomainAttachDeviceFlags", VirErrorNumber.OperationInvalid, 10, VirErrorLevel.Error, message, LibvirtErrorKind.DeviceInUse));

        Assert.That((refusal.Reason, refusal.Holder), Is.EqualTo((ClaimReason.HeldByOther, holder)));
    }
}
