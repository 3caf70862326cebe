namespace UsbHostd.Daemon.Service;

/// <summary>What the daemon says of itself; the libvirt part is asked when somebody wants to know.</summary>
internal sealed record DaemonFacts(string LibvirtUri, Func<(string Library, string Hypervisor)> LibvirtVersions)
{
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
