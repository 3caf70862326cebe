// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>A real store before whose commits something may happen.</summary>
internal sealed class TrippedStore(IClaimStore inner, Action before) : IClaimStore
{
    public StoredState Load() => inner.Load();

    public AuditSlice ReadAudit(AuditTable table, AuditQuery query, long? before, int rows) => inner.ReadAudit(table, query, before, rows);

    public IStoreCopy BeginCopy() => inner.BeginCopy();

    public Core.Claims.Claim? Find(Policy.Identity.ClaimId id) => inner.Find(id);

    public void Commit(IReadOnlyList<StoreChange> changes)
    {
        before();
        inner.Commit(changes);
    }

    public void Dispose() => inner.Dispose();
}
