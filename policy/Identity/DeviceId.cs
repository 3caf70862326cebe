// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary>
/// <c>d</c> and 12 lower-case base32 digits of a hash of a device's key and USB id, for example <c>dmzxw6ytboi2e</c>. Legal in D-Bus
/// paths, libvirt aliases and Kubernetes names.
/// </summary>
public readonly record struct DeviceId : IComparable<DeviceId>
{
    private readonly string? text;

    private DeviceId(string text) => this.text = text;

    /// <summary>A key by serial contains the USB id already. With a key by port, the next device in that port has another id.</summary>
    public static DeviceId Of(DeviceKey key, UsbId id) =>
        key.Kind == FollowKind.Serial ? OfKey(key) : new(Base32.NameOf('d', $"{key.Text}\n{id}"));

    /// <summary>The id as versions before made it: of the key alone. It is read from old databases only.</summary>
    public static DeviceId OfKey(DeviceKey key) => new(Base32.NameOf('d', key.Text));

    public static bool TryParse([NotNullWhen(true)] string? text, out DeviceId id)
    {
        var ok = Base32.IsName('d', text);
        id = ok ? new DeviceId(text!) : default;
        return ok;
    }

    public int CompareTo(DeviceId other) => string.CompareOrdinal(text, other.text);

    public override string ToString() => text ?? "";

    public static bool operator <(DeviceId left, DeviceId right) => left.CompareTo(right) < 0;

    public static bool operator >(DeviceId left, DeviceId right) => left.CompareTo(right) > 0;

    public static bool operator <=(DeviceId left, DeviceId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(DeviceId left, DeviceId right) => left.CompareTo(right) >= 0;
}
