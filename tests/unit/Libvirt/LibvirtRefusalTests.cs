// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Guests;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

/// <summary>What libvirt's errors mean to a claim.</summary>
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

    [Test]
    public void From_CallThatIsNotAllowed_IsNoLostConnection()
    {
        const string Said = "access denied: 'domain' denied access";

        var refusal = LibvirtRefusal.From(new LibvirtException(
            "virDomainAttachDeviceFlags", VirErrorNumber.AccessDenied, 0, VirErrorLevel.Error, Said, LibvirtErrors.Classify(VirErrorNumber.AccessDenied, Said)));

        Assert.That((refusal.Reason, refusal.IsTransient, refusal.Message), Is.EqualTo((ClaimReason.AttachFailed, true, Said)));
    }

    [Test]
    public void From_MessageOfSeveralLines_IsOneLine()
    {
        const string Said = "internal error: process exited while connecting to monitor:\nqemu-system-x86_64: -device usb-host: failed\n";

        var refusal = LibvirtRefusal.From(new LibvirtException(
            "virDomainCreate", VirErrorNumber.OperationInvalid, 10, VirErrorLevel.Error, Said, LibvirtErrorKind.DeviceInUse));

        Assert.That(refusal.Message, Is.EqualTo("internal error: process exited while connecting to monitor: qemu-system-x86_64: -device usb-host: failed"));
    }
}
