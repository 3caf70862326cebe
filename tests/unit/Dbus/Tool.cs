using System.Diagnostics;

namespace UsbHostd.Tests.Dbus;

/// <summary>Programs of others, run as a user would.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
        Environment = { ["LC_ALL"] = "C.UTF-8" },
    })!;

    /// <summary>To its end.</summary>
    public static async Task<(int Exit, string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Lines of its output until one has all these texts.</summary>
    public static async Task<string> ReadUntilAsync(this Process process, params string[] texts)
    {
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            lines.Add(line);
            if (texts.All(t => lines.Exists(l => l.Contains(t, StringComparison.Ordinal))))
            {
                return string.Join('\n', lines);
            }
        }

        throw new InvalidOperationException($"it ended before it said {string.Join(" and ", texts)}: {string.Join('\n', lines)}");
    }
}
