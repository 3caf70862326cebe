// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;

namespace UsbHostd.Daemon.Store;

/// <summary>Which lines of the audit are wanted; null leaves none out.</summary>
internal sealed record AuditQuery
{
    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    public string? Caller { get; init; }

    public string? Verb { get; init; }

    public string? Subject { get; init; }

    public string? Outcome { get; init; }

    /// <summary>What the subject or the detail contains.</summary>
    public string? Text { get; init; }
}

/// <summary>What was done, and what was refused, have a table each.</summary>
internal enum AuditTable
{
    Audit,
    Refusals,
}

/// <summary>Lines of one stretch of a table, newest first.</summary>
/// <param name="Next">Where the next stretch begins; null at the end.</param>
internal sealed record AuditSlice(IReadOnlyList<StoreChange.AppendAudit> Lines, long? Next);
