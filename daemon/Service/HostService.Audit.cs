// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Daemon.Service;

/// <summary>What was done, and a copy of everything.</summary>
internal sealed partial class HostService
{
    private const int MostAuditLines = 1000;

    /// <summary>1 while a copy is being made.</summary>
    private int copying;

    public async ValueTask<ListAuditResponse> ListAuditAsync(Caller caller, ListAuditRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.ListAudit, cancellationToken, verb: "audit-list").ConfigureAwait(false);
        var (tables, query) = WireAudit.Query(request);
        var limit = request.Limit == 0 ? 100 : (int)Math.Min(request.Limit, MostAuditLines);
        try
        {
            var lines = await AuditReader.ReadAsync(loop, tables, query, limit + 1, cancellationToken).ConfigureAwait(false);
            var response = new ListAuditResponse { More = lines.Count > limit };
            response.Lines.AddRange(lines.Take(limit).Select(WireAudit.Line));
            return response;
        }
        catch (StoreException e)
        {
            throw Refusals.NotRead(e);
        }
    }

    public async ValueTask<FileStream> BackupAsync(Caller caller, BackupRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "backup";
        await EnterAsync(caller, UsbHostMethods.Backup, cancellationToken, verb: Verb).ConfigureAwait(false);
        var copy = await CopiedAsync(caller, Verb, cancellationToken).ConfigureAwait(false);
        try
        {
            await AskAsync(
                caller, Verb, "database", (_, now) => (new Decided([Audit(caller, now, Verb, "database", "ok", $"{copy.Length} bytes")], []), true), cancellationToken)
                .ConfigureAwait(false);
            return copy;
        }
        catch
        {
            await copy.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<FileStream> CopiedAsync(Caller caller, string verb, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Exchange(ref copying, 1) == 1)
            {
                throw new HostException(ErrorCode.ErrorTooMany, "another copy of the database is being made", "ask again when it is done");
            }

            try
            {
                return await CopyAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (StoreException e)
            {
                throw Refusals.NotRead(e);
            }
            finally
            {
                Volatile.Write(ref copying, 0);
            }
        }
        catch (HostException refused)
        {
            await AuditAsync(caller, verb, "database", refused, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Between two steps the loop does whatever else waits.</summary>
    private async Task<FileStream> CopyAsync(CancellationToken cancellationToken)
    {
        var copy = await loop.WithStoreAsync(store => store.BeginCopy()).ConfigureAwait(false);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (await loop.WithStoreAsync(_ => copy.Step()).ConfigureAwait(false) is { } file)
                {
                    return file;
                }
            }
        }
        finally
        {
            await EndAsync(copy).ConfigureAwait(false);
        }
    }

    private async Task EndAsync(IStoreCopy copy)
    {
        try
        {
            await loop.WithStoreAsync(_ =>
            {
                copy.Dispose();
                return true;
            }).ConfigureAwait(false);
        }
        catch (HostException)
        {
            // The daemon is stopping; its next start takes the file away.
        }
    }
}
