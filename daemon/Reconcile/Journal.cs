// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>
/// What is to be written. Intent is written before anything is given because of it, and kept until the disk takes it; memory rides
/// along or waits a moment. A later change takes the place of an earlier one that sets the same. While the disk refuses, the audit and
/// the memory that wait are bounded.
/// </summary>
internal sealed class Journal(IClaimStore store)
{
    /// <summary>So many lines of audit wait for a disk that refuses; the log has all of them.</summary>
    internal const int MostAudit = 1000;

    /// <summary>So much memory waits for a disk that refuses.</summary>
    internal const int MostMemory = 1000;

    private readonly List<StoreChange> pending = [];
    private readonly Dictionary<string, int> places = new(StringComparer.Ordinal);
    private readonly HashSet<ClaimId> blocked = [];
    private StoreChange.AppendAudit? lastLost;
    private int audits;
    private int memories;
    private int lost;

    public bool HasAny => pending.Count > 0;

    public bool HasIntent { get; private set; }

    /// <summary>Whether the disk refused the last write. Then nothing is written before somebody says so: each try is as much work as waits.</summary>
    public bool IsRefused { get; private set; }

    public IEnumerable<StoreChange.AppendAudit> Audit => pending.OfType<StoreChange.AppendAudit>();

    public void Add(IReadOnlyList<StoreChange> changes)
    {
        foreach (var change in changes)
        {
            Add(change);
        }
    }

    /// <summary>
    /// Whether an action gives something because of intent that is not durable yet. Taking a device away waits for nothing: at worst it
    /// is given again after a restart.
    /// </summary>
    public bool Blocks(HostAction action) => action is HostAction.AttachDevice attach && blocked.Contains(attach.Claim);

    /// <summary>These, and what was pending before them, or none; now.</summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    public void CommitNow(IReadOnlyList<StoreChange> changes)
    {
        store.Commit([.. Everything(), .. changes]);
        Clear();
        IsRefused = false;
    }

    /// <summary>Work with the store that writes no claim.</summary>
    public void Run(StoreRequest request) => request.Run(store);

    /// <summary>A claim of the database that memory does not have; null where there is none, or it can't be read.</summary>
    public Core.Claims.Claim? Find(ClaimId claim, Action<StoreException> failed)
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
    /// <exception cref="StoreException">Nothing was written; it stays pending, within bounds.</exception>
    public void Write()
    {
        if (pending.Count == 0)
        {
            return;
        }

        try
        {
            store.Commit(Everything());
        }
        catch (StoreException)
        {
            Refuse();
            throw;
        }

        Clear();
        IsRefused = false;
    }

    /// <summary>Bounds what waits from now on, and what waits already.</summary>
    private void Refuse()
    {
        if (IsRefused)
        {
            return;
        }

        IsRefused = true;
        var waiting = pending.ToList();
        Clear();
        Add(waiting);
    }

    private void Add(StoreChange change)
    {
        if (change is StoreChange.PutClaim put)
        {
            blocked.Add(put.Claim.Id);
        }

        if (change.Sets is { } name && places.TryGetValue(name, out var place))
        {
            HasIntent |= change.IsIntent;
            pending[place] = change;
            return;
        }

        if (HasRoom(change))
        {
            HasIntent |= change.IsIntent;
            audits += change is StoreChange.AppendAudit ? 1 : 0;
            memories += change.IsIntent ? 0 : 1;
            pending.Add(change);
            if (change.Sets is { } sets)
            {
                places[sets] = pending.Count - 1;
            }
        }
    }

    private bool HasRoom(StoreChange change)
    {
        if (!IsRefused)
        {
            return true;
        }

        if (change is StoreChange.AppendAudit audit)
        {
            if (audits < MostAudit)
            {
                return true;
            }

            (lost, lastLost) = (lost + 1, audit);
            return false;
        }

        return change.IsIntent || memories < MostMemory;
    }

    private List<StoreChange> Everything() => lastLost is null
        ? pending
        : [.. pending, new StoreChange.AppendAudit(lastLost.At, "usbhostd", "daemon", "audit", "audit", "lost", $"{lost} lines were not stored while nothing could be written; the log has them")];

    private void Clear()
    {
        pending.Clear();
        places.Clear();
        blocked.Clear();
        (audits, memories, lost, lastLost) = (0, 0, 0, null);
        HasIntent = false;
    }
}
