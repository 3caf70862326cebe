// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>A copy of the database that is made while the daemon works is whole, and can be put back.</summary>
public sealed class Backup : DaemonTest
{
    private const string Copy = "/run/lab/backup.db";
    private const string Database = "/var/lib/usbhostd/usbhostd.db";

    /// <summary>So many claims come and go before the copy begins.</summary>
    private const int MadeBefore = 10;

    /// <summary>And so many in all, should the copy never be done.</summary>
    private const int MostMade = 2000;

    [Test]
    public async Task CopyMadeWhileClaimsComeAndGo_PutBack_HasTheClaimsOfItsMoment()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "BK-1")).PlugAsync("x0.5");
        var before = await guest.MarkAsync();
        var attached = await ClaimAndSeeAsync("serial:BK-1", guest, "46f4:0001:BK-1");
        await guest.ReadsDiskAsync("usbhostd-lab----", before);
        var waiting = await ClaimAsync(Absent("waiting"), guest);
        var (aliases, mark) = (await OursAsync(guest), await guest.MarkAsync());

        var (beforeTheCopy, duringTheCopy) = await CopyUnderLoadAsync(guest);
        await ReleaseAsync(waiting);
        var later = await ClaimAsync(Absent("later"), guest);
        var complaints = await RestartWithTheCopyAsync();

        await PhaseAsync(attached, Phase.Attached);
        await PhaseAsync(waiting, Phase.WaitingForDevice, Reason.DeviceAbsent);
        var standing = (await ClaimsAsync()).Where(c => c.Phase != Phase.Released).Select(c => c.Id).Except([attached.Id, waiting.Id], StringComparer.Ordinal).ToList();
        var ended = await Api.CallAsync<Claim>("GetClaim", new GetClaimRequest { Id = beforeTheCopy });
        var unknown = await RefusalAsync(() => GetClaimAsync(later));
        Assert.Multiple(() =>
        {
            Assert.That(complaints, Is.Empty);
            Assert.That(standing, Is.SubsetOf(duringTheCopy));
            Assert.That(standing, Has.Count.LessThanOrEqualTo(1), "at each moment one of them stood, or none");
            Assert.That(ended.Phase, Is.EqualTo(Phase.Released));
            Assert.That(unknown.Code, Is.EqualTo(ErrorCode.ErrorClaimNotFound));
        });
        Assert.That(await OursAsync(guest), Is.EqualTo(aliases));
        Assert.That(await guest.SaidAsync(mark), Is.Empty, "the guest's devices changed");
    }

    /// <summary>A device that is never plugged in.</summary>
    private static string Absent(string name) => $"serial:303a:6001:BK-{name}";

    /// <summary>
    /// Copies the database while claims are made and released. Gives the id of the last one that was released before, and the ids of those that stood
    /// at some time of the copy.
    /// </summary>
    private static async Task<(string Before, IReadOnlyList<string> During)> CopyUnderLoadAsync(GuestVm guest)
    {
        var made = new List<string>();
        var isEnough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isCopied = false;
        var load = LoadAsync();
        await Task.WhenAny(isEnough.Task, load);
        var before = made.Count;
        try
        {
            await Host.DoAsync($"{Harness.Daemon.Client} backup {Copy}");
        }
        finally
        {
            Volatile.Write(ref isCopied, true);
            await load;
        }

        Assert.That(made, Has.Count.GreaterThan(before).And.Count.LessThan(MostMade), "claims came and went for as long as the copy was made");
        return (made[before - 2], made[(before - 1)..]);

        async Task LoadAsync()
        {
            for (var i = 0; i < MostMade && !Volatile.Read(ref isCopied); i++)
            {
                var claim = await Api.CallAsync<Claim>("CreateClaim", new CreateClaimRequest { Device = Absent($"{i}"), Guest = guest.Name });
                made.Add(claim.Id);
                await Api.CallAsync<Claim>("ReleaseClaim", new ReleaseClaimRequest { Id = claim.Id });
                if (i == MadeBefore)
                {
                    isEnough.TrySetResult();
                }
            }
        }
    }

    /// <summary>As usbhostd(8) says how a copy is put back; gives what the daemon then complains of.</summary>
    private static async Task<string> RestartWithTheCopyAsync()
    {
        await Host.DoAsync($"""
            [ "$(/usr/bin/python3 -S -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone())' {Copy})" = ok ]
            """);
        await Daemon.TerminateAsync();
        await Host.DoAsync($"rm -f {Database} {Database}-wal; install -o usbhostd -g usbhostd -m 600 {Copy} {Database}; rm {Copy}");
        var mark = await Host.MarkAsync(Harness.Daemon.Log);
        await Daemon.StartAsync();
        await Host.WaitLineAsync(Harness.Daemon.Log, "Connected to libvirt", mark, Within.Moments);
        return await Host.DoAsync($"tail -c +{mark + 1} {Harness.Daemon.Log} | sed -n '/^<[0-4]>/p'");
    }
}
