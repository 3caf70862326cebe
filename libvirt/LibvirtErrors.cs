// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>What an error of libvirt means to a caller.</summary>
public enum LibvirtErrorKind
{
    /// <summary>None of those below; the text may be in another language. The caller looks at the facts or tries again.</summary>
    Other,

    /// <summary>The daemon can't be reached, or no longer; open a connection again later.</summary>
    ConnectionLost,

    /// <summary>The daemon, polkit or the socket's permissions refuse this user.</summary>
    AccessDenied,

    /// <summary>No domain has that UUID or name.</summary>
    NoSuchDomain,

    /// <summary>The domain is off.</summary>
    DomainNotRunning,

    /// <summary>The domain to be started runs.</summary>
    DomainAlreadyRunning,

    /// <summary>The host has no such USB device (any more), or QEMU doesn't see it yet.</summary>
    DeviceNotFound,

    /// <summary>A domain has the device, possibly the same one: see <see cref="LibvirtErrors.HoldingDomain"/>.</summary>
    DeviceInUse,

    /// <summary>Vendor and product fit two devices, and no address tells which.</summary>
    AmbiguousDevice,

    /// <summary>The domain has no USB at all.</summary>
    NoUsbController,

    /// <summary>Every port of the domain's controllers is taken.</summary>
    NoFreePort,

    /// <summary>The port asked for is taken.</summary>
    DuplicateAddress,

    /// <summary>A device of the domain has the alias already.</summary>
    DuplicateAlias,

    /// <summary>The domain doesn't have the device that is to be detached.</summary>
    DeviceMissingInGuest,

    /// <summary>The driver behind the connection doesn't know the call.</summary>
    NoSupport,

    /// <summary>Another operation on the domain took too long ("cannot acquire state change lock"); try again.</summary>
    OperationTimeout,
}

/// <summary>Tells apart what libvirt reports.</summary>
/// <remarks>
/// The number decides wherever it can. libvirt has one number for many refusals (OperationInvalid, InternalError), and then only the
/// text tells. The daemon writes that text in the locale of its own service and there is no call to change it; a C locale on this side
/// changes only what the client library says, and that is C already, as .NET never calls setlocale for messages. Translations exist only
/// where the distribution's separate package of them is installed. A text that isn't recognised is Other, so whoever acts on a kind must
/// be right, if slower, with Other too; a dead connection is recognised without text, see <see cref="LibvirtException.Kind"/>.
/// </remarks>
public static class LibvirtErrors
{
    private const string InUse = " is in use by driver ";
    private const string HolderMark = ", domain ";

    private static readonly (VirErrorNumber Code, string Text, LibvirtErrorKind Kind)[] Texts =
    [
        (VirErrorNumber.OperationInvalid, "domain is not running", LibvirtErrorKind.DomainNotRunning),
        (VirErrorNumber.OperationInvalid, "domain is already running", LibvirtErrorKind.DomainAlreadyRunning),
        (VirErrorNumber.OperationInvalid, InUse, LibvirtErrorKind.DeviceInUse),
        (VirErrorNumber.OperationInvalid, "is already in use", LibvirtErrorKind.DeviceInUse),
        (VirErrorNumber.OperationFailed, "Multiple USB devices for ", LibvirtErrorKind.AmbiguousDevice),
        (VirErrorNumber.OperationFailed, "target usb device already exists", LibvirtErrorKind.DeviceInUse),
        (VirErrorNumber.ConfigUnsupported, "Domain has no USB bus support", LibvirtErrorKind.NoUsbController),
        (VirErrorNumber.ConfigUnsupported, "USB is disabled for this domain", LibvirtErrorKind.NoUsbController),
        (VirErrorNumber.XmlError, "Duplicate USB address", LibvirtErrorKind.DuplicateAddress),
        (VirErrorNumber.ConfigUnsupported, "non unique alias", LibvirtErrorKind.DuplicateAlias),
        (VirErrorNumber.InternalError, "no device found with alias", LibvirtErrorKind.DeviceMissingInGuest),
        (VirErrorNumber.OperationInvalid, "no matching redirdev", LibvirtErrorKind.DeviceMissingInGuest),
        (VirErrorNumber.InternalError, "Did not find USB device", LibvirtErrorKind.DeviceNotFound),
        (VirErrorNumber.InternalError, "failed to find host usb device", LibvirtErrorKind.DeviceNotFound),
        (VirErrorNumber.InternalError, "No free USB ports", LibvirtErrorKind.NoFreePort),
        (VirErrorNumber.InternalError, "client socket is closed", LibvirtErrorKind.ConnectionLost),
        (VirErrorNumber.InternalError, "keepalive timeout", LibvirtErrorKind.ConnectionLost),
        (VirErrorNumber.SystemError, "'/sys/bus/usb/devices': No such file", LibvirtErrorKind.DeviceNotFound),
        (VirErrorNumber.SystemError, "Permission denied", LibvirtErrorKind.AccessDenied),
        (VirErrorNumber.SystemError, "Failed to connect socket", LibvirtErrorKind.ConnectionLost),
        (VirErrorNumber.SystemError, "Cannot write data", LibvirtErrorKind.ConnectionLost),
        (VirErrorNumber.SystemError, "Cannot recv data", LibvirtErrorKind.ConnectionLost),
        (VirErrorNumber.SystemError, "End of file while reading data", LibvirtErrorKind.ConnectionLost),
    ];

    /// <summary>The kind of an error.</summary>
    /// <param name="code">libvirt's number.</param>
    /// <param name="message">libvirt's text.</param>
    /// <returns>Other if neither tells.</returns>
    public static LibvirtErrorKind Classify(VirErrorNumber code, string message) => code switch
    {
        VirErrorNumber.NoDomain => LibvirtErrorKind.NoSuchDomain,
        VirErrorNumber.DeviceMissing => LibvirtErrorKind.DeviceMissingInGuest,
        VirErrorNumber.OperationTimeout => LibvirtErrorKind.OperationTimeout,
        VirErrorNumber.NoSupport or VirErrorNumber.OperationUnsupported => LibvirtErrorKind.NoSupport,
        VirErrorNumber.Rpc or VirErrorNumber.InvalidConn or VirErrorNumber.UnknownHost => LibvirtErrorKind.ConnectionLost,
        VirErrorNumber.AuthFailed or VirErrorNumber.AuthCancelled or VirErrorNumber.AuthUnavailable
            or VirErrorNumber.AccessDenied or VirErrorNumber.OperationDenied => LibvirtErrorKind.AccessDenied,
        _ => ClassifyText(code, message),
    };

    /// <summary>The name of the domain that holds a device, from libvirt's text.</summary>
    /// <param name="message">libvirt's text, as in <c>USB device 002:002 is in use by driver QEMU, domain l2a</c>.</param>
    /// <returns>Null if the text names none.</returns>
    public static string? HoldingDomain(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var inUse = message.IndexOf(InUse, StringComparison.Ordinal);
        if (inUse < 0)
        {
            return null;
        }

        // The name ends the text, and may itself contain a comma.
        var holder = message.IndexOf(HolderMark, inUse, StringComparison.Ordinal);
        return holder < 0 ? null : message[(holder + HolderMark.Length)..];
    }

    private static LibvirtErrorKind ClassifyText(VirErrorNumber code, string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        foreach (var (candidate, text, kind) in Texts)
        {
            if (candidate == code && message.Contains(text, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return LibvirtErrorKind.Other;
    }
}
