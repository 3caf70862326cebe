// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Bench;

/// <summary>One enumeration as the daemon does it, beside a run of lsusb over the same devices.</summary>
internal static class EnumerationFigure
{
    private const string What = "enumeration of 500 devices";
    private const int Devices = 500;

    public static Figure Measure()
    {
        try
        {
            using var mocked = MockedDevices.Make(Devices);
            return Measure(mocked);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return Figure.Skipped(What, "-", e.Message);
        }
    }

    private static Figure Measure(MockedDevices mocked)
    {
        var options = new UsbHostOptions { Sysfs = $"{mocked.Root}/sys", Proc = $"{mocked.Root}/proc", Run = $"{mocked.Root}/run", Dev = $"{mocked.Root}/dev" };
        List<TimeSpan> ours = [], lsusb = [], nothing = [];
        for (var i = 0; i < 12; i++)
        {
            ours.Add(Enumerate(options));
            lsusb.Add(Command.Run("lsusb", [], mocked.Enter) switch
            {
                (0, var text, var took) when text.Count(c => c == '\n') == Devices => took,
                var (code, text, _) => throw new IOException($"lsusb: exit status {code}, {text.Count(c => c == '\n')} lines"),
            });
            nothing.Add(Command.Run("lsusb", ["--version"], mocked.Enter).Took);
        }

        var (us, them) = (Figures.Median(ours.Skip(1)), Figures.Median(lsusb.Skip(1)));
        return new Figure(What, Figures.Time(us), $"{Figures.Time(them)} lsusb", us / them, "-", null)
        {
            Notes =
            [
                $"in a test bed of umockdev's: lsusb sees it through umockdev's preloaded library, which costs it time; ours has its sysfs root there",
                $"the first one in a process: {Figures.Time(ours[0])}; lsusb --version: {Figures.Time(Figures.Median(nothing.Skip(1)))}",
            ],
        };
    }

    /// <summary>As at the daemon's start and after lost events: a new reader, all attributes, descriptors, uses and names.</summary>
    private static TimeSpan Enumerate(UsbHostOptions options)
    {
        var events = Channel.CreateUnbounded<HostEvent>();
        var start = Stopwatch.GetTimestamp();
        new UsbObserver(new SysfsReader(options, new SysfsFiles()), events.Writer, NullLogger.Instance).Enumerate();
        var took = Stopwatch.GetElapsedTime(start);
        return events.Reader.TryRead(out var read) && read is HostEvent.DevicesEnumerated { Devices.Length: Devices }
            ? took
            : throw new IOException($"{(read as HostEvent.DevicesEnumerated)?.Devices.Length} devices were found");
    }
}
