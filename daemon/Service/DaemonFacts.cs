// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Service;

/// <summary>What the daemon says of itself.</summary>
/// <param name="LibvirtVersions">As they were read last; must not wait for libvirt.</param>
internal sealed record DaemonFacts(string LibvirtUri, Func<(string Library, string Hypervisor)> LibvirtVersions)
{
    /// <summary>Has libvirt asked something, and does not wait: a later call knows whether it answers, and what.</summary>
    public Action AskLibvirt { get; init; } = () => { };

    public Api.V1.Version Version()
    {
        var (library, hypervisor) = LibvirtVersions();
        return new Api.V1.Version
        {
            Daemon = typeof(DaemonFacts).Assembly.GetName().Version?.ToString(3) ?? "",
            Api = "usbhostd.v1",
            Libvirt = library,
            Hypervisor = hypervisor,
            LibvirtUri = LibvirtUri,
        };
    }

    /// <summary>Without the one that counts them.</summary>
    public static uint OpenDescriptors() => (uint)Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() - 1;
}
