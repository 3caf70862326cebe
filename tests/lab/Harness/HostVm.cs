// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace UsbHostd.Lab.Harness;

/// <summary>L1, the pretended host.</summary>
public sealed class HostVm : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<string> _console = new();
    private bool _ending;

    private HostVm(Process process) => _process = process;

    /// <summary>The run's folder on the outer machine; L1 sees it at the same path.</summary>
    public string RunFolder { get; private set; } = "";

    internal Qmp Qmp { get; private set; } = null!;

    internal AgentClient Agent { get; private set; } = null!;

    /// <summary>What tests have plugged, so that each test's end can pull it.</summary>
    internal List<IPlugged> Plugged { get; } = [];

    /// <summary>True when it died or hangs: nothing will answer any more.</summary>
    public bool IsLost => _died.Task.IsFaulted;

    /// <summary>Boots an L1 of its own, that ends with this process.</summary>
    public static Task<HostVm> BootAsync() => FollowAsync(new ProcessStartInfo(Path.Combine(Repository.Bed, "start"), ["--hold"])
    {
        RedirectStandardInput = true, // held open: when this process dies, L1 does too
        UseShellExecute = false,
    });

    /// <summary>Uses an L1 that bed/start has booted by hand, and leaves it running.</summary>
    public static async Task<HostVm> JoinAsync(string runFolder)
    {
        var pid = (await File.ReadAllTextAsync(Path.Combine(runFolder, "pid")).ConfigureAwait(false)).Trim();
        var tail = new ProcessStartInfo("tail", ["-n", "+1", "-s", "0.1", "--pid", pid, "-F", Path.Combine(runFolder, "l1.log")]);
        return await FollowAsync(tail, runFolder).ConfigureAwait(false);
    }

    /// <param name="start">What prints L1's console, the run's folder first where that isn't known yet, and ends when L1 does.</param>
    /// <param name="runFolder">Where it is known.</param>
    private static async Task<HostVm> FollowAsync(ProcessStartInfo start, string? runFolder = null)
    {
        start.RedirectStandardOutput = true;
        start.UseShellExecute = false;
        var process = Process.Start(start) ?? throw new LabException($"cannot run {start.FileName}");
        var host = new HostVm(process);
        try
        {
            host.RunFolder = runFolder ?? await process.StandardOutput.ReadLineAsync().ConfigureAwait(false)
                ?? throw new LabException("L1 did not start; what bed/start says is on standard error");
            host._died.Task.ContinueWith(t => t.Exception, TaskScheduler.Default).Forget();
            var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            host.WatchConsoleAsync(ready).Forget();
            var first = await Task.WhenAny(ready.Task, host._died.Task).WaitAsync(Within.Boot).ConfigureAwait(false);
            await first.ConfigureAwait(false);
            var port = await File.ReadAllTextAsync(Path.Combine(host.RunFolder, "port")).ConfigureAwait(false);
            host.Agent = new AgentClient(int.Parse(port, provider: null), host._died.Task, host.GiveUpAsync);
            host.Qmp = await Qmp.ConnectAsync(Path.Combine(host.RunFolder, "qmp.sock")).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Runs a shell command in L1, as root unless told otherwise.</summary>
    public Task<Output> RunAsync(string command, TimeSpan? within = null, string? user = null) =>
        Agent.ExecAsync(command, within ?? TimeSpan.FromMinutes(2), user);

    /// <summary>Runs a command that must succeed, and gives its output.</summary>
    public async Task<string> DoAsync(string command, TimeSpan? within = null)
    {
        var output = await RunAsync(command, within).ConfigureAwait(false);
        return output.ExitCode == 0
            ? output.Text.TrimEnd('\n')
            : throw new LabException($"in L1, exit status {output.ExitCode}: {command}\n{output.Text}");
    }

    /// <summary>Where a file of L1 ends now: a later wait that begins here cannot be met by the past.</summary>
    public async Task<long> MarkAsync(string file) =>
        (await Agent.AskJsonAsync(new JsonObject { ["verb"] = "mark", ["file"] = file }, Within.Moments).ConfigureAwait(false))["offset"]!.GetValue<long>();

    /// <summary>Waits for a line; with <paramref name="last"/> only the newest line that matches it counts.</summary>
    public async Task<string> WaitLineAsync(string file, string regex, long from, TimeSpan within, string? last = null)
    {
        var query = new JsonObject { ["verb"] = "waitline", ["file"] = file, ["regex"] = regex, ["from"] = from, ["last"] = last };
        var answer = await Agent.AskJsonAsync(query, within).ConfigureAwait(false);
        return answer["timeout"] is null
            ? answer["line"]!.GetValue<string>()
            : throw new LabException($"{file} has no line like {regex} within {within}; the newest: {answer["line"]}");
    }

    /// <summary>Waits until a link's target or a file's text in L1 matches; what is absent is the empty string.</summary>
    public async Task<string> WaitValueAsync(string path, string regex, TimeSpan? within = null)
    {
        var query = new JsonObject { ["verb"] = "waitvalue", ["path"] = path, ["regex"] = regex };
        var answer = await Agent.AskJsonAsync(query, within ?? Within.Moments).ConfigureAwait(false);
        var value = answer["value"]!.GetValue<string>();
        return answer["timeout"] is null ? value : throw new LabException($"{path} is \"{value}\", not like {regex}");
    }

    public Task SysfsShowsAsync(string port) => WaitValueAsync($"/sys/bus/usb/devices/{port}/devnum", "[0-9]");

    public Task SysfsLosesAsync(string port) => WaitValueAsync($"/sys/bus/usb/devices/{port}", "^$");

    /// <summary>Waits for the driver of a device's first interface: its name, or "" for none.</summary>
    public Task DriverIsAsync(string port, string driver) =>
        WaitValueAsync($"/sys/bus/usb/devices/{port}:1.0/driver", driver.Length == 0 ? "^$" : $"/{Regex.Escape(driver)}$");

    /// <summary>
    /// Unbinds and binds controller x1: its buses keep their numbers, and the next device gets device number 2 again. The only way to see a
    /// number reused without 126 plugs in between.
    /// </summary>
    public Task RewindNumbersAsync() => DoAsync("""
        cd /sys/bus/pci/drivers/xhci_hcd
        slot=$(basename "$(dirname "$(readlink -f /sys/bus/usb/devices/usb4)")")
        echo "$slot" >unbind; echo "$slot" >bind; udevadm settle
        [ "$(basename "$(dirname "$(readlink -f /sys/bus/usb/devices/usb4)")")" = "$slot" ]
        """);

    public async ValueTask DisposeAsync()
    {
        _ending = true;
        if (Qmp is not null)
        {
            await Qmp.DisposeAsync().ConfigureAwait(false);
        }

        if (!_process.StartInfo.RedirectStandardInput)
        {
            _process.Kill(); // only who reads the console of an L1 that isn't ours
        }
        else if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    /// <summary>An L1 that runs but no longer answers is ended, so that whatever comes next fails at once; where its processors were is kept.</summary>
    private async Task GiveUpAsync(string what)
    {
        try
        {
            var arguments = new JsonObject { ["command-line"] = "info registers -a" };
            var registers = (await Qmp.ExecuteAsync("human-monitor-command", arguments).ConfigureAwait(false)).GetValue<string>();
            var at = string.Join('\n', registers.Split('\n').Where(r => r.StartsWith("CPU#", StringComparison.Ordinal) || r.StartsWith("RIP=", StringComparison.Ordinal)));
            _died.TrySetException(new LabException($"L1 hangs: {what}\n{at}\nIts last lines:\n{string.Join('\n', _console)}"));
            await Qmp.ExecuteAsync("quit", []).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LabException or TimeoutException or IOException)
        {
            _died.TrySetException(new LabException($"L1 hangs, and its QEMU too ({e.Message}): {what}\nIts last lines:\n{string.Join('\n', _console)}"));
        }
    }

    private async Task WatchConsoleAsync(TaskCompletionSource ready)
    {
        while (await _process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            _console.Enqueue(line);
            if (_console.Count > 40)
            {
                _console.Dequeue();
            }

            if (line.StartsWith("L1 [", StringComparison.Ordinal) && line.TrimEnd().EndsWith(" READY", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        }

        if (!_ending)
        {
            _died.TrySetException(new LabException("L1 died. Its last lines:\n" + string.Join('\n', _console)));
        }
    }
}
