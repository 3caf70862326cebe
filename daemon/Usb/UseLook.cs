// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>Looks for who holds a device, and tells the loop what was found. Never called on the loop: a look may take tens of milliseconds.</summary>
internal sealed class UseLook(IUsbWriter writer, Func<HostState> state, ChannelWriter<HostEvent> events, TimeProvider time)
{
    private const int MostRemembered = 256;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<PlugToken, (long Began, Task<ImmutableArray<HostUse>> Found)> asked = new();

    /// <summary>Gets the look off the caller's thread; a test does it at once.</summary>
    internal Func<Func<ImmutableArray<HostUse>>, Task<ImmutableArray<HostUse>>> Offload { get; init; } = Task.Run;

    /// <summary>Looks now: for an attach, which must not rely on what was.</summary>
    public ImmutableArray<HostUse> Look(UsbDevice device)
    {
        var known = state();
        var found = writer.FindUses(device, [.. known.Guests.Values]);
        var told = asked.TryGetValue(device.Plug, out var before) && before.Found is { IsCompletedSuccessfully: true, Result.IsEmpty: false };
        if (!found.IsEmpty || told || known.FoundUses.ContainsKey(device.Syspath))
        {
            events.TryWrite(new HostEvent.UsesFound(device.Syspath, device.Plug, found));
        }

        return found;
    }

    /// <summary>For whoever asks: many questions within a second are one look at this plug.</summary>
    public Task<ImmutableArray<HostUse>> LookAsync(UsbDevice device, CancellationToken cancellation)
    {
        if (asked.TryGetValue(device.Plug, out var last) && time.GetElapsedTime(last.Began) < Fresh)
        {
            return last.Found.WaitAsync(cancellation);
        }

        if (asked.Count >= MostRemembered)
        {
            asked.Clear();
        }

        var began = time.GetTimestamp();
        var found = Offload(() => Look(device));
        asked[device.Plug] = (began, found);
        return found.WaitAsync(cancellation);
    }
}
