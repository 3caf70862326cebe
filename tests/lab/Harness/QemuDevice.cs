// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace UsbHostd.Lab.Harness;

/// <summary>
/// One of L1's physical ports: <c>x0.5</c> is port 5 of the first controller. A SuperSpeed device shows there as 2-5, any other as 1-5;
/// on x1 as 4-5 and 3-5. Port 1 of x0 holds the host's keyboard.
/// </summary>
public readonly record struct HostPort(int Controller, string Port)
{
    public static HostPort Parse(string text) => new(text[1] - '0', text[3..]);

    public string Sysfs(bool superSpeed) => $"{(Controller * 2) + (superSpeed ? 2 : 1)}-{Port}";
}

/// <summary>A device of QEMU's in L1: plugged, pulled, and plugged into another port at will.</summary>
public sealed class QemuDevice : IPlugged
{
    private static int s_count;
    private readonly HostVm _host;
    private readonly string _driver;
    private readonly JsonObject _properties;
    private readonly bool _superSpeed;
    private string? _id;
    private HostPort _port;

    private QemuDevice(HostVm host, string driver, JsonObject properties, bool superSpeed)
    {
        (_host, _driver, _properties, _superSpeed) = (host, driver, properties, superSpeed);
        host.Plugged.Add(this);
    }

    /// <summary>The kernel's name of where it is, or last was: "2-5".</summary>
    public string PortPath => _port.Sysfs(_superSpeed);

    /// <summary>A mass-storage stick, 46f4:0001. Its first 16 bytes are <paramref name="label"/>, which a guest prints of it.</summary>
    public static async Task<QemuDevice> StickAsync(HostVm host, string? serial, string label = "usbhostd-lab----")
    {
        var node = $"stick{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        var image = Path.Combine(host.RunFolder, node + ".img");
        await using (var file = File.Create(image))
        {
            await file.WriteAsync(System.Text.Encoding.ASCII.GetBytes(label)).ConfigureAwait(false);
            file.SetLength(8 << 20);
        }

        await host.Qmp.ExecuteAsync("blockdev-add", new JsonObject { ["driver"] = "file", ["node-name"] = node, ["filename"] = image }).ConfigureAwait(false);
        var properties = new JsonObject { ["drive"] = node };
        if (serial is not null)
        {
            properties["serial"] = serial;
        }

        return new QemuDevice(host, "usb-storage", properties, superSpeed: true);
    }

    public static QemuDevice Keyboard(HostVm host) => new(host, "usb-kbd", [], superSpeed: false);

    public static QemuDevice Hub(HostVm host) => new(host, "usb-hub", [], superSpeed: false);

    /// <summary>Plugs it in ("x0.5", or "x0.5.2" behind a hub) and waits until the kernel shows it.</summary>
    public async Task<QemuDevice> PlugAsync(string port)
    {
        _port = HostPort.Parse(port);
        _id = $"lab{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        var arguments = _properties.DeepClone().AsObject();
        arguments["driver"] = _driver;
        arguments["id"] = _id;
        arguments["bus"] = $"x{_port.Controller}.0";
        arguments["port"] = _port.Port;
        await _host.Qmp.ExecuteAsync("device_add", arguments).ConfigureAwait(false);
        await _host.SysfsShowsAsync(PortPath).ConfigureAwait(false);
        return this;
    }

    /// <summary>Pulls it and waits until the kernel has dropped it.</summary>
    public async Task PullAsync()
    {
        if (_id is { } id)
        {
            _id = null;
            await _host.Qmp.DeleteDeviceAsync(id).ConfigureAwait(false);
            await _host.SysfsLosesAsync(PortPath).ConfigureAwait(false);
        }
    }

    /// <summary>The device number it has now.</summary>
    public async Task<int> DeviceNumberAsync() =>
        int.Parse(await _host.DoAsync($"cat /sys/bus/usb/devices/{PortPath}/devnum").ConfigureAwait(false), provider: null);

    bool IPlugged.IsIn => _id is not null;

    Task IPlugged.RemoveAsync() => PullAsync();
}
