// SPDX-License-Identifier: Apache-2.0
using System.Text;
using UsbHostd.Cli.Interactive;

namespace UsbHostd.Cli;

/// <summary>Where a command writes, and what it may know of its surroundings.</summary>
/// <param name="Width">Columns of the terminal; null where the output is no terminal, and tables then have their full width.</param>
/// <param name="Environment">The value of a variable, or null.</param>
internal sealed record CliTerminal(TextWriter Out, TextWriter Error, int? Width, Func<string, string?> Environment)
{
    private const int StandardOutputFd = 1;
    private const int StandardErrorFd = 2;

    /// <summary>A terminal without a size (a serial console) says 0, and is not made to fit.</summary>
    private const int Narrowest = 20;

    /// <summary>What is read where a file is named <c>-</c>; opened only then.</summary>
    public Func<Stream> OpenInput { get; init; } = () => Stream.Null;

    /// <summary>The terminal that a person sits at; null where the input or the output is none.</summary>
    public Tty? Tty { get; init; }

    /// <summary>Whether it can do no more than show line below line.</summary>
    public bool IsDumb => Environment("TERM") is null or "" or "dumb";

    /// <summary>Whether colours may be shown: on a terminal that has them, unless NO_COLOR is set to something (no-color.org).</summary>
    public bool IsColored { get; init; }

    /// <summary>As <see cref="IsColored"/>, but as --color says where that is not "auto".</summary>
    public CliTerminal Colored(string? color) => color is null or "auto" ? this : this with { IsColored = color == "always" };

    /// <summary>The process's own; not through Console, which sends a terminal what only full-screen programs need.</summary>
    public static CliTerminal OfProcess() => new(
        Writer(StandardOutputFd), Writer(StandardErrorFd, autoFlush: true), WidthNow(), System.Environment.GetEnvironmentVariable)
    {
        OpenInput = Console.OpenStandardInput,
        Tty = Tty.OfProcess(),
        IsColored = Tty.IsTerminal(StandardOutputFd) && HasColors(System.Environment.GetEnvironmentVariable),
    };

    /// <summary>Columns of the process's output, as they are now.</summary>
    public static int? WidthNow() => Tty.SizeOf(StandardOutputFd) is { Columns: >= Narrowest and var columns } ? columns : null;

    /// <summary>Whether a terminal in such surroundings may be sent colours.</summary>
    public static bool HasColors(Func<string, string?> environment) =>
        environment("NO_COLOR") is null or "" && environment("TERM") is not (null or "" or "dumb");

    private static StreamWriter Writer(int fd, bool autoFlush = false) =>
        new(new DescriptorStream(fd), new UTF8Encoding(false), 4096) { AutoFlush = autoFlush };
}
