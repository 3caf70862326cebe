// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>libvirt refused a call, or could not be reached. <see cref="Exception.Message"/> is libvirt's own text.</summary>
[SuppressMessage("Roslynator", "RCS1194", Justification = "Made from libvirt's last error and from nothing else.")]
public sealed class LibvirtException : Exception
{
    internal LibvirtException(string function, VirErrorNumber code, int domain, VirErrorLevel level, string message, LibvirtErrorKind kind)
        : base(message)
    {
        Function = function;
        Code = code;
        Domain = domain;
        Level = level;
        Kind = kind;
    }

    /// <summary>The libvirt function that failed, for example <c>virDomainAttachDeviceFlags</c>.</summary>
    public string Function { get; }

    /// <summary>libvirt's number; one that isn't named here is kept as it is.</summary>
    public VirErrorNumber Code { get; }

    /// <summary>Which part of libvirt failed, a virErrorDomain (virterror.h), for example 10 for QEMU, 7 for RPC.</summary>
    public int Domain { get; }

    /// <summary>How grave it is.</summary>
    public VirErrorLevel Level { get; }

    /// <summary>What it means for a caller; ConnectionLost whenever the connection is dead, whatever the text says.</summary>
    public LibvirtErrorKind Kind { get; }

    /// <summary>The domain that holds the device if <see cref="Kind"/> is DeviceInUse and libvirt named it.</summary>
    public string? HoldingDomain => LibvirtErrors.HoldingDomain(Message);

    /// <summary>Reads the calling thread's error; nothing may call libvirt on this thread between the failing call and this.</summary>
    internal static LibvirtException FromLastError(string function) => Read().ToException(function);

    /// <summary>As above, for a failed open: libvirt doesn't always name the URI.</summary>
    internal static LibvirtException FromLastError(string function, string uri)
    {
        var error = Read();
        return (error with { Message = $"cannot open '{uri}': {error.Message}" }).ToException(function);
    }

    /// <summary>As above; then asks whether the connection is dead, which needs no text in any language.</summary>
    internal static LibvirtException FromLastError(string function, ConnectHandle connect)
    {
        var error = Read();
        return connect.IsDead() ? error.ToException(function, LibvirtErrorKind.ConnectionLost) : error.ToException(function);
    }

    /// <summary>As above, with the domain's connection.</summary>
    internal static LibvirtException FromLastError(string function, DomainHandle domain)
    {
        var error = Read();
        return domain.IsConnectionDead() ? error.ToException(function, LibvirtErrorKind.ConnectionLost) : error.ToException(function);
    }

    private static unsafe LastError Read()
    {
        var error = NativeLibvirt.virGetLastError();
        return error is null
            ? new LastError(VirErrorNumber.Ok, 0, VirErrorLevel.Error, "libvirt gave no reason")
            : new LastError(
                (VirErrorNumber)error->Code,
                error->Domain,
                (VirErrorLevel)error->Level,
                Marshal.PtrToStringUTF8(error->Message) ?? "libvirt gave no reason");
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct LastError(VirErrorNumber Code, int Domain, VirErrorLevel Level, string Message)
    {
        internal LibvirtException ToException(string function) => ToException(function, LibvirtErrors.Classify(Code, Message));

        internal LibvirtException ToException(string function, LibvirtErrorKind kind) => new(function, Code, Domain, Level, Message, kind);
    }
}
