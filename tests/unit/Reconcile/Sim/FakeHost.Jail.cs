// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>What the kernel does with authorisation and with ports that are held.</summary>
internal sealed partial class FakeHost
{
    /// <summary>The one controller that the host has.</summary>
    public const string Controller = "0000:00:14.0";

    private readonly HashSet<string> heldPorts = new(StringComparer.Ordinal);

    /// <summary>Devices that a host driver took although their root hub authorises nothing.</summary>
    public List<string> Leaks { get; } = [];

    public IReadOnlySet<string> HeldPorts => heldPorts;

    /// <summary>Somebody writes 1 to authorized of its interfaces.</summary>
    public void AuthorizeByHand(FakeDevice device)
    {
        device.AreInterfacesAuthorized = true;
        Tell(device);
    }

    /// <summary>The guest chooses another configuration: the kernel makes new interfaces.</summary>
    public void ChooseConfiguration(FakeDevice device)
    {
        device.AreInterfacesAuthorized = !IsClosed(device);
        device.SetDrivers((_, _) => null);
        Tell(device);
    }

    /// <summary>A daemon that dies lets go of every port.</summary>
    public void LetGoOfPorts() => heldPorts.Clear();

    private void ApplyJail(UsbDevice seen, JailRole role)
    {
        Before?.Invoke("jail");
        if (devices.Find(d => d.Syspath == seen.Syspath) is not { } device)
        {
            throw new IOException("no such device");
        }

        Done.Add($"jail {role} {device.Name}");
        switch (role)
        {
            case JailRole.RootHub:
                device.AuthorizesInterfaces = false;
                break;
            case JailRole.Hub:
                heldPorts.Remove(device.Port!);
                (device.AreInterfacesAuthorized, device.IsConfigured) = (true, true);
                device.SetDrivers((_, _) => "hub");
                break;
            case JailRole.Confined:
                heldPorts.Remove(device.Port!);
                (device.AreInterfacesAuthorized, device.IsConfigured) = (false, true);
                device.SetDrivers((_, _) => null);
                break;
            case JailRole.Lent:
                heldPorts.Add(device.Port!);
                (device.AreInterfacesAuthorized, device.IsConfigured) = (true, true);
                break;
        }

        Tell(device);
        After?.Invoke("jail");
    }

    private bool IsClosed(FakeDevice device) =>
        !device.Port!.StartsWith('u') && devices.Exists(h => h.Port == $"usb{device.Port[0]}" && !h.AuthorizesInterfaces);

    private void ObeyRootHub(FakeDevice device)
    {
        if (!IsClosed(device))
        {
            return;
        }

        device.AreInterfacesAuthorized = false;
        device.SetDrivers((_, _) => null);
        device.IsConfigured = !heldPorts.Contains(device.Port!);
    }

    /// <summary>libusb gives the interfaces back to the kernel, which probes; elsewhere the daemon's own offer is what tests look at.</summary>
    private void HandBack(IEnumerable<FakeHostdev> left)
    {
        foreach (var device in left.Select(h => h.Device).OfType<FakeDevice>().Where(d => d.IsPlugged && IsClosed(d)))
        {
            if (device.AreInterfacesAuthorized && !heldPorts.Contains(device.Port!))
            {
                device.SetDrivers((d, i) => d ?? device.HostDrivers[i]);
            }

            Tell(device);
        }
    }

    private void NoteLeak(FakeDevice device)
    {
        if (!device.Class.Equals(Some.Hub().Class) && IsClosed(device) && device.Drivers.Any(d => d is not (null or UsbInterface.UsbfsDriver)))
        {
            Leaks.Add(device.Name);
        }
    }
}
