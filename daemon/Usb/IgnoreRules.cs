// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// The text of the rules file that makes programs of the host leave claimed devices alone (udev(7)). udisks reads
/// <c>UDISKS_IGNORE</c> from udev's database of the block device; its own rules (80-udisks2.rules) only ever set it, so any earlier
/// number will do. ModemManager reads <c>ID_MM_DEVICE_IGNORE</c> from the port and from the USB device (its manual, "Modem filter";
/// before 1.12 from the USB device alone), and <c>ID_MM_PORT_IGNORE</c> from the port. NetworkManager reads <c>NM_UNMANAGED</c> from
/// the network interface (NetworkManager.conf(5)).
/// </summary>
internal static class IgnoreRules
{
    public const string FileName = "61-usbhostd.rules";

    // What an event is about, and what is said of it.
    private static readonly (string Match, string Set)[] Says =
    [
        ("SUBSYSTEM==\"block\"", "ENV{UDISKS_IGNORE}=\"1\""),
        ("SUBSYSTEM==\"usb|tty|usbmisc|wwan|net\"", "ENV{ID_MM_DEVICE_IGNORE}=\"1\", ENV{ID_MM_PORT_IGNORE}=\"1\""),
        ("SUBSYSTEM==\"net\"", "ENV{NM_UNMANAGED}=\"1\""),
    ];

    /// <summary>Three lines a rule. All parent matches of a line hold for one and the same parent, which is the USB device.</summary>
    public static string Write(ImmutableArray<IgnoreRule> rules)
    {
        var text = new StringBuilder("# Written by usbhostd: devices that are claimed for guests. Changes are lost.\n");
        foreach (var rule in rules)
        {
            foreach (var line in LinesOf(rule))
            {
                text.Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>The rules in a text of ours.</summary>
    public static IReadOnlySet<string> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith('#')).ToHashSet(StringComparer.Ordinal);

    /// <summary>The rules that are meant for a device, whether or not there are such.</summary>
    public static IReadOnlyList<string> LinesOf(UsbDevice device) =>
    [
        .. new[] { new IgnoreRule(device.UsbId, device.Serial, null), new IgnoreRule(device.UsbId, null, device.PortKey) }
            .SelectMany(LinesOf),
    ];

    private static IEnumerable<string> LinesOf(IgnoreRule rule) =>
        (rule.Serial is { } serial ? SerialMatch(serial) : PortMatch(rule.PortKey)) is { } match
            ? Says.Select(s => $"{s.Match}, SUBSYSTEMS==\"usb\", ATTRS{{idVendor}}==\"{rule.UsbId.Vendor:x4}\", ATTRS{{idProduct}}==\"{rule.UsbId.Product:x4}\", {match}, {s.Set}")
            : [];

    private static string SerialMatch(string serial) => $"ATTRS{{serial}}==\"{Pattern(serial)}\"";

    /// <summary>
    /// By what does not change while the machine runs: the controller's name in the path, the chain of ports in the kernel's
    /// name, and the half by speed. Bus numbers may change when a driver is loaded anew.
    /// </summary>
    private static string? PortMatch(DeviceKey? key)
    {
        // "port pci 0000:00:14.0 usb2 4.2"
        if (key is not { Kind: FollowKind.Port } || key.Text.Split(' ') is not [_, _, var controller, var half, { Length: > 0 } chain])
        {
            return null;
        }

        var speeds = half is "usb3" ? "5000|10000|20000" : "1.5|12|480";
        return $"DEVPATH==\"*/{Pattern(controller)}/usb*\", KERNELS==\"*-{Pattern(chain)}\", ATTRS{{speed}}==\"{speeds}\"";
    }

    /// <summary>
    /// A glob that matches <paramref name="text"/> and cannot end the quoted value, whatever the text: only letters, digits, dot,
    /// hyphen, underscore and colon stand for themselves. Any other character becomes <c>?*</c>, as it may be several bytes.
    /// </summary>
    public static string Pattern(string text)
    {
        var pattern = new StringBuilder(text.Length + 8);
        // udev takes blanks off the end of an attribute before it compares.
        var end = text.AsSpan().TrimEnd().Length;
        var cut = text.IndexOf('\0', StringComparison.Ordinal);
        var shown = cut >= 0 ? Math.Min(cut, end) : end;
        for (var i = 0; i < shown; i++)
        {
            var c = text[i];
            if (char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':')
            {
                pattern.Append(c);
            }
            else if (!char.IsLowSurrogate(c))
            {
                pattern.Append("?*");
            }
        }

        if (shown < text.Length || text.Length >= UsbDeviceReader.MostCharacters)
        {
            pattern.Append('*');
        }

        return pattern.ToString();
    }
}
