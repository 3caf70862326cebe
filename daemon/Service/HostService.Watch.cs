// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

internal sealed partial class HostService
{
    public async IAsyncEnumerable<WatchEvent> Watch(Caller caller, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.Watch, cancellationToken).ConfigureAwait(false);
        using var counted = await AuditedAsync(caller, "Watch", request.ClaimId, () => limits.Watch(caller), cancellationToken).ConfigureAwait(false);
        if (request.ClaimId.Length > 0)
        {
            OneClaim(feed.Current, grant, request.ClaimId);
        }

        var view = new WatchView(grant, request, feed.Epoch);

        // Subscribed before the snapshot is taken, so that no change falls between.
        var resumes = view.TryResume(request.ResumeToken, out var after);
        using var changes = resumes ? feed.Subscribe(after) : feed.Subscribe();
        if (changes.Resumed is { } from)
        {
            yield return view.Resume(from, time.GetUtcNow());
        }
        else
        {
            if (request.ResumeToken.Length > 0)
            {
                yield return WatchView.Event(WatchEvent.Types.Type.Resync, time.GetUtcNow());
            }

            foreach (var e in view.Snapshot(feed.Latest, time.GetUtcNow()))
            {
                yield return e;
            }
        }

        while (true)
        {
            var change = await changes.NextAsync(cancellationToken).ConfigureAwait(false);
            if (change?.Sequence <= view.Told)
            {
                continue;
            }

            if (change is not null && !view.IsStaleBy(change))
            {
                foreach (var e in view.Changes(change))
                {
                    yield return e;
                }

                continue;
            }

            yield return WatchView.Event(WatchEvent.Types.Type.Resync, time.GetUtcNow());
            foreach (var e in view.Snapshot(feed.Latest, time.GetUtcNow()))
            {
                yield return e;
            }
        }
    }
}
