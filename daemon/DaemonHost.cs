// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using UsbHostd.Core.Isolation;
using UsbHostd.Core.Reducers;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Service;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Systemd;
using UsbHostd.Daemon.Usb;
using UsbHostd.Libvirt;
using UsbHostd.Policy.Rules.Matching;

namespace UsbHostd.Daemon;

/// <summary>
/// The parts, put together by hand and started in order: what is stored, the loop, the world, then the doors. Stopped in the reverse
/// order; stopping detaches nothing.
/// </summary>
internal sealed partial class DaemonHost : IHostedService, IDisposable
{
    /// <summary>.NET takes the system's own number for a signal it has no name for.</summary>
    private const PosixSignal SigUsr2 = (PosixSignal)12;

    /// <summary>There are three steps that wait, and TimeoutStopSec of usbhostd.service is 15 s.</summary>
    private static readonly TimeSpan StepPatience = TimeSpan.FromSeconds(4);

    private readonly SystemdNotifier systemd;
    private readonly string libvirtUri;
    private readonly ILogger<DaemonHost> log;
    private readonly IHostApplicationLifetime lifetime;
    private readonly CancellationTokenSource stopping = new();
    private readonly StopSteps steps;
    private readonly LibvirtEventLoop libvirtEvents;
    private readonly SqliteClaimStore store;
    private readonly UdevUsbHost usb;
    private readonly UsbfsHubPorts ports;
    private readonly SysfsUsbWriter writer;
    private readonly DeviceNodeWatch nodes;
    private readonly LibvirtGuestHost guests;
    private readonly ActionRunner runner;
    private readonly LoopInbox inbox;
    private readonly StateFeed feed;
    private readonly ReconcileLoop loop;
    private readonly GrpcServer grpc;
    private readonly DbusServer dbus;
    private readonly RulesReload rules;
    private readonly RulesWatch rulesWatch;
    private readonly PosixSignalRegistration collect;
    private readonly PosixSignalRegistration hangup;
    private Task running = Task.CompletedTask;

