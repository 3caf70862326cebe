// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary>
/// One plugging-in of one device: <c>p</c> and 12 base32 digits of a hash of boot id, syspath and udev's
/// <c>USEC_INITIALIZED</c>. It differs after every re-plug, also where the kernel gives the same numbers again.
/// </summary>
public readonly record struct PlugToken
{
    private readonly string? text;

    private PlugToken(string text) => this.text = text;

    /// <param name="bootId">/proc/sys/kernel/random/boot_id.</param>
    /// <param name="syspath">Below the sysfs root, for example <c>/devices/pci0000:00/0000:00:14.0/usb1/1-4</c>.</param>
    /// <param name="usecInitialized">Microseconds of CLOCK_MONOTONIC when udev had run its rules (udev_device property).</param>
    public static PlugToken Of(string bootId, string syspath, ulong usecInitialized) =>
        new(Base32.NameOf('p', $"{bootId}\n{syspath}\n{usecInitialized}"));

    public static bool TryParse([NotNullWhen(true)] string? text, out PlugToken token)
    {
        var ok = Base32.IsName('p', text);
        token = ok ? new PlugToken(text!) : default;
        return ok;
    }

    public override string ToString() => text ?? "";
}
