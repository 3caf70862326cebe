// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Bench;

string[] all = ["event", "decide", "enumerate", "start", "history", "memory", "idle", "silence", "cli", "rules", "calls"];
if (args.Except([.. all, "lab"], StringComparer.Ordinal).FirstOrDefault() is { } unknown)
{
    await Console.Error.WriteLineAsync($"bench: there is no figure {unknown}; there are {string.Join(", ", all)} and lab");
    return 64;
}

var wanted = args.Length == 0 ? all : args;
var load = Load();
List<Figure> figures = [];
if (wanted.Contains("lab"))
{
    figures.Add(await LabFigure.MeasureAsync());
}

using var host = new Host();
using var libvirtd = wanted.Any(figure => figure is "start" or "memory" or "idle" or "silence" or "cli") ? Libvirtd.Reach() : Libvirtd.NotNeeded();
var libvirt = libvirtd.WhyNot is null ? "qemu:///system" : ProcessFigures.NoLibvirt;

// Watched while the rest is measured: it does nothing, which the rest can't disturb.
var idle = wanted.Contains("idle") ? ProcessFigures.IdleAsync(host.Root, libvirt, libvirtd.WhyNot is null ? "present" : "absent", TimeSpan.FromSeconds(60), TimeProvider.System) : null;
if (wanted.Contains("event"))
{
    figures.Add(EventCost.Measure());
}

if (wanted.Contains("decide"))
{
    figures.AddRange(DecideFigure.Measure());
}

if (wanted.Contains("enumerate"))
{
    figures.Add(EnumerationFigure.Measure());
}

if (wanted.Contains("start"))
{
    (string, string)[] libvirts = libvirtd.WhyNot is null ? [("absent", ProcessFigures.NoLibvirt), ("present", libvirt)] : [("absent", libvirt)];
    figures.AddRange(ProcessFigures.Start(host.Root, libvirts));
}

if (wanted.Contains("history"))
{
    figures.Add(HistoryFigure.Measure(host.Root));
}

if (wanted.Contains("memory"))
{
    figures.Add(await ProcessFigures.MemoryAsync(host.Root, libvirt, host.Ports));
}

if (wanted.Contains("silence"))
{
    figures.Add(await SilenceFigure.MeasureAsync(host.Root, libvirtd, host.Ports[0]));
}

if (wanted.Contains("cli"))
{
    figures.Add(CliFigure.Measure(host.Root, libvirtd));
}

if (wanted.Contains("rules"))
{
    figures.AddRange(RulesFigure.Measure());
}

if (wanted.Contains("calls"))
{
    figures.AddRange(await CallFigure.MeasureAsync());
}

if (idle is not null)
{
    figures.Add(await idle);
}

Console.WriteLine($"load average {load} before, {Load()} after, {Environment.ProcessorCount} processors");
Figures.Write(Console.Out, figures);
return 0;

static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3));