    public DaemonHost(DaemonConfiguration configuration, ILoggerFactory loggers, IHostApplicationLifetime lifetime)
    {
        this.lifetime = lifetime;
        log = loggers.CreateLogger<DaemonHost>();
        systemd = new SystemdNotifier();
        libvirtUri = configuration.LibvirtUri;
        var time = TimeProvider.System;
        steps = new StopSteps(StepPatience, time, log);
        var roots = configuration.Usb;
        inbox = new LoopInbox();
        libvirtEvents = LibvirtEventLoop.Start(EndDeaf);
        store = SqliteClaimStore.Open(configuration.Database, time, loggers.CreateLogger<SqliteClaimStore>());
        usb = new UdevUsbHost(roots, loggers.CreateLogger<UdevUsbHost>());
        feed = new StateFeed();
        nodes = new DeviceNodeWatch(roots, usb.Read, () => feed.Current, loggers.CreateLogger<DeviceNodeWatch>());
        ports = new UsbfsHubPorts(systemd);
        writer = new SysfsUsbWriter(roots, ports, loggers.CreateLogger<SysfsUsbWriter>()) { Present = () => feed.Current.Devices.Values, Time = time };
        new JailStart(configuration.Jail, roots, loggers.CreateLogger<JailStart>()).Close(usb.ReadAll, writer);
        guests = new LibvirtGuestHost(
            configuration.LibvirtUri, BootId(roots), QemuStartTimes.For(configuration.LibvirtUri, roots.Proc), time, loggers.CreateLogger<LibvirtGuestHost>());
        var look = new UseLook(writer, () => feed.Current, inbox.Events, time);
        runner = new ActionRunner(
            new HostdevAttacher(usb, writer, guests, look, inbox.Events), guests, usb, writer, loggers.CreateLogger<ActionRunner>());
        var files = new RuleFiles(configuration.Rules, loggers.CreateLogger<RuleFiles>());
        var loaded = files.Load();
        files.Report(loaded);
        loop = new ReconcileLoop(
            Initial(configuration, loaded), inbox, store, runner, feed, time, loggers.CreateLogger<ReconcileLoop>());
        rules = new RulesReload(files, loop, time, loggers.CreateLogger<RulesReload>());
        rulesWatch = new RulesWatch(configuration.Rules, time, () => Reload("file"), loggers.CreateLogger<RulesWatch>());
        hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangup);
        var options = configuration.Api;
        var limits = new CallerLimits(configuration.Callers, time);
        var roles = new Roles(configuration.Roles);
        var service = new HostService(
            loop, feed, roles, limits, look,
            new DaemonFacts(configuration.LibvirtUri, guests.Versions) { AskLibvirt = guests.Ask }, rules, time);
        grpc = new GrpcServer(
            service, options, limits, loggers, TlsListener.Open(configuration.Tls, Environment.IsPrivilegedProcess, time, loggers), roles.IsAdministrator);
        dbus = new DbusServer(service, configuration.Dbus, time, loggers);
        collect = PosixSignalRegistration.Create(SigUsr2, Collect);
    }

    /// <summary>
    /// The rules were read before; callers are let in once the devices are, or the first of them would be told that there are none. libvirt is
    /// not waited for: it may be away for long.
    /// </summary>
    /// <param name="cancellationToken">Cancelled where the daemon is to stop before it is ready.</param>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        running = RunLoopAsync();
        usb.Start(inbox.Events);
        nodes.Start(inbox.Events);
        guests.Start(inbox.Events);
        await feed.DevicesKnown.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!feed.DevicesKnown.IsCompleted)
        {
            return;
        }

        await grpc.StartAsync(cancellationToken).ConfigureAwait(false);
        dbus.Start();
        systemd.Ready($"libvirt at {libvirtUri}");
        Ready(log, Environment.ProcessId);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        steps.Run("telling systemd", systemd.Stopping);
        await steps.RunAsync("the door on D-Bus", dbus.StopAsync).ConfigureAwait(false);
        await steps.RunAsync("the door for gRPC", () => grpc.StopAsync(cancellationToken)).ConfigureAwait(false);
        await steps.RunAsync("the reconcile loop", EndLoopAsync).ConfigureAwait(false);
        if (Environment.ExitCode == ExitCode.Ok)
        {
            steps.Run("opening the jail", OpenJail);
        }
    }

    public void Dispose()
    {
        IDisposable[] parts =
        [
            collect, hangup, rulesWatch, rules, dbus, grpc, guests, nodes, usb, loop, runner, writer, ports, store, libvirtEvents, stopping,
        ];
        foreach (var part in parts)
        {
            steps.Run($"disposing of {part.GetType().Name}", part.Dispose);
        }
    }

    private async Task EndLoopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    private HostState Initial(DaemonConfiguration configuration, LoadedRules loaded) => Fold.From(store.Load(), configuration.Limits, loaded) with
    {
        Jail = new JailState { Controllers = configuration.Jail.Controllers.ToImmutableHashSet(StringComparer.Ordinal) },
        KeptAwake = writer.KeptAwake,
    };

    /// <summary>Only at a clean end: after any other the jail stays closed, which is the safe side.</summary>
    private void OpenJail()
    {
        try
        {
            writer.OpenJail(ImmutableHashSet<string>.Empty);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            JailNotOpened(log, e.Message);
        }
    }

    private void OnHangup(PosixSignalContext signal)
    {
        signal.Cancel = true;
        Reload("signal");
    }

    /// <summary>Its outcome is in the journal.</summary>
    private void Reload(string because) => _ = Task.Run(() => rules.ReloadAsync(because, stopping.Token), stopping.Token).ContinueWith(
        broken => ReloadBroke(log, broken.Exception!), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <summary>Tells memory that is in use from garbage not collected yet.</summary>
    private void Collect(PosixSignalContext signal)
    {
        signal.Cancel = true;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Collected(log, GC.GetTotalMemory(forceFullCollection: false), DaemonFacts.OpenDescriptors());
    }

    /// <summary>A loop that broke must not leave a daemon that answers and does nothing.</summary>
    private async Task RunLoopAsync()
    {
        try
        {
            await Task.Run(() => loop.RunAsync(stopping.Token)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LoopBroke(log, e);
            Environment.ExitCode = ExitCode.Failed;
            lifetime.StopApplication();
        }
    }

    /// <summary>Deaf is worse than gone: libvirt would still answer, and tell nothing of what happens to guests.</summary>
    private void EndDeaf(LibvirtException failure)
    {
        LibvirtDeaf(log, failure);
        inbox.Events.TryComplete(failure);
    }

    private static string BootId(UsbHostOptions roots) => File.ReadAllText(Path.Combine(roots.Proc, "sys/kernel/random/boot_id")).Trim();

    [LoggerMessage(1000, LogLevel.Information, "usbhostd is ready (pid {Pid})")]
    private static partial void Ready(ILogger logger, int pid);

    [LoggerMessage(1008, LogLevel.Critical, "libvirt's events ended; usbhostd stops, systemd starts it again. Guests keep their devices")]
    private static partial void LibvirtDeaf(ILogger logger, Exception e);

    [LoggerMessage(1007, LogLevel.Error, "The jail could not be opened: {Message}. Controllers stay jailed until usbhostd is started and stopped again")]
    private static partial void JailNotOpened(ILogger logger, string message);

    [LoggerMessage(1145, LogLevel.Critical, "The rules could not be loaded anew, the old ones stay in force; send SIGHUP to try again")]
    private static partial void ReloadBroke(ILogger logger, Exception e);

    [LoggerMessage(1006, LogLevel.Information, "Garbage collected: {Heap} bytes of managed heap in use, {Descriptors} file descriptors open")]
    private static partial void Collected(ILogger logger, long heap, uint descriptors);

    [LoggerMessage(1004, LogLevel.Critical, "The reconcile loop broke; usbhostd stops, systemd starts it again. Guests keep their devices")]
    private static partial void LoopBroke(ILogger logger, Exception e);
}
