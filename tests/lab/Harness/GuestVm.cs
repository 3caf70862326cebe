// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace UsbHostd.Lab.Harness;

/// <summary>L2, a real guest. Its own console is the witness of what it has.</summary>
public sealed class GuestVm(HostVm host, string name, string shape = "")
{
    private const string UsbLine = @"^L2 \[[0-9.]+\] USB:";
    private readonly string _console = $"/run/lab/{name}.log";

    /// <summary>libvirt's name of it, which a rename changes.</summary>
    public string Name { get; private set; } = name;

    private bool HasSystem => !shape.Contains("--firmware", StringComparison.Ordinal);

    public async Task DefineAsync() =>
        await host.DoAsync($"{Repository.Bed}/domain {Name} {shape} >/run/lab/{Name}.xml && virsh -q define /run/lab/{Name}.xml").ConfigureAwait(false);

    /// <summary>Defines and starts it where it isn't, and waits for its operating system: a guest is kept from test to test.</summary>
    public async Task EnsureRunningAsync()
    {
        var state = await host.RunAsync($"virsh -q domstate {Name}").ConfigureAwait(false);
        if (state.ExitCode == 0 && state.Text.StartsWith("running", StringComparison.Ordinal))
        {
            return;
        }

        if (state.ExitCode != 0)
        {
            await DefineAsync().ConfigureAwait(false);
        }

        try
        {
            await StartAsync().ConfigureAwait(false);
        }
        catch (LabException) when (!host.IsLost)
        {
            // No test has begun: a guest that hangs while it boots is the bed's own, and is reset as anybody would.
            await host.RunAsync($"virsh -q destroy {Name}").ConfigureAwait(false);
            await StartAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Starts it (from its managed save, where there is one) and waits for its operating system.</summary>
    public async Task StartAsync()
    {
        var mark = await MarkAsync().ConfigureAwait(false);
        var saved = (await host.DoAsync($"virsh -q dominfo {Name}").ConfigureAwait(false)).Contains("Managed save:   yes", StringComparison.Ordinal);
        await host.DoAsync($"virsh -q start {Name}").ConfigureAwait(false);
        if (!saved)
        {
            await BootedAsync(mark).ConfigureAwait(false);
        }
    }

    public async Task BootedAsync(long since)
    {
        if (HasSystem)
        {
            await host.WaitLineAsync(_console, @"^L2 \[[0-9.]+\] READY", since, Within.Boot).ConfigureAwait(false);
        }
    }

    public Task DestroyAsync() => host.DoAsync($"virsh -q destroy {Name}");

    public Task UndefineAsync() => host.DoAsync($"virsh -q undefine {Name} --managed-save");

    /// <summary>Forgets it, whatever state it is in.</summary>
    public Task RemoveAsync() => host.RunAsync($"virsh -q destroy {Name}; virsh -q undefine {Name} --managed-save");

    public Task ManagedSaveAsync() => host.DoAsync($"virsh -q managedsave {Name}");

    public async Task RenameAsync(string newName)
    {
        await host.DoAsync($"virsh -q domrename {Name} {newName}").ConfigureAwait(false);
        Name = newName;
    }

    /// <summary>A reset from outside (the button): same QEMU, the operating system boots again.</summary>
    public async Task ResetAsync()
    {
        var mark = await MarkAsync().ConfigureAwait(false);
        await host.DoAsync($"virsh -q reset {Name}").ConfigureAwait(false);
        await BootedAsync(mark).ConfigureAwait(false);
    }

    /// <summary>A reboot that the guest's own kernel does.</summary>
    public async Task RebootAsync()
    {
        var mark = await MarkAsync().ConfigureAwait(false);
        await host.DoAsync($"virsh -q send-key {Name} KEY_LEFTALT KEY_SYSRQ KEY_B").ConfigureAwait(false);
        await BootedAsync(mark).ConfigureAwait(false);
    }

    /// <summary>SIGKILL to its QEMU.</summary>
    public async Task KillQemuAsync()
    {
        await host.DoAsync($"pid=$(cat /run/libvirt/qemu/{Name}.pid); kill -KILL $pid; tail --pid=$pid -s 0.05 -f /dev/null").ConfigureAwait(false);
    }

    /// <summary>The present end of its console; see <see cref="SeesAsync"/>.</summary>
    public Task<long> MarkAsync() => host.MarkAsync(_console);

    /// <summary>
    /// Waits until the guest lists a device ("46f4:0001:SER-A"; a device without a serial "46f4:0001:") with a driver of its own bound to it.
    /// With <paramref name="since"/>, what it said before that mark does not count.
    /// </summary>
    public Task<string> SeesAsync(string device, long since = 0, TimeSpan? within = null) =>
        host.WaitLineAsync(_console, $@"={Regex.Escape(device)}\([^)]", since, within ?? Within.Moments, UsbLine);

    /// <summary>Waits until the guest's list lacks it. An idle guest does not notice a pull: something must have told it.</summary>
    public Task<string> NoLongerSeesAsync(string device, long since = 0, TimeSpan? within = null) =>
        host.WaitLineAsync(_console, $@"USB:(?!.*={Regex.Escape(device)}\()", since, within ?? Within.Moments, UsbLine);

    /// <summary>Waits until the guest has read a disk's first bytes, and gives the line.</summary>
    public Task<string> ReadsDiskAsync(string label, long since = 0) =>
        host.WaitLineAsync(_console, "DISK:.* head=" + Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(label)), since, Within.Moments);

    /// <summary>What its console has shown since a mark.</summary>
    public Task<string> SaidAsync(long since) => host.DoAsync($"tail -c +{since + 1} {_console}");

    /// <summary>What its list says now.</summary>
    public async Task<string> UsbListAsync() =>
        await host.WaitLineAsync(_console, UsbLine, 0, Within.Moments, UsbLine).ConfigureAwait(false);

    public async Task<XElement> LiveXmlAsync() => XElement.Parse(await host.DoAsync($"virsh -q dumpxml {Name}").ConfigureAwait(false));

    public async Task<XElement> PersistentXmlAsync() => XElement.Parse(await host.DoAsync($"virsh -q dumpxml --inactive {Name}").ConfigureAwait(false));

    /// <summary>The USB hostdevs of its live XML.</summary>
    public async Task<IReadOnlyList<XElement>> HostdevsAsync() => [.. (await LiveXmlAsync().ConfigureAwait(false)).Descendants("hostdev")];

    /// <summary>Waits until libvirt's own note of the guest has no hostdev with this text in it; a guest that does not run has none.</summary>
    public Task NoLongerHoldsAsync(string text = "<hostdev ") =>
        host.WaitValueAsync($"/run/libvirt/qemu/{Name}.xml", $@"(?s)\A(?!.*{Regex.Escape(text)})");

    /// <summary>virsh attach-device, as an administrator would by hand; the output tells whether it worked.</summary>
    public Task<Output> AttachByHandAsync(string portPath, string alias = "") =>
        host.RunAsync($"""
            cd /sys/bus/usb/devices/{portPath} && read bus <busnum && read dev <devnum || exit 9
            echo "<hostdev mode='subsystem' type='usb'><source><address bus='$bus' device='$dev'/></source>{alias}</hostdev>" >/run/lab/{Name}-hand.xml
            virsh -q attach-device {Name} /run/lab/{Name}-hand.xml --live
            """);

    /// <summary>virsh detach-device of every hostdev it has.</summary>
    public async Task DetachAllByHandAsync()
    {
        foreach (var hostdev in await HostdevsAsync().ConfigureAwait(false))
        {
            hostdev.Element("source")?.Attribute("missing")?.Remove();
            await host.DoAsync($"""
                cat >/run/lab/detach.xml <<'XML'
                {hostdev.ToString(SaveOptions.DisableFormatting)}
                XML
                virsh -q detach-device {Name} /run/lab/detach.xml --live
                """).ConfigureAwait(false);
        }
    }
}
