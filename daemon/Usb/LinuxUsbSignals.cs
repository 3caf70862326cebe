// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UsbHostd.Daemon.Linux;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// udev's monitor, the host's mountinfo and swaps (which poll as exceptional, proc_pid_mountinfo(5)), a route socket (rtnetlink(7)) and
/// an eventfd, under one poll(2) without a time limit. Everything is open, and so nothing can be missed, once the constructor
/// is through.
/// </summary>
internal sealed unsafe class LinuxUsbSignals : IUsbSignals
{
    /// <summary>Room for some ten thousand events; the kernel charges only what is in use.</summary>
    public const int BufferBytes = 16 * 1024 * 1024;

    // RTMGRP_LINK, RTMGRP_IPV4_ROUTE and RTMGRP_IPV6_ROUTE of <linux/rtnetlink.h>.
    private const uint RouteGroups = 0x1 | 0x40 | 0x400;

    private readonly LibUdev.UdevHandle udev;
    private readonly LibUdev.UdevMonitorHandle monitor;
    private readonly SafeFileHandle stop;
    private readonly SafeFileHandle mounts;
    private readonly SafeFileHandle swaps;
    private readonly SafeFileHandle routes;

    /// <exception cref="IOException">One of them can't be opened.</exception>
    public LinuxUsbSignals(UsbHostOptions options)
    {
        udev = LibUdev.New();
        monitor = Valid(LibUdev.MonitorNew(Valid(udev, "udev_new"), "udev"), "udev_monitor_new_from_netlink");
        foreach (var subsystem in UsbObserver.Subsystems)
        {
            Check(LibUdev.MonitorMatch(monitor, subsystem, null), "udev_monitor_filter_add_match_subsystem_devtype");
        }

        HasLargeBuffer = LibUdev.MonitorSetBuffer(monitor, BufferBytes) >= 0;
        Check(LibUdev.MonitorEnable(monitor), "udev_monitor_enable_receiving");
        stop = Valid(LibC.EventFd(0, LibC.CloseOnExec | LibC.NonBlocking), "eventfd");
        mounts = OpenMounts(options);
        swaps = LibC.Open($"{options.Proc}/swaps", LibC.ReadOnly | LibC.CloseOnExec);
        routes = Valid(LibC.Socket(LibC.AfNetlink, LibC.SockRaw | LibC.CloseOnExec, LibC.NetlinkRoute), "netlink socket");
        var address = new LibC.NetlinkAddress { Family = LibC.AfNetlink, Groups = RouteGroups };
        if (LibC.Bind(routes, &address, (uint)sizeof(LibC.NetlinkAddress)) < 0)
        {
            throw new IOException($"netlink bind: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Whether the kernel granted <see cref="BufferBytes"/>: beyond rmem_max it wants CAP_NET_ADMIN.</summary>
    public bool HasLargeBuffer { get; }

    public UsbSignal Wait()
    {
        const int Count = 5;
        var waited = stackalloc LibC.PollFd[Count]
        {
            new() { Fd = (int)stop.DangerousGetHandle(), Events = LibC.PollIn },
            new() { Fd = LibUdev.MonitorFd(monitor), Events = LibC.PollIn },
            new() { Fd = (int)mounts.DangerousGetHandle(), Events = LibC.PollPri },
            // A kernel without swap has no such file, and poll passes over a negative descriptor.
            new() { Fd = swaps.IsInvalid ? -1 : (int)swaps.DangerousGetHandle(), Events = LibC.PollPri },
            new() { Fd = (int)routes.DangerousGetHandle(), Events = LibC.PollIn },
        };
        while (LibC.Poll(waited, Count, -1) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != LibC.Eintr)
            {
                throw new IOException($"poll: {Marshal.GetPInvokeErrorMessage(errno)}");
            }
        }

        if (waited[4].Returned != 0)
        {
            Drain(routes);
        }

        return (waited[0].Returned != 0 ? UsbSignal.Stop : UsbSignal.None)
            | (waited[1].Returned != 0 ? UsbSignal.Udev : UsbSignal.None)
            | (waited[2].Returned != 0 ? UsbSignal.Mounts : UsbSignal.None)
            | (waited[3].Returned != 0 ? UsbSignal.Swaps : UsbSignal.None)
            | (waited[4].Returned != 0 ? UsbSignal.Routes : UsbSignal.None);
    }

    public UdevReceived Receive()
    {
        using var device = LibUdev.MonitorReceive(monitor);
        if (device.IsInvalid)
        {
            return UdevReceived.OfError(Marshal.GetLastPInvokeError());
        }

        var action = Text(LibUdev.DeviceAction(device));
        var devpath = Text(LibUdev.DeviceDevpath(device));
        var subsystem = Text(LibUdev.DeviceSubsystem(device));
        return action is null || devpath is null || subsystem is null
            ? new UdevReceived(UdevReceipt.Skipped)
            : new UdevReceived(
                UdevReceipt.Event, new UdevEvent(action, devpath, subsystem, Text(LibUdev.DeviceDevtype(device))));
    }

    public void Stop()
    {
        var one = 1UL;
        _ = LibC.Write(stop, (byte*)&one, sizeof(ulong));
    }

    public void Dispose()
    {
        monitor.Dispose();
        udev.Dispose();
        mounts.Dispose();
        swaps.Dispose();
        routes.Dispose();
        stop.Dispose();
    }

    /// <summary>What exactly changed does not matter, and an overflow means "something did" just as well.</summary>
    private static void Drain(SafeFileHandle socket)
    {
        var buffer = stackalloc byte[8192];
        for (var i = 0; i < 1024 && LibC.Receive(socket, buffer, 8192, LibC.MsgDontWait) > 0; i++)
        {
        }
    }

    /// <summary>The file that <see cref="HostTables"/> reads: it polls for the mounts of the process that it belongs to.</summary>
    private static SafeFileHandle OpenMounts(UsbHostOptions options)
    {
        var host = LibC.Open(options.HostMounts, LibC.ReadOnly | LibC.CloseOnExec);
        if (!host.IsInvalid)
        {
            return host;
        }

        host.Dispose();
        return Valid(LibC.Open(options.OwnMounts, LibC.ReadOnly | LibC.CloseOnExec), "mountinfo");
    }

    private static string? Text(nint borrowed) => Marshal.PtrToStringUTF8(borrowed);

    private static T Valid<T>(T handle, string what)
        where T : SafeHandle
    {
        return handle.IsInvalid ? throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}") : handle;
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(-result)}");
        }
    }
}
