// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace UsbHostd.Bench;

/// <summary>Starts programs that tell when they are ready as sd_notify(3) describes it: the bench is their service manager.</summary>
internal static class Readiness
{
    private const string Ready = "READY=1";
    private const string Ended = "ended";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Returns once the program has said that it is ready.</summary>
    /// <exception cref="IOException">It can't be run, ended, or said nothing for a minute; with what it printed.</exception>
    public static Process Start(ProcessStartInfo start)
    {
        var folder = Directory.CreateTempSubdirectory("usbhostd-bench-").FullName;
        try
        {
            var path = $"{folder}/notify.sock";
            using var notify = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            notify.Bind(new UnixDomainSocketEndPoint(path));
            notify.ReceiveTimeout = (int)Patience.TotalMilliseconds;
            start.Environment["NOTIFY_SOCKET"] = path;
            return Started(start, notify, path);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Started(ProcessStartInfo start, Socket notify, string path)
    {
        (start.UseShellExecute, start.RedirectStandardOutput, start.RedirectStandardError) = (false, true, true);
        var said = new StringBuilder();
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Keep(said, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(said, line.Data);
        EventHandler tell = (_, _) => Tell(path, Ended);
        process.Exited += tell;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var why = Wait(notify);
        process.Exited -= tell;
        if (why is null)
        {
            return process;
        }

        process.Kill();
        process.WaitForExit();
        process.Dispose();
        lock (said)
        {
            throw new IOException($"{start.FileName} {why}: {said}");
        }
    }

    /// <summary>Null once it is ready, else why it is not.</summary>
    private static string? Wait(Socket notify)
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var lines = Encoding.UTF8.GetString(buffer, 0, notify.Receive(buffer)).Split('\n');
                if (lines.Contains(Ready, StringComparer.Ordinal))
                {
                    return null;
                }

                if (lines.Contains(Ended, StringComparer.Ordinal))
                {
                    return "ended before it was ready";
                }
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return $"is not ready after {Patience.TotalSeconds:0} s";
        }
    }

    private static void Keep(StringBuilder said, string? line)
    {
        lock (said)
        {
            said.AppendLine(line);
        }
    }

    private static void Tell(string path, string what)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(what), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // Nobody waits any more.
        }
    }
}
