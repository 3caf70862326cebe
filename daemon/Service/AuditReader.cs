// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Daemon.Service;

/// <summary>Reads the audit in short slices, between which the loop does its work, and puts the lines of its tables into one order.</summary>
internal static class AuditReader
{
    /// <summary>Rows that one slice looks at: about a millisecond.</summary>
    private const int RowsAtOnce = 1000;

    /// <summary>The newest lines that match, newest first.</summary>
    /// <exception cref="StoreException">They can't be read.</exception>
    public static async Task<List<StoreChange.AppendAudit>> ReadAsync(
        ReconcileLoop loop, ImmutableArray<AuditTable> tables, AuditQuery query, int most, CancellationToken cancellationToken)
    {
        var sources = tables.Select(table => new Source(loop, table, query)).ToList();
        var lines = new List<StoreChange.AppendAudit>();
        while (lines.Count < most)
        {
            Source? newest = null;
            foreach (var source in sources)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (await source.FillAsync(cancellationToken).ConfigureAwait(false) && (newest is null || source.Head.At > newest.Head.At))
                {
                    newest = source;
                }
            }

            if (newest is null)
            {
                break;
            }

            lines.Add(newest.Take());
        }

        return lines;
    }

    private sealed class Source(ReconcileLoop loop, AuditTable table, AuditQuery query)
    {
        private readonly Queue<StoreChange.AppendAudit> waiting = new();
        private long? next;
        private bool isBegun;

        public StoreChange.AppendAudit Head => waiting.Peek();

        public StoreChange.AppendAudit Take() => waiting.Dequeue();

        /// <summary>Whether there is a line.</summary>
        public async Task<bool> FillAsync(CancellationToken cancellationToken)
        {
            while (waiting.Count == 0 && (!isBegun || next is not null))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var slice = await loop.WithStoreAsync(store => store.ReadAudit(table, query, next, RowsAtOnce)).ConfigureAwait(false);
                (isBegun, next) = (true, slice.Next);
                foreach (var line in slice.Lines)
                {
                    waiting.Enqueue(line);
                }
            }

            return waiting.Count > 0;
        }
    }
}
