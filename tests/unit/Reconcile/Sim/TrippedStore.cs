using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>A real store before whose commits something may happen.</summary>
internal sealed class TrippedStore(IClaimStore inner, Action before) : IClaimStore
{
    public StoredState Load() => inner.Load();

    public void Commit(IReadOnlyList<StoreChange> changes)
    {
        before();
        inner.Commit(changes);
    }

    public void Dispose() => inner.Dispose();
}
