// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Usb;

namespace UsbHostd.Tests.Systemd;

/// <summary>The daemon lets callers in, and says that it is ready, once it knows the devices. The host takes long to tell of one.</summary>
[TestFixture]
internal sealed class ReadinessTests
{
    private const int ReadyId = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private RecordedLog log = null!;
    private FakeSysfs sysfs = null!;
    private string attribute = null!;
    private ILoggerFactory loggers = null!;
    private ApplicationLifetime lifetime = null!;
    private DaemonHost daemon = null!;
    private FileStream? asked;

    private string Socket => $"{sysfs.Root}/api.sock";

    [SetUp]
    public async Task SetUpAsync()
    {
        log = new RecordedLog();
        sysfs = new FakeSysfs();
        var device = sysfs.AddDevice(sysfs.AddRootHub("/devices/pci0000:00/0000:00:14.0", "pci", 1), 4, FakeUsbDevice.Stick("4C530001"));
        Directory.CreateDirectory($"{sysfs.Root}/dev/bus/usb/001");
        attribute = $"{sysfs.Root}/sys{device}/manufacturer";
        File.Delete(attribute);
        await Tool.RunAsync("mkfifo", attribute);
        Directory.CreateDirectory($"{sysfs.Root}/state");
        await File.WriteAllTextAsync($"{sysfs.Root}/rules.conf", "allow\n");
        loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        daemon = new DaemonHost(
            new DaemonConfiguration
            {
                StateDirectory = $"{sysfs.Root}/state",
                LibvirtUri = $"qemu+unix:///system?socket={sysfs.Root}/no-libvirt.sock",
                Api = new GrpcOptions { SocketPath = Socket },
                Dbus = new DbusOptions { Enabled = false },
                Roles = new RoleOptions { Viewers = [new Principal(PrincipalKind.User, $"{ProcessStatus.Ids(File.ReadAllLines("/proc/self/status"), "Uid:")[1]}")] },
                Rules = new RulesOptions { File = $"{sysfs.Root}/rules.conf", Folder = $"{sysfs.Root}/rules.d" },
                Usb = sysfs.Options,
            },
            loggers, lifetime);
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await TellAsync();
        await daemon.StopAsync(CancellationToken.None);
        daemon.Dispose();
        loggers.Dispose();
        log.Dispose();
        sysfs.Dispose();
    }

    [Test]
    public async Task Start_WhileDevicesAreRead_LetsNobodyInAndIsNotReady()
    {
        var starting = daemon.StartAsync(CancellationToken.None);
        await AskedAsync();

        Assert.That((starting.IsCompleted, File.Exists(Socket), IsReady), Is.EqualTo((false, false, false)));
        await TellAsync();
        await starting.WaitAsync(Patience);
        Assert.That(IsReady, Is.True);
    }

    [Test]
    public async Task Start_OnceReady_ListsDevicesToTheFirstCaller()
    {
        var starting = daemon.StartAsync(CancellationToken.None);
        await AskedAsync();
        await TellAsync();
        await starting.WaitAsync(Patience);
        using var client = UsbHostClient.Connect("unix:" + Socket);

        Assert.That((await client.ListDevicesAsync(new ListDevicesRequest())).Devices.Select(d => d.Port), Does.Contain("1-4"));
    }

    [Test]
    public async Task Start_StoppedWhileDevicesAreRead_EndsWithoutBeingReady()
    {
        using var stopped = new CancellationTokenSource();
        var starting = daemon.StartAsync(stopped.Token);
        await AskedAsync();

        await stopped.CancelAsync();
        await starting.WaitAsync(Patience);

        Assert.That((File.Exists(Socket), IsReady), Is.EqualTo((false, false)));
    }

    private bool IsReady => log.Entries.Any(entry => entry.Id == ReadyId);

    /// <summary>Returns once the daemon reads the attribute; it gets no answer yet.</summary>
    private async Task AskedAsync() => asked = await Task
        .Run(() => new FileStream(attribute, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)).WaitAsync(Patience);

    /// <summary>Answers where it was asked, and from now on at once.</summary>
    private async Task TellAsync()
    {
        if (asked is { } answer)
        {
            asked = null;
            File.Delete(attribute);
            await File.WriteAllTextAsync(attribute, "Kingston\n");
            await answer.WriteAsync("Kingston\n"u8.ToArray());
            await answer.DisposeAsync();
        }
    }
}
