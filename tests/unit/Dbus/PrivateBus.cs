// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace UsbHostd.Tests.Dbus;

/// <summary>A dbus-daemon of the test's own, which can go away and come back at the same address.</summary>
internal sealed class PrivateBus : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("usbhostd-dbus-");
    private Process? process;

    private PrivateBus() => File.WriteAllText(Configuration, $"""
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig>
          <type>session</type>
          <listen>{Address}</listen>
          <auth>EXTERNAL</auth>
          <policy context="default">
            <allow user="*"/>
            <allow send_destination="*" eavesdrop="true"/>
            <allow eavesdrop="true"/>
            <allow own="*"/>
          </policy>
        </busconfig>
        """);

    public string Address => $"unix:path={directory.FullName}/bus";

    private string Configuration => Path.Combine(directory.FullName, "bus.conf");

    /// <param name="isForEverybody">Also for other users of the host than the one that the tests run as.</param>
    public static async Task<PrivateBus> StartAsync(bool isForEverybody = false)
    {
        var bus = new PrivateBus();
        if (isForEverybody)
        {
            bus.directory.UnixFileMode |= UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        }

        await bus.UpAsync();
        return bus;
    }

    /// <summary>Returns when it takes connections.</summary>
    public async Task UpAsync()
    {
        process = Tool.Start("dbus-daemon", "--config-file=" + Configuration, "--nofork", "--nopidfile", "--print-address");
        await process.ReadUntilAsync("unix:");

        // It tells of each call that it refuses, and would stand still where nobody reads that.
        _ = process.StandardError.ReadToEndAsync();
    }

    public async Task DownAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
        File.Delete(Path.Combine(directory.FullName, "bus"));
    }

    /// <summary>It stands still: it reads nothing and answers nothing, and its connections stay.</summary>
    public async Task FreezeAsync()
    {
        await SignalAsync("STOP");
        while (!(await File.ReadAllTextAsync($"/proc/{process!.Id}/stat")).Contains(") T ", StringComparison.Ordinal))
        {
            await Task.Yield();
        }
    }

    public Task ThawAsync() => SignalAsync("CONT");

    private async Task SignalAsync(string name) => await Tool.RunAsync("sh", "-c", $"kill -{name} {process!.Id}");

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await DownAsync();
        }

        directory.Delete(recursive: true);
    }
}
