using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// What is to be written. Intent is written before anything follows from it, and kept until the disk takes it; memory rides along or
/// waits a moment.
/// </summary>
internal sealed class Journal(IClaimStore store)
{
    private readonly List<StoreChange> pending = [];
    private readonly HashSet<ClaimId> blocked = [];

    public bool HasAny => pending.Count > 0;

    public bool HasIntent { get; private set; }

    public void Add(IReadOnlyList<StoreChange> changes)
    {
        foreach (var change in changes)
        {
            pending.Add(change);
            HasIntent |= change.IsIntent;
            if (change is StoreChange.PutClaim put)
            {
                blocked.Add(put.Claim.Id);
            }
        }
    }

    /// <summary>Whether an action follows from intent that is not durable yet.</summary>
    public bool Blocks(HostAction action) => action switch
    {
        HostAction.AttachDevice a => blocked.Contains(a.Claim),
        HostAction.DetachDevice d => blocked.Contains(d.Alias.Claim),
        _ => false,
    };

    /// <summary>These, and what was pending before them, or none; now.</summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    public void CommitNow(IReadOnlyList<StoreChange> changes)
    {
        store.Commit([.. pending, .. changes]);
        Clear();
    }

    /// <summary>Work with the store that writes no claim.</summary>
    public void Run(StoreRequest request) => request.Run(store);

    /// <summary>A claim of the database that memory does not have; null where there is none, or it can't be read.</summary>
    public Policy.Claims.Claim? Find(ClaimId claim, Action<StoreException> failed)
    {
        try
        {
            return store.Find(claim);
        }
        catch (StoreException e)
        {
            failed(e);
            return null;
        }
    }

    /// <summary>Everything pending.</summary>
    /// <exception cref="StoreException">Nothing was written; it stays pending.</exception>
    public void Write()
    {
        if (pending.Count == 0)
        {
            return;
        }

        store.Commit(pending);
        Clear();
    }

    private void Clear()
    {
        pending.Clear();
        blocked.Clear();
        HasIntent = false;
    }
}
