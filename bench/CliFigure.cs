// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Bench;

/// <summary>usbhostctl device-list beside virsh list: a process each, made, connected, answered and printed.</summary>
internal static class CliFigure
{
    private const string What = "usbhostctl device-list";
    private const string Aim = "<= 3 x virsh list";
    private const int Pairs = 20;

    public static Figure Measure(string host, Libvirtd libvirtd)
    {
        if (libvirtd.WhyNot is { } why)
        {
            return Figure.Skipped(What, Aim, why);
        }

        using var daemon = Served.Daemon("qemu:///system", host);
        string[] list = ["--connect", "unix:" + daemon.Socket, "device-list"];
        string[] help = ["--help"];
        List<TimeSpan> ours = [], virsh = [], helps = [];
        for (var i = 0; i < Pairs + 2; i++)
        {
            ours.Add(Timed(Checkout.Cli, list));
            virsh.Add(Timed("virsh", ["-c", "qemu:///system", "list"]));
            helps.Add(Timed(Checkout.Cli, help));
        }

        // The first two of each find cold files.
        var (us, them) = (Figures.Median(ours.Skip(2)), Figures.Median(virsh.Skip(2)));
        return new Figure(What, Figures.Time(us), $"{Figures.Time(them)} virsh list", us / them, Aim, us <= 3 * them)
        {
            Notes = [$"usbhostctl --help, which calls nobody: {Figures.Time(Figures.Median(helps.Skip(2)))}"],
        };
    }

    private static TimeSpan Timed(string program, string[] arguments)
    {
        var run = Command.Run(program, arguments);
        return run.ExitCode == 0 ? run.Took : throw new IOException($"{program} {string.Join(' ', arguments)}: {run.Text}");
    }
}
