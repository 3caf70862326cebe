// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>virDomainEventType.</summary>
public enum DomainEventType
{
    Defined = 0,
    Undefined = 1,
    Started = 2,
    Suspended = 3,
    Resumed = 4,
    Stopped = 5,
    Shutdown = 6,
    PMSuspended = 7,
    Crashed = 8,
}

/// <summary>virDomainEventDefinedDetailType.</summary>
public enum DomainEventDefinedDetail
{
    Added = 0,
    Updated = 1,
    Renamed = 2,
    FromSnapshot = 3,
}

/// <summary>virDomainEventUndefinedDetailType.</summary>
public enum DomainEventUndefinedDetail
{
    Removed = 0,
    Renamed = 1,
}

/// <summary>virDomainEventStartedDetailType.</summary>
public enum DomainEventStartedDetail
{
    Booted = 0,
    Migrated = 1,
    Restored = 2,
    FromSnapshot = 3,
    Wakeup = 4,
}

/// <summary>virDomainEventSuspendedDetailType.</summary>
public enum DomainEventSuspendedDetail
{
    Paused = 0,
    Migrated = 1,
    IOError = 2,
    Watchdog = 3,
    Restored = 4,
    FromSnapshot = 5,
    ApiError = 6,
    PostCopy = 7,
    PostCopyFailed = 8,
}

/// <summary>virDomainEventResumedDetailType.</summary>
public enum DomainEventResumedDetail
{
    Unpaused = 0,
    Migrated = 1,
    FromSnapshot = 2,
    PostCopy = 3,
    PostCopyFailed = 4,
}

/// <summary>virDomainEventStoppedDetailType.</summary>
public enum DomainEventStoppedDetail
{
    Shutdown = 0,
    Destroyed = 1,
    Crashed = 2,
    Migrated = 3,
    Saved = 4,
    Failed = 5,
    FromSnapshot = 6,
}

/// <summary>virConnectCloseReason.</summary>
public enum ConnectionCloseReason
{
    /// <summary>Reading or writing failed.</summary>
    Error = 0,

    /// <summary>The daemon closed the connection, or died.</summary>
    Eof = 1,

    /// <summary>The daemon didn't answer the keepalive.</summary>
    KeepAlive = 2,

    /// <summary>This side closed it.</summary>
    Client = 3,
}
