using System.Runtime.InteropServices;
using System.Text;

namespace UsbHostd.Cli;

/// <summary>Where a command writes, and what it may know of its surroundings.</summary>
/// <param name="Width">Columns of the terminal; null where the output is no terminal, and tables then have their full width.</param>
/// <param name="Environment">The value of a variable, or null.</param>
internal sealed partial record CliTerminal(TextWriter Out, TextWriter Error, int? Width, Func<string, string?> Environment)
{
    private const int StandardOutputFd = 1;
    private const int StandardErrorFd = 2;

    // asm-generic/ioctls.h.
    private const nuint TiocGWinSz = 0x5413;

    /// <summary>A terminal without a size (a serial console) says 0, and is not made to fit.</summary>
    private const int Narrowest = 20;

    /// <summary>What is read where a file is named <c>-</c>; opened only then.</summary>
    public Func<Stream> OpenInput { get; init; } = () => Stream.Null;

    /// <summary>The process's own; not through Console, which sends a terminal what only full-screen programs need.</summary>
    public static CliTerminal OfProcess() => new(
        Writer(StandardOutputFd), Writer(StandardErrorFd, autoFlush: true), WidthOf(StandardOutputFd), System.Environment.GetEnvironmentVariable)
    {
        OpenInput = Console.OpenStandardInput,
    };

    private static StreamWriter Writer(int fd, bool autoFlush = false) =>
        new(new DescriptorStream(fd), new UTF8Encoding(false), 4096) { AutoFlush = autoFlush };

    private static int? WidthOf(int fd) =>
        IoCtl(fd, TiocGWinSz, out var size) == 0 && size.Columns >= Narrowest ? size.Columns : null;

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int IoCtl(int fd, nuint request, out WindowSize size);

    // struct winsize (ioctl_tty(2)).
    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort PixelsAcross;
        public ushort PixelsDown;
    }
}
