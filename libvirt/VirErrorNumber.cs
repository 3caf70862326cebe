// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>The numbers of virErrorNumber (virterror.h) that are told apart here; any other int may come.</summary>
public enum VirErrorNumber
{
    Ok = 0,
    InternalError = 1,
    NoSupport = 3,
    UnknownHost = 4,
    NoConnect = 5,
    InvalidConn = 6,
    InvalidDomain = 7,
    InvalidArg = 8,
    OperationFailed = 9,
    XmlError = 27,
    DomExist = 28,
    OperationDenied = 29,
    SystemError = 38,
    Rpc = 39,
    NoDomain = 42,
    AuthFailed = 45,
    OperationInvalid = 55,
    ConfigUnsupported = 67,
    OperationTimeout = 68,
    ArgumentUnsupported = 74,
    OperationAborted = 78,
    AuthCancelled = 79,
    OperationUnsupported = 84,
    ResourceBusy = 87,
    AccessDenied = 88,
    AuthUnavailable = 94,
    DeviceMissing = 99,
}

/// <summary>virErrorLevel (virterror.h).</summary>
public enum VirErrorLevel
{
    None = 0,
    Warning = 1,
    Error = 2,
}
