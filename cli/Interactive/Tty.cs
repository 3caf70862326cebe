// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace UsbHostd.Cli.Interactive;

/// <summary>
/// The terminal on the standard input and output. Its modes are set by termios(3) and never through Console, which takes over signals
/// and echo for the rest of the process.
/// </summary>
internal sealed partial class Tty
{
    // asm-generic/ioctls.h.
    private const nuint TiocGWinSz = 0x5413;

    // asm-generic/termbits.h; after what was written is shown, and without losing what was typed ahead.
    private const int TcsaDrain = 1;

    /// <summary>More than the 60 bytes of struct termios; what is in it is cfmakeraw's business.</summary>
    private const int TermiosBytes = 256;

    private const int Interrupted = 4;

    // asm-generic/poll.h.
    private const short PollIn = 1;

    /// <summary>What a terminal that doesn't know its size is taken for, as by ncurses.</summary>
    private const int UsualColumns = 80;
    private const int UsualRows = 24;

    private readonly int input;
    private readonly int output;

    private Tty(int input, int output)
    {
        this.input = input;
        this.output = output;
    }

    /// <summary>Columns and rows, as they are now.</summary>
    public (int Columns, int Rows) Size => SizeOf(output) ?? (UsualColumns, UsualRows);

    /// <summary>Null unless both the standard input and the standard output are terminals.</summary>
    public static Tty? OfProcess() => IsTerminal(0) && IsTerminal(1) ? new Tty(0, 1) : null;

    public static bool IsTerminal(int descriptor) => IsATty(descriptor) == 1;

    /// <summary>Columns and rows of the terminal behind a descriptor; null where there is none, or one without a size (a serial console).</summary>
    public static (int Columns, int Rows)? SizeOf(int descriptor) =>
        IoCtl(descriptor, TiocGWinSz, out var size) == 0 && size is { Columns: > 0, Rows: > 0 } ? (size.Columns, size.Rows) : null;

    /// <summary>Each key by itself, unseen and uninterpreted, until disposed.</summary>
    /// <param name="before">Written to the terminal when it is taken.</param>
    /// <param name="after">Written when it is put back.</param>
    /// <exception cref="IOException">The terminal is gone.</exception>
    public RawMode Raw(string before = "", string after = "")
    {
        var modes = new byte[TermiosBytes];
        if (TcGetAttr(input, modes) != 0)
        {
            throw new IOException("can't read the modes of the terminal: " + new Win32Exception().Message);
        }

        return new RawMode(
            () =>
            {
                Write(after);
                _ = TcSetAttr(input, TcsaDrain, modes);
            },
            () =>
            {
                Enter(modes);
                Write(before);
            });
    }

    /// <summary>Writes at once, past all buffers. A terminal that is gone takes nothing, and is no error: whoever reads it learns that.</summary>
    public void Write(string text)
    {
        try
        {
            new DescriptorStream(output).Write(Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            // Said above.
        }
    }

    /// <summary>Waits for something to read; false where it was woken up instead.</summary>
    public bool Wait(WakeUp wakeUp)
    {
        Span<PollFd> descriptors = [new PollFd(input, PollIn), new PollFd(wakeUp.Descriptor, PollIn)];
        int ready;
        do
        {
            ready = Poll(descriptors, (nuint)descriptors.Length, -1);
        }
        while (ready < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        return ready > 0 && descriptors[1].Returned == 0;
    }

    /// <summary>The next bytes; none once the terminal is gone.</summary>
    public int Read(Span<byte> buffer)
    {
        nint read;
        do
        {
            read = ReadOnce(input, buffer, (nuint)buffer.Length);
        }
        while (read < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        return (int)Math.Max(0, read);
    }

    private void Enter(byte[] before)
    {
        var raw = (byte[])before.Clone();
        CfMakeRaw(raw);
        _ = TcSetAttr(input, TcsaDrain, raw);
    }

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsATty(int descriptor);

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int TcGetAttr(int descriptor, Span<byte> termios);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    private static partial int TcSetAttr(int descriptor, int actions, ReadOnlySpan<byte> termios);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void CfMakeRaw(Span<byte> termios);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadOnce(int descriptor, Span<byte> buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(Span<PollFd> descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int IoCtl(int descriptor, nuint request, out WindowSize size);

    // struct pollfd (poll(2)).
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct PollFd(int Descriptor, short Wanted)
    {
        public readonly short Returned;
    }

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
