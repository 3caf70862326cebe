// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// Earlier versions made the id of a device without a serial from its port alone. The row of such a device says its USB id, so the
/// row and its label get the id of today.
/// </summary>
internal static class EarlierDeviceIds
{
    /// <returns>The state with the ids of today, and the changes that bring the database to it; none where it has them already.</returns>
    public static (StoredState State, IReadOnlyList<StoreChange> Changes) Renew(StoredState read)
    {
        var devices = read.Devices.ToDictionary(d => d.Id);
        var labels = new Dictionary<DeviceId, string>(read.Labels);
        var changes = new List<StoreChange>();
        foreach (var old in read.Devices)
        {
            var id = DeviceId.Of(old.Key, old.UsbId);
            if (old.Id == id || old.Id != DeviceId.OfKey(old.Key))
            {
                continue;
            }

            devices.Remove(old.Id);
            changes.Add(new StoreChange.ForgetDevice(old.Id));
            if (devices.TryAdd(id, old with { Id = id }))
            {
                changes.Add(new StoreChange.RememberDevice(devices[id]));
            }

            if (labels.Remove(old.Id, out var label))
            {
                labels.TryAdd(id, label);
                changes.Add(new StoreChange.RememberLabel(old.Id, null));
                changes.Add(new StoreChange.RememberLabel(id, labels[id]));
            }
        }

        return (read with { Devices = [.. devices.Values], Labels = labels }, changes);
    }
}
