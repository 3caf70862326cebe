// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>A device of any identity, made by L1's own kernel (configfs on dummy_hcd or usbip-vudc): bus 5 + n, port 1.</summary>
public sealed class Gadget : IPlugged
{
    private static int s_count;
    private readonly HostVm _host;
    private readonly string _name;
    private bool _removed;
    private bool _in = true;

    private Gadget(HostVm host, string name)
    {
        (_host, _name) = (host, name);
        host.Plugged.Add(this);
    }

    /// <summary>The kernel's name of where it is: "5-1".</summary>
    public string PortPath { get; private set; } = "";

    /// <param name="host">L1.</param>
    /// <param name="id">"303a:1001".</param>
    /// <param name="serial">Null for a device without one.</param>
    /// <param name="controller">0 to 3 is a dummy controller; 4 is usbip-vudc, the only one that takes isochronous endpoints.</param>
    /// <param name="function">acm, ecm, mass_storage, hid or uac1.</param>
    /// <param name="product">Its name; null for one that is made up.</param>
    public static async Task<Gadget> PlugAsync(
        HostVm host, string id, string? serial, int controller, string function = "acm", string? product = null)
    {
        var gadget = new Gadget(host, $"g{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}") { PortPath = PathOf(controller) };
        var quoted = serial is null ? "-" : Quoted(serial);
        var name = product is null ? "" : $"GADGET_PRODUCT={Quoted(product)} ";
        await host.DoAsync($"{name}{Repository.Bed}/gadget add {gadget._name} {id.Replace(':', ' ')} {quoted} {controller} {function}").ConfigureAwait(false);
        await host.SysfsShowsAsync(gadget.PortPath).ConfigureAwait(false);
        return gadget;
    }

    bool IPlugged.IsIn => _in;

    public async Task PullAsync()
    {
        _in = false;
        await _host.DoAsync($"{Repository.Bed}/gadget unplug {_name}").ConfigureAwait(false);
        await _host.SysfsLosesAsync(PortPath).ConfigureAwait(false);
    }

    public async Task ReplugAsync(int controller)
    {
        PortPath = PathOf(controller);
        _in = true;
        await _host.DoAsync($"{Repository.Bed}/gadget plug {_name} {controller}").ConfigureAwait(false);
        await _host.SysfsShowsAsync(PortPath).ConfigureAwait(false);
    }

    public async Task RemoveAsync()
    {
        if (_removed)
        {
            return;
        }

        var wasIn = _in;
        (_removed, _in) = (true, false);
        await _host.DoAsync($"{Repository.Bed}/gadget del {_name}").ConfigureAwait(false);
        if (wasIn) // or another device may be in its port
        {
            await _host.SysfsLosesAsync(PortPath).ConfigureAwait(false);
        }
    }

    private static string Quoted(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string PathOf(int controller) => $"{5 + controller}-1";
}
