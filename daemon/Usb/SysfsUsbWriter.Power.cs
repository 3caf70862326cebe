// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using UsbHostd.Daemon.Linux;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Autosuspend (Documentation/driver-api/usb/power-management.rst): <c>power/control</c> is <c>auto</c> where the kernel may suspend an
/// idle device, and <c>on</c> where it may not.
/// </summary>
internal sealed partial class SysfsUsbWriter
{
    private const string On = "on";
    private const string Auto = "auto";

    private readonly Lock powering = new();

    /// <summary>Plugs whose setting an earlier daemon changed, and this one has to put back.</summary>
    /// <exception cref="IOException">What is remembered can't be read.</exception>
    public ImmutableHashSet<PlugToken> KeptAwake => [.. new PriorPower(options.Run).Read().Keys];

    /// <exception cref="IOException">The attribute can't be written, or what was there can't be remembered; the message names it.</exception>
    /// <inheritdoc/>
    public void KeepAwake(UsbDevice device, bool awake)
    {
        var attribute = $"{Folder(device)}/power/control";
        lock (powering)
        {
            var file = new PriorPower(options.Run);
            var prior = file.Read();
            if (awake)
            {
                if (Value(attribute) is Auto)
                {
                    // First remembered, then written: a daemon that dies between the two puts back what is there.
                    file.Write(StillThere(prior).SetItem(device.Plug, device.Syspath));
                    WriteOrThrow(attribute, On);
                    LogPower(attribute, On);
                }
            }
            else if (prior.ContainsKey(device.Plug))
            {
                WritePower(attribute);
                file.Write(StillThere(prior).Remove(device.Plug));
            }
        }
    }

    /// <summary>What somebody else has set meanwhile stays.</summary>
    private void WritePower(string attribute)
    {
        if (Value(attribute) is not On)
        {
            return;
        }

        var errno = SysfsFiles.Write(attribute, Auto);
        if (errno == 0)
        {
            LogPower(attribute, Auto);
        }
        else if (errno is not (LibC.Enoent or LibC.Enodev))
        {
            throw new IOException($"{attribute}: {Marshal.GetPInvokeErrorMessage(errno)}");
        }
    }

    private ImmutableDictionary<PlugToken, string> StillThere(ImmutableDictionary<PlugToken, string> prior) =>
        prior.RemoveRange(prior.Where(p => !Directory.Exists(options.Sysfs + p.Value)).Select(p => p.Key).ToList());

    [LoggerMessage(1124, LogLevel.Debug, "{Attribute} set to {Value}")]
    private partial void LogPower(string attribute, string value);
}
