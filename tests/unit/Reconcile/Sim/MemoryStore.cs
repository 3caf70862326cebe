// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Claims;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>A store that outlives daemons, and may be full.</summary>
internal sealed class MemoryStore : IClaimStore
{
    private readonly Dictionary<ClaimId, Claim> claims = [];
    private readonly Dictionary<GuestId, DateTimeOffset> starts = [];
    private readonly HashSet<DeviceKey> shared = [];
    private readonly Dictionary<ClaimId, string> quarantined = [];
    private readonly Dictionary<DeviceId, string> labels = [];
    private readonly Dictionary<DeviceId, RememberedDevice> remembered = [];
    private readonly Dictionary<GuestId, string> names = [];

    private readonly Dictionary<PlugToken, StoredVerdict> verdicts = [];
    private readonly Dictionary<AnswerId, Answer> answers = [];

    private bool isNew = true;

    public bool IsFull { get; set; }

    /// <summary>Runs before each commit; may throw.</summary>
    public Action? Before { get; set; }

    public List<StoreChange.AppendAudit> Audit { get; } = [];

    public int Commits { get; private set; }

    /// <summary>How many rows were to be written, refused ones as well.</summary>
    public long Rows { get; private set; }

    /// <summary>The most at once.</summary>
    public int MostRows { get; private set; }

    public IReadOnlyDictionary<ClaimId, Claim> Claims => claims;

    public Claim? Find(ClaimId id) => claims.GetValueOrDefault(id);

    public AuditSlice ReadAudit(AuditTable table, AuditQuery query, long? before, int rows) => new([], null);

    public IStoreCopy BeginCopy() => new EmptyCopy();

    /// <summary>So many ended claims are loaded; for tests.</summary>
    public int MostEnded { get; set; } = int.MaxValue;

    public StoredState Load() => new()
    {
        IsNew = isNew,
        Claims = [.. claims.Values.Where(c => c.Released is null), .. claims.Values.Where(c => c.Released is not null).OrderByDescending(c => c.Released).Take(MostEnded)],
        GuestStarts = new Dictionary<GuestId, DateTimeOffset>(starts),
        Answers = [.. answers.Values],
        SharedSerials = [.. shared],
        Verdicts = [.. verdicts.Values],
        Quarantined = new Dictionary<ClaimId, string>(quarantined),
        Labels = new Dictionary<DeviceId, string>(labels),
        Devices = [.. remembered.Values],
        GuestNames = new Dictionary<GuestId, string>(names),
    };

    public void Commit(IReadOnlyList<StoreChange> changes)
    {
        Before?.Invoke();
        Rows += changes.Count;
        MostRows = Math.Max(MostRows, changes.Count);
        if (IsFull)
        {
            throw new StoreException("no space left on device", diskFull: true);
        }

        Commits++;
        foreach (var change in changes)
        {
            Take(change);
        }
    }

    /// <summary>Somebody deletes the database.</summary>
    public void Clear()
    {
        claims.Clear();
        starts.Clear();
        answers.Clear();
        shared.Clear();
        quarantined.Clear();
        labels.Clear();
        remembered.Clear();
        names.Clear();
        verdicts.Clear();
        Commits = 0;
        isNew = true;
    }

    /// <summary>Somebody puts back a copy from before this claim.</summary>
    public void Forget(ClaimId claim) => claims.Remove(claim);

    public void Dispose()
    {
    }

    private void Take(StoreChange change)
    {
        switch (change)
        {
            case StoreChange.PutClaim c:
                // As the table says it: a request of one owner makes one claim that stands.
                NUnit.Framework.Assert.That(
                    claims.Values.Where(o => o.Id != c.Claim.Id && o.Released is null && o.Owner == c.Claim.Owner && o.RequestId is not null).Select(o => o.RequestId),
                    NUnit.Framework.Does.Not.Contain(c.Claim.RequestId));
                claims[c.Claim.Id] = c.Claim;
                break;
            case StoreChange.DropClaim c:
                claims.Remove(c.Claim);
                break;
            case StoreChange.PutGuestStart c:
                starts[c.Guest] = c.Since;
                break;
            case StoreChange.DropGuestStart c:
                starts.Remove(c.Guest);
                break;
            case StoreChange.AdoptionDone:
                isNew = false;
                break;
            case StoreChange.PutAnswer c:
                answers[c.Answer.Id] = c.Answer with { Left = null, LeftPort = null };
                break;
            case StoreChange.DropAnswer c:
                answers.Remove(c.Answer);
                break;
            case StoreChange.RememberSerialShared c:
                _ = c.Shared ? shared.Add(c.Serial) : shared.Remove(c.Serial);
                break;
            case StoreChange.RememberQuarantine c:
                Set(quarantined, c.Claim, c.Reason);
                break;
            case StoreChange.RememberLabel c:
                Set(labels, c.Device, c.Label);
                break;
            case StoreChange.RememberDevice c:
                remembered[c.Device.Id] = c.Device;
                break;
            case StoreChange.ForgetDevice c:
                remembered.Remove(c.Device);
                break;
            case StoreChange.RememberGuest c:
                Set(names, c.Guest, c.Name);
                break;
            case StoreChange.RememberVerdict c:
                verdicts[c.Verdict.Plug] = c.Verdict;
                break;
            case StoreChange.ForgetVerdict c:
                verdicts.Remove(c.Plug);
                break;
            case StoreChange.AppendAudit c:
                Audit.Add(c);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(change), change, "a change that the store does not know");
        }
    }

    private static void Set<TKey>(Dictionary<TKey, string> map, TKey key, string? value)
        where TKey : notnull
    {
        if (value is null)
        {
            map.Remove(key);
        }
        else
        {
            map[key] = value;
        }
    }

    private sealed class EmptyCopy : IStoreCopy
    {
        public FileStream Step() => new(Path.GetTempFileName(), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.DeleteOnClose);

        public void Dispose()
        {
        }
    }
}
