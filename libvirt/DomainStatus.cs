// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>A domain's state and the reason for it. Source: virDomainGetState.</summary>
/// <param name="State">The state.</param>
/// <param name="Reason">Its meaning depends on <paramref name="State"/>, see the typed properties.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DomainStatus(DomainState State, int Reason)
{
    /// <summary>Why it runs, or null if it isn't <see cref="DomainState.Running"/>.</summary>
    public DomainRunningReason? Running => State == DomainState.Running ? (DomainRunningReason)Reason : null;

    /// <summary>Why it is paused, or null if it isn't <see cref="DomainState.Paused"/>.</summary>
    public DomainPausedReason? Paused => State == DomainState.Paused ? (DomainPausedReason)Reason : null;

    /// <summary>Why it is off, or null if it isn't <see cref="DomainState.Shutoff"/>.</summary>
    public DomainShutoffReason? Shutoff => State == DomainState.Shutoff ? (DomainShutoffReason)Reason : null;
}

/// <summary>virDomainState.</summary>
public enum DomainState
{
    NoState = 0,
    Running = 1,
    Blocked = 2,
    Paused = 3,
    Shutdown = 4,
    Shutoff = 5,
    Crashed = 6,
    PMSuspended = 7,
}

/// <summary>virDomainRunningReason.</summary>
public enum DomainRunningReason
{
    Unknown = 0,
    Booted = 1,
    Migrated = 2,
    Restored = 3,
    FromSnapshot = 4,
    Unpaused = 5,
    MigrationCanceled = 6,
    SaveCanceled = 7,
    Wakeup = 8,
    Crashed = 9,
    PostCopy = 10,
    PostCopyFailed = 11,
}

/// <summary>virDomainPausedReason.</summary>
public enum DomainPausedReason
{
    Unknown = 0,
    User = 1,
    Migration = 2,
    Save = 3,
    Dump = 4,
    IOError = 5,
    Watchdog = 6,
    FromSnapshot = 7,
    ShuttingDown = 8,
    Snapshot = 9,
    Crashed = 10,
    StartingUp = 11,
    PostCopy = 12,
    PostCopyFailed = 13,
}

/// <summary>virDomainShutoffReason.</summary>
public enum DomainShutoffReason
{
    Unknown = 0,
    Shutdown = 1,
    Destroyed = 2,
    Crashed = 3,
    Migrated = 4,
    Saved = 5,
    Failed = 6,
    FromSnapshot = 7,
    Daemon = 8,
}
