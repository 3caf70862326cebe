// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Store;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Bench;

/// <summary>The daemon's start with many ended claims in its database, beside its start with an empty one.</summary>
internal static class HistoryFigure
{
    private const string Database = "usbhostd.db";
    private const int Ended = 100_000;
    private const int Starts = 7;
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);

    public static Figure Measure(string host)
    {
        var full = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        try
        {
            Fill($"{full}/{Database}", TimeProvider.System);
            List<TimeSpan> ours = [], none = [];
            for (var i = 0; i < Starts; i++)
            {
                ours.Add(UntilReady(host, $"{full}/{Database}"));
                none.Add(UntilReady(host, null));
            }

            // The first of each finds cold files.
            var (us, them) = (Figures.Median(ours.Skip(1)), Figures.Median(none.Skip(1)));
            return new Figure($"start to ready, {Ended:N0} ended claims", Figures.Time(us), $"{Figures.Time(them)} with none", us / them, "< 1 s", us < Most)
            {
                Notes = [$"the database is {new FileInfo($"{full}/{Database}").Length / 1024 / 1024} MiB"],
            };
        }
        finally
        {
            Directory.Delete(full, recursive: true);
        }
    }

    /// <summary>Each start has a copy of its own: a daemon deletes what it need not keep.</summary>
    private static TimeSpan UntilReady(string host, string? database)
    {
        var state = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        try
        {
            if (database is not null)
            {
                File.Copy(database, $"{state}/{Database}");
            }

            using var daemon = Served.Daemon(ProcessFigures.NoLibvirt, host, state);
            return daemon.UntilReady;
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    private static void Fill(string path, TimeProvider time)
    {
        var forever = new Retained(TimeSpan.FromDays(10_000), int.MaxValue);
        using var store = SqliteClaimStore.Open(path, time, NullLogger.Instance, StoreSchema.Migrations, new RetentionLimits(forever, forever, forever));
        _ = store.Load();
        var now = time.GetUtcNow();
        foreach (var numbers in Enumerable.Range(0, Ended).Chunk(1000))
        {
            store.Commit([.. numbers.Select(n => new StoreChange.PutClaim(Claim(n, now)))]);
        }
    }

    private static Claim Claim(int number, DateTimeOffset now) => new()
    {
        Id = ClaimId.Of(new Guid(number, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
        Guest = new GuestId(new Guid(number % 50, 1, 0, [1, 2, 3, 4, 5, 6, 7, 8])),
        Follows = DeviceKey.Serial(new UsbId(0x0951, 0x1666), $"SN-{number % 1000}"),
        Ids = [new UsbId(0x0951, 0x1666)],
        Owner = "uid:1000",
        Door = "grpc",
        Created = now.AddSeconds(-Ended + number),
        Released = now.AddSeconds(-Ended + number + 1),
    };
}
