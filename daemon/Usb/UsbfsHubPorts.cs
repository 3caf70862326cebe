// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Systemd;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// Ports held over usbfs: USBDEVFS_CLAIM_PORT of include/uapi/linux/usbdevice_fs.h, one descriptor a port. The service manager keeps a
/// copy of each, so that a port stays held while this daemon is dead. Any thread may use it.
/// </summary>
internal sealed unsafe partial class UsbfsHubPorts : IHubPorts
{
    private const string Prefix = "port ";

    // _IOR('U', 24, unsigned int); letting go is closing.
    private const nuint ClaimPort = 0x80045518;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Node, int Port), SafeFileHandle> held = [];

    private readonly SystemdNotifier systemd;

    public UsbfsHubPorts(SystemdNotifier systemd)
    {
        this.systemd = systemd;
        foreach (var (name, descriptor) in SystemdNotifier.Kept())
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && name[Prefix.Length..].Split(' ') is [var node, var text]
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                held[(node, port)] = new SafeFileHandle(descriptor, ownsHandle: true);
            }
        }
    }

    public void Hold(string node, int port)
    {
        lock (gate)
        {
            // What was held of a hub that is gone must not stand for another that has its number now.
            Forget();
            if (held.ContainsKey((node, port)))
            {
                return;
            }

            var hub = LibC.Open(node, LibC.ReadWrite | LibC.CloseOnExec);
            var errno = hub.IsInvalid ? Marshal.GetLastPInvokeError() : Claim(hub, port);
            if (errno != 0)
            {
                hub.Dispose();
                throw new IOException(
                    $"port {port} of hub {node} can't be held: {Marshal.GetPInvokeErrorMessage(errno)}. Without that the host's drivers would "
                    + "take the device when its guest stops. Look who else holds it, and whether usbhostd may open the node");
            }

            held[(node, port)] = hub;
            systemd.Keep(hub, NameOf((node, port)));
        }
    }

    public void LetGo(string node, int port)
    {
        lock (gate)
        {
            Drop((node, port));
        }
    }

    public void LetGoOfAllBut(IReadOnlySet<string> nodes)
    {
        lock (gate)
        {
            foreach (var key in held.Keys.Where(k => !nodes.Contains(k.Node)).ToList())
            {
                Drop(key);
            }
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var hub in held.Values)
            {
                hub.Dispose();
            }

            held.Clear();
        }
    }

    /// <summary>Hubs that are gone, with the ports that were held.</summary>
    private void Forget()
    {
        foreach (var key in held.Where(h => Claim(h.Value, h.Key.Port) != LibC.Ebusy).Select(h => h.Key).ToList())
        {
            Drop(key);
        }
    }

    private void Drop((string Node, int Port) key)
    {
        if (held.Remove(key, out var hub))
        {
            systemd.Forget(NameOf(key));
            hub.Dispose();
        }
    }

    private static string NameOf((string Node, int Port) key) => $"{Prefix}{key.Node} {key.Port}";

    private static int Claim(SafeFileHandle hub, int port)
    {
        var number = (uint)port;
        return IoControl(hub, ClaimPort, &number) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoControl(SafeFileHandle file, nuint request, uint* argument);
}
