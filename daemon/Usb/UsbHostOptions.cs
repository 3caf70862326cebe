// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Daemon.Usb;

/// <summary>Where the kernel's and udev's files are. Other than the defaults only for tests, which bring their own trees.</summary>
internal sealed record UsbHostOptions
{
    public string Sysfs { get; init; } = "/sys";

    public string Proc { get; init; } = "/proc";

    /// <summary>
    /// The mounts of the first process, which are the host's. Our own leave out what a namespace of our own leaves out: systemd
    /// unmounts there whatever ProtectHome=, TemporaryFileSystem= and the like hide (systemd.exec(5)).
    /// </summary>
    public string HostMounts => $"{Proc}/1/mountinfo";

    /// <summary>For where those can't be read: /proc may hide the first process (proc(5), hidepid).</summary>
    public string OwnMounts => $"{Proc}/self/mountinfo";

    public string Run { get; init; } = "/run";

    public string Dev { get; init; } = "/dev";

    /// <summary>The first that exists is read: Debian's and Fedora's places, then that of old usbutils.</summary>
    public ImmutableArray<string> UsbIdFiles { get; init; } =
        ["/usr/share/misc/usb.ids", "/usr/share/hwdata/usb.ids", "/var/lib/usbutils/usb.ids"];
}
