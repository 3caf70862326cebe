// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Usb;

/// <summary>
/// libudev.so.1, the monitor only (libudev(3)). Its objects are not thread-safe: one thread uses all that come from one
/// context. Strings of a device are borrowed and end with it.
/// </summary>
internal static partial class LibUdev
{
    private const string Library = "libudev.so.1";

    /// <summary>The caller owns one reference.</summary>
    [LibraryImport(Library, EntryPoint = "udev_new", SetLastError = true)]
    public static partial UdevHandle New();

    /// <summary>The caller owns one reference; it keeps the context alive.</summary>
    [LibraryImport(Library, EntryPoint = "udev_monitor_new_from_netlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial UdevMonitorHandle MonitorNew(UdevHandle udev, string source);

    [LibraryImport(Library, EntryPoint = "udev_monitor_filter_add_match_subsystem_devtype", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MonitorMatch(UdevMonitorHandle monitor, string subsystem, string? devtype);

    [LibraryImport(Library, EntryPoint = "udev_monitor_set_receive_buffer_size")]
    public static partial int MonitorSetBuffer(UdevMonitorHandle monitor, int bytes);

    [LibraryImport(Library, EntryPoint = "udev_monitor_enable_receiving")]
    public static partial int MonitorEnable(UdevMonitorHandle monitor);

    /// <summary>The descriptor stays the monitor's.</summary>
    [LibraryImport(Library, EntryPoint = "udev_monitor_get_fd")]
    public static partial int MonitorFd(UdevMonitorHandle monitor);

    /// <summary>The caller owns one reference; invalid with errno set where nothing could be received.</summary>
    [LibraryImport(Library, EntryPoint = "udev_monitor_receive_device", SetLastError = true)]
    public static partial UdevDeviceHandle MonitorReceive(UdevMonitorHandle monitor);

    /// <summary>Borrowed.</summary>
    [LibraryImport(Library, EntryPoint = "udev_device_get_action")]
    public static partial nint DeviceAction(UdevDeviceHandle device);

    /// <summary>Borrowed.</summary>
    [LibraryImport(Library, EntryPoint = "udev_device_get_devpath")]
    public static partial nint DeviceDevpath(UdevDeviceHandle device);

    /// <summary>Borrowed.</summary>
    [LibraryImport(Library, EntryPoint = "udev_device_get_subsystem")]
    public static partial nint DeviceSubsystem(UdevDeviceHandle device);

    /// <summary>Borrowed.</summary>
    [LibraryImport(Library, EntryPoint = "udev_device_get_devtype")]
    public static partial nint DeviceDevtype(UdevDeviceHandle device);

    [LibraryImport(Library, EntryPoint = "udev_unref")]
    private static partial nint Unref(nint udev);

    [LibraryImport(Library, EntryPoint = "udev_monitor_unref")]
    private static partial nint MonitorUnref(nint monitor);

    [LibraryImport(Library, EntryPoint = "udev_device_unref")]
    private static partial nint DeviceUnref(nint device);

    internal sealed class UdevHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = Unref(handle);
            return true;
        }
    }

    internal sealed class UdevMonitorHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = MonitorUnref(handle);
            return true;
        }
    }

    internal sealed class UdevDeviceHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = DeviceUnref(handle);
            return true;
        }
    }
}
