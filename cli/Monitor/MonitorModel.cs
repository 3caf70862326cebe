// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using Type = UsbHostd.Api.V1.WatchEvent.Types.Type;

namespace UsbHostd.Cli.Monitor;

/// <summary>What a watch has told so far.</summary>
internal sealed class MonitorModel
{
    private Objects told = new();

    // Told since a snapshot began; what was told before is shown until it is complete, so that a resync is not seen.
    private Objects? begun = new();

    /// <summary>Of the daemon; empty while it is not known.</summary>
    public string Version { get; set; } = "";

    /// <summary>Why there is no connection; empty while there is one.</summary>
    public string Failure { get; set; } = "";

    public IReadOnlyCollection<Guest> Guests => told.Guests.Values;

    public IReadOnlyCollection<Claim> Claims => told.Claims.Values;

    public IEnumerable<Device> Devices => told.Devices.Values.Where(device => !device.Hub);

    /// <summary>A watch that begins anew begins with a snapshot.</summary>
    public void Begin() => begun = new Objects();

    public void Take(WatchEvent change)
    {
        switch (change.Type)
        {
            case Type.Resync:
                Begin();
                break;
            case Type.SnapshotEnd:
                (told, begun) = (begun ?? told, null);
                break;
            default:
                (begun ?? told).Take(change);
                break;
        }
    }

    /// <summary>A row for each device, and one for each claim whose device is not there.</summary>
    public IEnumerable<MonitorRow> Rows()
    {
        var shown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var device in Devices)
        {
            var claim = told.Claims.GetValueOrDefault(device.ClaimId);
            shown.Add(device.ClaimId);
            yield return MonitorRow.Of(device, claim);
        }

        foreach (var claim in told.Claims.Values.Where(claim => !shown.Contains(claim.Id)))
        {
            yield return MonitorRow.Of(claim);
        }
    }

    private sealed class Objects
    {
        public Dictionary<string, Device> Devices { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Claim> Claims { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Guest> Guests { get; } = new(StringComparer.Ordinal);

        public void Take(WatchEvent change)
        {
            var isGone = change.Type == Type.Removed;
            switch (change.ObjectCase)
            {
                case WatchEvent.ObjectOneofCase.Device:
                    Put(Devices, change.Device.Id + change.Device.Port, change.Device, isGone);
                    break;
                case WatchEvent.ObjectOneofCase.Claim:
                    Put(Claims, change.Claim.Id, change.Claim, isGone || change.Claim.Phase == Phase.Released);
                    break;
                case WatchEvent.ObjectOneofCase.Guest:
                    Put(Guests, change.Guest.Uuid + change.Guest.Name, change.Guest, isGone);
                    break;
            }
        }

        private static void Put<T>(Dictionary<string, T> objects, string key, T value, bool isGone)
        {
            if (isGone)
            {
                objects.Remove(key);
            }
            else
            {
                objects[key] = value;
            }
        }
    }
}
