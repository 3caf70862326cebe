using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Daemon.Store;

/// <summary>Claims (intent), memory and audit on disk. Used by the reconcile loop only, one call at a time.</summary>
internal interface IClaimStore : IDisposable
{
    /// <summary>Everything stored: claims that stand, and released ones of the last 30 days.</summary>
    StoredState Load();

    /// <summary>Makes all changes durable in one transaction, or none.</summary>
    /// <exception cref="StoreException">The disk is full or failing; nothing was written.</exception>
    void Commit(IReadOnlyList<StoreChange> changes);
}
