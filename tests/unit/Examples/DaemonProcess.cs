// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using NUnit.Framework;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Usb;

namespace UsbHostd.Tests.Examples;

/// <summary>The daemon itself, in a process of its own: on a host of files with a stick, on a bus of its own, without libvirt.</summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    /// <summary>"daemon" on every Debian: dbus-daemon takes only users that the host knows.</summary>
    private const string SomeUser = "1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeSysfs sysfs = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("usbhostd-daemon-");
    private readonly PrivateBus bus;
    private readonly StringBuilder said = new();
    private Process? process;

    private DaemonProcess(PrivateBus bus, string configuration)
    {
        this.bus = bus;
        sysfs.AddDevice(sysfs.AddRootHub("/devices/pci0000:00/0000:00:14.0", "pci", 1), 4, FakeUsbDevice.Stick("4C530001"));
        Directory.CreateDirectory($"{sysfs.Root}/dev/bus/usb/001");
        File.WriteAllText(At("rules.conf"), "allow\n");
        File.WriteAllText(At("usbhostd.conf"), $"""
            [daemon]
            state-directory = {folder.CreateSubdirectory("state").FullName}
            [api]
            socket = {At("api.sock")}
            socket-group =
            [roles]
            admin = user:{ProcessStatus.Ids(File.ReadAllLines("/proc/self/status"), "Uid:")[1]}
            [libvirt]
            uri = qemu+unix:///system?socket={At("no-libvirt.sock")}
            [policy]
            rules = {At("rules.conf")}
            rules-directory = {At("rules.d")}
            [paths]
            sysfs = {sysfs.Root}/sys
            proc = {sysfs.Root}/proc
            run = {sysfs.Root}/run
            dev = {sysfs.Root}/dev
            {configuration}
            """);
    }

    /// <summary>Where programs built for .NET find it, wherever it is installed.</summary>
    public static string DotnetRoot => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    public string Address => "unix:" + At("api.sock");

    public string BusAddress => bus.Address;

    /// <summary>What it has written until now.</summary>
    public string Said
    {
        get
        {
            lock (said)
            {
                return said.ToString();
            }
        }
    }

    /// <summary>Returns once it serves, on the bus too.</summary>
    public static async Task<DaemonProcess> StartAsync()
    {
        var daemon = new DaemonProcess(await PrivateBus.StartAsync(), "");
        await daemon.RunAsync([]);
        return await daemon.ServingAsync();
    }

    /// <summary>Under another user where the tests run as root, who listens on no TCP port.</summary>
    /// <param name="configuration">Further sections of its file.</param>
    /// <param name="folder">What these sections name, from now on that user's.</param>
    public static async Task<DaemonProcess> StartAsync(string configuration, string folder)
    {
        var daemon = new DaemonProcess(await PrivateBus.StartAsync(isForEverybody: true), configuration);
        await daemon.RunAsync(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", SomeUser, "--regid", SomeUser, "--clear-groups", "--"] : [], folder);
        return await daemon.ServingAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (process is { } running)
        {
            running.Kill();
            await running.WaitForExitAsync();
            running.Dispose();
        }

        await bus.DisposeAsync();
        sysfs.Dispose();
        folder.Delete(recursive: true);
    }

    private string At(string name) => Path.Combine(folder.FullName, name);

    private async Task<DaemonProcess> ServingAsync()
    {
        using var client = await BusClient.ConnectAsync(BusAddress);
        await client.AwaitNameAsync(UsbHostd.Daemon.Dbus.DbusOptions.BusName).WaitAsync(Patience);
        return this;
    }

    /// <param name="prefix">What runs the program; nothing for the tests' own user.</param>
    /// <param name="folders">Given to the other user, beside its own.</param>
    private async Task RunAsync(string[] prefix, params string[] folders)
    {
        using var notify = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(At("notify.sock")));
        string[] command = [.. prefix, Programs.Daemon, "--config", At("usbhostd.conf")];
        if (prefix.Length > 0)
        {
            await Tool.RunAsync("chown", ["-R", $"{SomeUser}:{SomeUser}", folder.FullName, sysfs.Root, .. folders]);
        }

        process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["NOTIFY_SOCKET"] = At("notify.sock"), ["DBUS_SYSTEM_BUS_ADDRESS"] = BusAddress, [Programs.Runtime.Name] = Programs.Runtime.Value },
        })!;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(Patience);
        var ended = process.WaitForExitAsync(patience.Token);
        var buffer = new byte[4096];
        var message = "";
        while (!message.Contains("READY=1", StringComparison.Ordinal))
        {
            var received = notify.ReceiveAsync(buffer, patience.Token).AsTask();
            if (await Task.WhenAny(received, ended) == ended)
            {
                Assert.Fail($"usbhostd ended, or was not ready in time: {Said}");
            }

            message = Encoding.UTF8.GetString(buffer, 0, await received);
        }
    }

    private void Keep(string? line)
    {
        lock (said)
        {
            said.AppendLine(line);
        }
    }
}
