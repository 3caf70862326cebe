// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging.Console;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Logging;
using UsbHostd.Daemon.Rules;
using UsbHostd.Daemon.Store;
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Daemon;

/// <summary>The command line; usbhostd(8) documents it with its exit codes.</summary>
internal static class DaemonProgram
{
    /// <summary>The log is written to this descriptor.</summary>
    private const int StandardOutput = 1;

    private const string TimeOfLine = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";

    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var arguments = DaemonArguments.Parse(args);
            switch (arguments.Mode)
            {
                case DaemonMode.Help:
                    await Console.Out.WriteLineAsync(DaemonArguments.Usage).ConfigureAwait(false);
                    return ExitCode.Ok;
                case DaemonMode.Version:
                    await Console.Out.WriteLineAsync($"usbhostd {typeof(DaemonProgram).Assembly.GetName().Version?.ToString(3)}").ConfigureAwait(false);
                    return ExitCode.Ok;
                case DaemonMode.CheckConfiguration:
                    return ConfigurationFile.Check(arguments.ConfigurationPath, Console.Out, Console.Error);
                default:
                    return await ServeAsync(arguments.ConfigurationPath).ConfigureAwait(false);
            }
        }
        catch (ConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"usbhostd: {e.Message}\n\n{DaemonArguments.Usage}").ConfigureAwait(false);
            return ExitCode.Usage;
        }
    }

    private static async Task<int> ServeAsync(string? path)
    {
        try
        {
            var configuration = ConfigurationFile.Load(path);
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.Logging.SetMinimumLevel(configuration.LogLevel);
            builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
            builder.Logging.AddConsole(options => options.FormatterName = ConsoleFormatterNames.Systemd);
            if (!JournalStream.IsJournal(StandardOutput, Environment.GetEnvironmentVariable(JournalStream.Variable)))
            {
                // The journal has times of its own.
                builder.Services.Configure<ConsoleFormatterOptions>(options => (options.UseUtcTimestamp, options.TimestampFormat) = (true, TimeOfLine));
            }

            builder.Services.AddHostedService(services => new DaemonHost(
                configuration, services.GetRequiredService<ILoggerFactory>(), services.GetRequiredService<IHostApplicationLifetime>()));
            using var host = builder.Build();
            await host.RunAsync().ConfigureAwait(false);
            return Environment.ExitCode;
        }
        catch (Exception e) when (Explain(e) is { } exit)
        {
            await Console.Error.WriteLineAsync($"usbhostd: {e.Message}").ConfigureAwait(false);
            return exit;
        }
    }

    /// <summary>The exit code of a failure that its message explains; null for a fault of ours, which keeps its stack trace.</summary>
    private static int? Explain(Exception e) => e switch
    {
        ConfigurationException or RulesException => ExitCode.Configuration,
        StoreException => ExitCode.Database,
        JailException => ExitCode.Configuration,
        IOException or UnauthorizedAccessException or DllNotFoundException => ExitCode.Failed,
        _ => null,
    };
}
