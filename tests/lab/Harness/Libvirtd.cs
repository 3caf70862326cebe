namespace UsbHostd.Lab.Harness;

/// <summary>L1's libvirtd. Guests outlive it, whatever is done to it.</summary>
public sealed class Libvirtd(HostVm host)
{
    private bool _runs = true; // L1 starts it

    /// <summary>Starts it where it isn't running, and waits until qemu:///system answers.</summary>
    public async Task StartAsync()
    {
        if (!_runs)
        {
            await host.DoAsync($"{Repository.Bed}/libvirt start").ConfigureAwait(false);
            _runs = true;
        }
    }

    public Task StopAsync() => EndAsync("stop");

    public Task KillAsync() => EndAsync("kill");

    private async Task EndAsync(string verb)
    {
        _runs = false;
        await host.DoAsync($"{Repository.Bed}/libvirt {verb}").ConfigureAwait(false);
    }
}
