namespace UsbHostd.Cli;

/// <summary>Where a command writes, and what it may know of its surroundings.</summary>
/// <param name="Width">Columns of the terminal; null where the output is no terminal, and tables then have their full width.</param>
/// <param name="Environment">The value of a variable, or null.</param>
internal sealed record CliTerminal(TextWriter Out, TextWriter Error, int? Width, Func<string, string?> Environment)
{
    private const int Unusable = 20;

    public static CliTerminal OfProcess() =>
        new(Console.Out, Console.Error, Console.IsOutputRedirected ? null : WidthOfConsole(), System.Environment.GetEnvironmentVariable);

    // A terminal without a size (a serial console) says 0.
    private static int? WidthOfConsole() => Console.WindowWidth is var width and >= Unusable ? width : null;
}
