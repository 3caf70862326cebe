// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

/// <summary>The texts are those of libvirt 9.0, word for word.</summary>
[TestFixture]
internal sealed class LibvirtErrorsTests
{
    [TestCase(55, "Requested operation is not valid: USB device 002:002 is in use by driver QEMU, domain l2a", LibvirtErrorKind.DeviceInUse)]
    [TestCase(9, "operation failed: Multiple USB devices for 46f4:1, use <address> to specify one", LibvirtErrorKind.AmbiguousDevice)]
    [TestCase(1, "internal error: Did not find USB device dead:beef", LibvirtErrorKind.DeviceNotFound)]
    [TestCase(1, "internal error: Did not find USB device bus:2 device:77", LibvirtErrorKind.DeviceNotFound)]
    [TestCase(1, "internal error: unable to execute QEMU command 'device_add': failed to find host usb device 2:5", LibvirtErrorKind.DeviceNotFound)]
    [TestCase(55, "Requested operation is not valid: domain is not running", LibvirtErrorKind.DomainNotRunning)]
    [TestCase(55, "Requested operation is not valid: domain is already running", LibvirtErrorKind.DomainAlreadyRunning)]
    [TestCase(67, "unsupported configuration: Device configuration is not compatible: Domain has no USB bus support", LibvirtErrorKind.NoUsbController)]
    [TestCase(1, "internal error: No free USB ports", LibvirtErrorKind.NoFreePort)]
    [TestCase(27, "XML error: Duplicate USB address bus 0 port 1", LibvirtErrorKind.DuplicateAddress)]
    [TestCase(67, "unsupported configuration: non unique alias detected: ua-example", LibvirtErrorKind.DuplicateAlias)]
    [TestCase(99, "device not found: host usb device 002.003 not found", LibvirtErrorKind.DeviceMissingInGuest)]
    [TestCase(1, "internal error: no device found with alias ua-example", LibvirtErrorKind.DeviceMissingInGuest)]
    [TestCase(55, "Requested operation is not valid: no matching redirdev was not found", LibvirtErrorKind.DeviceMissingInGuest)]
    [TestCase(38, "cannot open directory '/sys/bus/usb/devices': No such file or directory", LibvirtErrorKind.DeviceNotFound)]
    [TestCase(38, "Cannot recv data: Connection reset by peer", LibvirtErrorKind.ConnectionLost)]
    [TestCase(1, "internal error: connection closed due to keepalive timeout", LibvirtErrorKind.ConnectionLost)]
    [TestCase(42, "Domain not found: no domain with matching name 'x'", LibvirtErrorKind.NoSuchDomain)]
    [TestCase(68, "Timed out during operation: cannot acquire state change lock (held by monitor=qemu-event)", LibvirtErrorKind.OperationTimeout)]
    [TestCase(3, "this function is not supported by the connection driver: virDomainAttachDeviceFlags", LibvirtErrorKind.NoSupport)]
    [TestCase(1, "internal error: client socket is closed", LibvirtErrorKind.ConnectionLost)]
    [TestCase(38, "End of file while reading data: Input/output error", LibvirtErrorKind.ConnectionLost)]
    [TestCase(38, "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory", LibvirtErrorKind.ConnectionLost)]
    [TestCase(38, "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied", LibvirtErrorKind.AccessDenied)]
    [TestCase(45, "authentication failed: access denied by policy", LibvirtErrorKind.AccessDenied)]
    [TestCase(1, "internal error: something new", LibvirtErrorKind.Other)]
    [TestCase(4711, "a number of a later libvirt", LibvirtErrorKind.Other)]
    public void Classify_TextOfLibvirt_GivesItsKind(int code, string message, LibvirtErrorKind expected) =>
        Assert.That(LibvirtErrors.Classify((VirErrorNumber)code, message), Is.EqualTo(expected));

    [Test]
    public void Classify_KnownTextUnderAnotherNumber_IsOther() =>
        Assert.That(LibvirtErrors.Classify(VirErrorNumber.InvalidArg, "domain is not running"), Is.EqualTo(LibvirtErrorKind.Other));

    [TestCase(42, "Domain nicht gefunden", LibvirtErrorKind.NoSuchDomain)]
    [TestCase(99, "Gerät nicht gefunden", LibvirtErrorKind.DeviceMissingInGuest)]
    [TestCase(68, "Zeitüberschreitung", LibvirtErrorKind.OperationTimeout)]
    public void Classify_TranslatedTextWithItsOwnNumber_NeedsNoText(int code, string message, LibvirtErrorKind expected) =>
        Assert.That(LibvirtErrors.Classify((VirErrorNumber)code, message), Is.EqualTo(expected));

    [TestCase("Requested operation is not valid: USB device 002:002 is in use by driver QEMU, domain l2a", "l2a")]
    [TestCase("Requested operation is not valid: USB device 002:002 is in use by driver QEMU, domain a, domain b", "a, domain b")]
    [TestCase("Requested operation is not valid: USB device 002:002 is already in use", null)]
    [TestCase("internal error: bus busy, domain l2a", null)]
    public void HoldingDomain_InUseText_GivesTheName(string message, string? expected) =>
        Assert.That(LibvirtErrors.HoldingDomain(message), Is.EqualTo(expected));
}
