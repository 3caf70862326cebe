// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

/// <summary>L1's libvirtd. Guests outlive it, whatever is done to it.</summary>
public sealed class Libvirtd(HostVm host)
{
    /// <summary>L1 starts it.</summary>
    public bool Runs { get; private set; } = true;

    /// <summary>Starts it where it isn't running, and waits until qemu:///system answers.</summary>
    public async Task StartAsync()
    {
        if (!Runs)
        {
            await host.DoAsync($"{Repository.Bed}/libvirt start").ConfigureAwait(false);
            Runs = true;
        }
    }

    public Task StopAsync() => EndAsync("stop");

    public Task KillAsync() => EndAsync("kill");

    /// <summary>It keeps its sockets, and answers nothing until <see cref="ResumeAsync"/>.</summary>
    public Task PauseAsync() => host.DoAsync($"{Repository.Bed}/libvirt pause");

    public Task ResumeAsync() => host.DoAsync($"{Repository.Bed}/libvirt resume");

    private async Task EndAsync(string verb)
    {
        Runs = false;
        await host.DoAsync($"{Repository.Bed}/libvirt {verb}").ConfigureAwait(false);
    }
}
