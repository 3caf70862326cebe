// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Linux;
using UsbHostd.Daemon.Logging;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Keeps a door on the bus: connects, takes the name, and does so again with a growing pause when the bus was away.</summary>
internal sealed class DbusServer : IDisposable
{
    private readonly IHostService service;
    private readonly DbusOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly LimitedLogger doorLogger;
    private readonly CancellationTokenSource stopping = new();
    private Task running = Task.CompletedTask;

    public DbusServer(IHostService service, DbusOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        this.service = service;
        this.options = options;
        this.time = time;
        logger = loggers.CreateLogger<DbusServer>();

        // One for all doors that come one after the other: anybody on the bus may be refused as often as he likes.
        doorLogger = new LimitedLogger(loggers.CreateLogger<DbusDoor>(), time);
    }

    /// <summary>The one that is served now or was last, for tests.</summary>
    internal DbusDoor? Door { get; private set; }

    /// <summary>Does not wait for the bus: a host may have none.</summary>
    public void Start()
    {
        if (options.Enabled)
        {
            running = Task.Run(RunAsync);
        }
    }

    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    public void Dispose() => stopping.Dispose();

    private async Task RunAsync()
    {
        var pause = options.FirstRetry;
        var said = false;
        while (!stopping.IsCancellationRequested)
        {
            var reason = "";
            try
            {
                var served = await ServeAsync(() => said = false).ConfigureAwait(false);
                pause = served.Named ? options.FirstRetry : pause;
                reason = served.Why;
            }
            catch (BusException e)
            {
                reason = e.Message;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (stopping.IsCancellationRequested)
            {
                return;
            }

            // Asked first: a socket that comes while this is told is waited for as well, and found at once.
            var isAbsent = options.SocketPath is { } socket && !File.Exists(socket);
            Tell(reason, said);
            said = true;
            if (isAbsent && await ComesAsync(options.SocketPath!).ConfigureAwait(false))
            {
                pause = options.FirstRetry;
                continue;
            }

            await Task.Delay(pause, time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < options.LongestRetry ? pause * 2 : options.LongestRetry;
        }
    }

    /// <summary>
    /// Waits for a bus whose socket is not there: a host may never have one, and looking for it again and again would wake it for nothing.
    /// </summary>
    /// <returns>False where the socket can't be waited for: then a pause has to do.</returns>
    private async Task<bool> ComesAsync(string path)
    {
        try
        {
            await FileAppearance.WaitAsync(path, stopping.Token).ConfigureAwait(false);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void Tell(string reason, bool said)
    {
        if (said)
        {
            DbusLog.StillAway(logger, options.Address, reason);
        }
        else
        {
            DbusLog.Away(logger, options.Address, reason);
        }
    }

    /// <summary>From connecting until the bus is gone or the daemon stops.</summary>
    private async Task<(bool Named, string Why)> ServeAsync(Action named)
    {
        using var door = new DbusDoor(service, options, doorLogger);
        Door = door;
        using var connection = await BusConnection.OpenAsync(options.Address, ObjectPaths.Root, door, stopping.Token).ConfigureAwait(false);
        var hasName = false;
        try
        {
            hasName = await TakeNameAsync(connection).ConfigureAwait(false);
            named();
            var why = await connection.Ended.WaitAsync(stopping.Token).ConfigureAwait(false);
            return (hasName, why?.Message ?? "");
        }
        catch (OperationCanceledException)
        {
            return (hasName, "");
        }
        finally
        {
            await EndAsync(door, connection).ConfigureAwait(false);
        }
    }

    /// <summary>What was begun ends, and is told; a bus that stands still does not hold the daemon up.</summary>
    private async Task EndAsync(DbusDoor door, BusConnection connection)
    {
        var stopped = door.StopAsync();
        await stopped.WaitAsync(options.Farewell).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stopped.IsCompleted)
        {
            await connection.DrainAsync(options.Farewell).ConfigureAwait(false);
        }

        connection.Dispose();
        await stopped.ConfigureAwait(false);
    }

    private async Task<bool> TakeNameAsync(BusConnection connection)
    {
        await connection.CallAsync(BusTarget.Bus, "AddMatch", "s", (ref to) => to.Text(DbusDoor.LeaversMatch), _ => 0, stopping.Token).ConfigureAwait(false);

        // Without flags: waits in line where another has the name.
        var reply = await connection.CallAsync(
            BusTarget.Bus, "RequestName", "su", (ref to) =>
            {
                to.Text(DbusOptions.BusName);
                to.WriteUInt32(0);
            }, answer => answer.Expect("u").ReadUInt32(), stopping.Token).ConfigureAwait(false);
        if (reply == 2)
        {
            DbusLog.NameTaken(logger, DbusOptions.BusName);
        }
        else
        {
            DbusLog.Serving(logger, DbusOptions.BusName, options.Address);
        }

        return true;
    }
}
