// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace UsbHostd.Bench;

/// <summary>libvirt on this host: the one that runs, else one that is started here and stopped again.</summary>
internal sealed class Libvirtd : IDisposable
{
    private static readonly string[] Programs = ["/usr/sbin/virtlogd", "/usr/sbin/libvirtd"];

    private readonly List<Process> started = [];

    private Libvirtd(string? whyNot) => WhyNot = whyNot;

    /// <summary>Null where qemu:///system answers.</summary>
    public string? WhyNot { get; private set; }

    public static Libvirtd NotNeeded() => new("nobody asked for it");

    public static Libvirtd Reach()
    {
        if (Answers())
        {
            return new Libvirtd(null);
        }

        if (Environment.UserName != "root" || !Programs.All(File.Exists))
        {
            return new Libvirtd("libvirtd is not running, and can't be started here");
        }

        Directory.CreateDirectory("/var/log/libvirt/qemu");
        Directory.CreateDirectory("/var/cache/libvirt/qemu");
        var libvirtd = new Libvirtd(null);
        try
        {
            foreach (var program in Programs)
            {
                libvirtd.started.Add(Readiness.Start(new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true }));
            }
        }
        catch (IOException e)
        {
            libvirtd.WhyNot = e.Message;
            return libvirtd;
        }

        libvirtd.WhyNot = Answers() ? null : "libvirtd was started, and does not answer";
        return libvirtd;
    }

    /// <summary>Null where it was started here, so that nobody else's guests wait for it.</summary>
    public string? WhyNoPause => started.Count > 0 ? null : "libvirtd is somebody else's, and is not stopped";

    /// <summary>It answers nothing until this is disposed.</summary>
    public IDisposable Pause()
    {
        var process = started[^1].Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Signal("-STOP", process);
        return new Paused(process);
    }

    public void Dispose()
    {
        foreach (var process in started)
        {
            using (process)
            {
                process.Kill();
                process.WaitForExit();
            }
        }
    }

    private static bool Answers() => Command.Run("virsh", ["-q", "-c", "qemu:///system", "uri"]).ExitCode == 0;

    private static void Signal(string signal, string process) => Command.Run("kill", [signal, process]);

    private sealed class Paused(string process) : IDisposable
    {
        public void Dispose() => Signal("-CONT", process);
    }
}
