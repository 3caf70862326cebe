// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Google.Protobuf.Reflection;
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Tells one peer of changes, by signals to it alone: what it may see is for the service to say, and a broadcast would tell everybody.
/// The next change is asked for when the last one is on its way. A peer that does not read has the bus keep its signals, and lose those that are
/// too many, which nobody is told: so after some it is asked whether it has read them, and is sent none until it answers. Meanwhile changes wait
/// with the service, which bounds them and has the peer told anew.
/// </summary>
internal sealed class PeerWatch(
    BusConnection connection, string peer, IAsyncEnumerator<WatchEvent> events, PeerReading reading, CancellationTokenSource cancel)
{
    /// <summary>Signals that a peer may leave unread.</summary>
    internal const int MostUnread = 64;

    private readonly Lock gate = new();
    private Dictionary<string, IMessage> known = new(StringComparer.Ordinal);
    private HashSet<string>? snapshot;
    private volatile bool over;
    private int unread;

    public bool IsOver => over;

    /// <summary>May come at any time, also after its end.</summary>
    public void Stop()
    {
        lock (gate)
        {
            if (!over)
            {
                _ = cancel.CancelAsync();
            }
        }
    }

    /// <summary>Reads what is there, and tells it nobody.</summary>
    /// <returns>By path. Not changed later.</returns>
    public async Task<IReadOnlyDictionary<string, IMessage>> ReadSnapshotAsync()
    {
        while (await events.MoveNextAsync().ConfigureAwait(false) && events.Current is { Type: not WatchEvent.Types.Type.SnapshotEnd } e)
        {
            if (Of(e) is var (path, _, thing))
            {
                known[path] = thing;
            }
        }

        var there = known;
        known = new Dictionary<string, IMessage>(known, StringComparer.Ordinal);
        return there;
    }

    /// <summary>Until the peer or the bus is gone, the peer does not read, or it is stopped.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (await events.MoveNextAsync().ConfigureAwait(false))
            {
                await TakeAsync(events.Current).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or BusException)
        {
            // Nobody is there to be told.
        }
        finally
        {
            await EndAsync().ConfigureAwait(false);
        }
    }

    public async Task EndAsync()
    {
        lock (gate)
        {
            over = true;
        }

        await events.DisposeAsync().ConfigureAwait(false);
        cancel.Dispose();
    }

    private static (string Path, string Interface, IMessage Object)? Of(WatchEvent e) => e.ObjectCase switch
    {
        WatchEvent.ObjectOneofCase.Device => (ObjectPaths.OfDevice(e.Device.Id), DbusDoor.DeviceInterface, e.Device),
        WatchEvent.ObjectOneofCase.Claim => (ObjectPaths.OfClaim(e.Claim.Id), DbusDoor.ClaimInterface, e.Claim),
        WatchEvent.ObjectOneofCase.Guest => (ObjectPaths.OfGuest(e.Guest.Uuid), DbusDoor.GuestInterface, e.Guest),
        _ => null,
    };

    private async Task TakeAsync(WatchEvent e)
    {
        switch (e.Type)
        {
            case WatchEvent.Types.Type.Resync:
                snapshot = new HashSet<string>(StringComparer.Ordinal);
                break;
            case WatchEvent.Types.Type.SnapshotEnd:
                foreach (var (path, lost) in known.Where(k => snapshot?.Contains(k.Key) == false).ToList())
                {
                    await RemoveAsync(path, DbusDoor.InterfaceOf(lost)).ConfigureAwait(false);
                }

                snapshot = null;
                break;
            case WatchEvent.Types.Type.Removed when Of(e) is var (path, @interface, _):
                await RemoveAsync(path, @interface).ConfigureAwait(false);
                break;
            default:
                await PutAsync(e).ConfigureAwait(false);
                break;
        }
    }

    private async Task PutAsync(WatchEvent e)
    {
        if (Of(e) is not var (path, @interface, thing))
        {
            return;
        }

        snapshot?.Add(path);
        var ended = e.Claim is { Phase: Phase.Released };
        if (known.TryGetValue(path, out var before))
        {
            known[path] = thing;
            await ChangeAsync(path, @interface, thing, ProtoFields.Differences(before, thing)).ConfigureAwait(false);
        }
        else if (!ended)
        {
            known[path] = thing;
            await SignalAsync(ObjectPaths.Root, DbusDoor.ObjectManagerInterface, "InterfacesAdded", "oa{sa{sv}}", (ref to) =>
            {
                to.WriteObjectPath(path);
                DbusDoor.WriteInterfaces(ref to, thing);
            }).ConfigureAwait(false);
        }

        if (ended)
        {
            await RemoveAsync(path, @interface).ConfigureAwait(false);
        }
    }

    private async Task ChangeAsync(string path, string @interface, IMessage thing, List<FieldDescriptor> differences)
    {
        if (differences.Count > 0)
        {
            await SignalAsync(path, DbusDoor.PropertiesInterface, "PropertiesChanged", "sa{sv}as", (ref to) =>
            {
                to.Text(@interface);
                ProtoFields.Write(ref to, thing, differences);
                to.WriteArray(Array.Empty<string>());
            }).ConfigureAwait(false);
        }
    }

    private async Task RemoveAsync(string path, string @interface)
    {
        if (known.Remove(path))
        {
            await SignalAsync(ObjectPaths.Root, DbusDoor.ObjectManagerInterface, "InterfacesRemoved", "oas", (ref to) =>
            {
                to.WriteObjectPath(path);
                to.WriteArray((string[])[@interface]);
            }).ConfigureAwait(false);
        }
    }

    private async Task SignalAsync(string path, string @interface, string member, string signature, BodyWriter write)
    {
        await connection.SignalAsync(peer, path, @interface, member, signature, write, cancel.Token).ConfigureAwait(false);
        if (++unread >= MostUnread)
        {
            unread = 0;
            if (!await reading.AwaitAsync(connection, peer, cancel.Token).ConfigureAwait(false))
            {
                throw new OperationCanceledException("the peer does not read");
            }
        }
    }
}
