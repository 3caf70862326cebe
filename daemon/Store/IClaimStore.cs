// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Store;

/// <summary>Claims (intent), memory and audit on disk. Used by the reconcile loop only, one call at a time.</summary>
internal interface IClaimStore : IDisposable
{
    /// <summary>What a daemon starts from: the claims that stand, and the newest of those that ended.</summary>
    StoredState Load();

    /// <summary>A claim that memory does not have: it ended long ago. Null where the database has no such claim either.</summary>
    /// <exception cref="StoreException">It can't be read.</exception>
    Claim? Find(ClaimId id);

    /// <summary>Lines of the audit that match, of some rows of one table.</summary>
    /// <param name="before">What the slice before gave; null for the newest rows.</param>
    /// <exception cref="StoreException">They can't be read.</exception>
    AuditSlice ReadAudit(AuditTable table, AuditQuery query, long? before, int rows);

    /// <summary>Begins a copy of everything stored. What is committed while it is made is in it.</summary>
    /// <exception cref="StoreException">There is no room for it.</exception>
    IStoreCopy BeginCopy();

    /// <summary>Makes all changes durable in one transaction, or none.</summary>
    /// <exception cref="StoreException">The disk is full or failing; nothing was written.</exception>
    void Commit(IReadOnlyList<StoreChange> changes);
}
