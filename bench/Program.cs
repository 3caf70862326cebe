using UsbHostd.Bench;

string[] all = ["event", "enumerate", "start", "memory", "idle", "cli"];
var wanted = args.Length == 0 ? all : args;
using var host = new Host();
using var libvirtd = Libvirtd.Reach();
var libvirt = libvirtd.WhyNot is null ? "qemu:///system" : ProcessFigures.NoLibvirt;
var load = Load();

// Watched while the rest is measured: it does nothing, which the rest can't disturb.
var idle = wanted.Contains("idle") ? ProcessFigures.IdleAsync(host.Root, libvirt, libvirtd.WhyNot is null ? "present" : "absent", TimeSpan.FromSeconds(60)) : null;
List<Figure> figures = [];
if (wanted.Contains("event"))
{
    figures.Add(EventCost.Measure());
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

if (wanted.Contains("memory"))
{
    figures.Add(await ProcessFigures.MemoryAsync(host.Root, libvirt, host.Ports));
}

if (wanted.Contains("cli"))
{
    figures.Add(CliFigure.Measure(host.Root, libvirtd));
}

if (idle is not null)
{
    figures.Add(await idle);
}

Console.WriteLine($"load average {load} before, {Load()} after, {Environment.ProcessorCount} processors");
Figures.Write(Console.Out, figures);
return 0;

static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3));
