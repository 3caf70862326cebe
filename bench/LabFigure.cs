// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Bench;

/// <summary>
/// In the lab, from the plug to the line on the guest's console: a claim of ours beside what administrators write by hand, a udev rule
/// that runs virsh attach-device. Two sticks, by turns in the same port of the same host, for the same guest.
/// </summary>
internal static class LabFigure
{
    private const string What = "plug to visible in the guest";
    private const string Aim = "<= 0.5 x udev rule";
    private const string Port = "x0.5";
    private const string OurSerial = "BENCH-OURS";
    private const string PeerSerial = "BENCH-PEER";
    private const int Pairs = 10;

    // In L1. udev runs it for each add and remove; on a remove the guest's entry goes by the numbers that the device had.
    private const string Rule = """
        set -e
        cat >/run/lab/bench-attach <<'SH'
        #!/bin/sh
        [ "$1" = add ] && verb=attach-device || verb=detach-device
        printf "<hostdev mode='subsystem' type='usb'><source><address bus='%d' device='%d'/></source></hostdev>" "$(expr "$BUSNUM" + 0)" "$(expr "$DEVNUM" + 0)" >/run/lab/bench.xml
        exec virsh -q "$verb" alpha /run/lab/bench.xml --live >>/run/lab/bench-attach.log 2>&1
        SH
        chmod 755 /run/lab/bench-attach
        mkdir -p /run/udev/rules.d
        cat >/run/udev/rules.d/99-bench.rules <<'RULES'
        SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ACTION=="add", ATTR{serial}=="BENCH-PEER", RUN+="/run/lab/bench-attach add"
        SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ACTION=="remove", ENV{ID_SERIAL_SHORT}=="BENCH-PEER", RUN+="/run/lab/bench-attach remove"
        RULES
        udevadm control --reload
        """;

    public static async Task<Figure> MeasureAsync()
    {
        await Console.Error.WriteLineAsync($"bench: {What}: boots a host and a guest in it, and plugs {2 * Pairs} times; three to four minutes");
        await Tool.RunAsync(Path.Combine(Lab.Harness.Repository.Bed, "build.sh"));
        await using var host = await HostVm.BootAsync();
        await new Lab.Harness.Libvirtd(host).StartAsync();
        var daemon = new Lab.Harness.Daemon(host);
        await daemon.StartAsync();
        using var api = new ApiClient(daemon.ConnectAsync);
        var guest = new GuestVm(host, "alpha");
        await guest.EnsureRunningAsync();
        await host.DoAsync(Rule);
        var (ours, peer) = (await QemuDevice.StickAsync(host, OurSerial), await QemuDevice.StickAsync(host, PeerSerial));
        await ours.PlugAsync(Port);
        await api.CallAsync<Claim>("CreateClaim", new CreateClaimRequest { Device = "serial:" + OurSerial, Guest = guest.Name });
        await guest.SeesAsync("46f4:0001:" + OurSerial);
        await PullAsync(guest, ours, OurSerial);

        List<TimeSpan> us = [], them = [];
        for (var i = 0; i < Pairs; i++)
        {
            us.Add(await PlugAsync(guest, ours, OurSerial));
            them.Add(await PlugAsync(guest, peer, PeerSerial));
        }

        var (our, their) = (Figures.Median(us), Figures.Median(them));
        return new Figure(What, Figures.Time(our), $"{Figures.Time(their)} udev rule", our / their, Aim, our <= their / 2)
        {
            Notes =
            [
                $"ours: {string.Join(", ", us.Select(Figures.Time))}",
                $"udev rule: {string.Join(", ", them.Select(Figures.Time))}",
                "both hold what udev, libvirt, QEMU and the guest take, about 1 s of it (docs/adr/0012-plug-to-guest.md)",
            ],
        };
    }

    private static async Task<TimeSpan> PlugAsync(GuestVm guest, QemuDevice stick, string serial)
    {
        var mark = await guest.MarkAsync();
        var seen = guest.SeesAsync("46f4:0001:" + serial, mark);
        var start = Stopwatch.GetTimestamp();
        await stick.PlugAsync(Port);
        await seen;
        var took = Stopwatch.GetElapsedTime(start);
        await PullAsync(guest, stick, serial);
        return took;
    }

    private static async Task PullAsync(GuestVm guest, QemuDevice stick, string serial)
    {
        var mark = await guest.MarkAsync();
        await stick.PullAsync();
        await guest.NoLongerSeesAsync("46f4:0001:" + serial, mark);
    }
}
