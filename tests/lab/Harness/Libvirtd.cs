namespace UsbHostd.Lab.Harness;

/// <summary>L1's libvirtd. Guests outlive it, whatever is done to it.</summary>
public sealed class Libvirtd(HostVm host)
{
    /// <summary>Starts it where it isn't running, and waits until qemu:///system answers.</summary>
    public Task StartAsync() => host.DoAsync($"{Repository.Bed}/libvirt start");

    public Task StopAsync() => host.DoAsync($"{Repository.Bed}/libvirt stop");

    public Task KillAsync() => host.DoAsync($"{Repository.Bed}/libvirt kill");
}
