// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Configuration;

/// <summary>The daemon's command line. Everything else is in the configuration file.</summary>
/// <param name="ConfigurationPath">Null for the default file.</param>
internal sealed record DaemonArguments(string? ConfigurationPath, DaemonMode Mode)
{
    public const string Usage =
        """
        usage: usbhostd [--config FILE]
               usbhostd [--config FILE] --check-config
               usbhostd --version | --help

        Keeps USB devices of this host attached to the libvirt guests that claim them.

          --config FILE    read FILE instead of /etc/usbhostd/usbhostd.conf; it must exist
          --check-config   check the configuration, print it in full, and end
          --version        print the version, and end
          --help           print this, and end
        """;

    /// <exception cref="ConfigurationException">An option that there isn't, or without its value.</exception>
    public static DaemonArguments Parse(IReadOnlyList<string> arguments)
    {
        string? path = null;
        var mode = DaemonMode.Run;
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--config" when i + 1 < arguments.Count:
                    path = arguments[++i];
                    break;
                case "--config":
                    throw new ConfigurationException("--config: found nothing after it, expected a file");
                case var option when option.StartsWith("--config=", StringComparison.Ordinal):
                    path = option["--config=".Length..];
                    break;
                case "--check-config":
                    mode = DaemonMode.CheckConfiguration;
                    break;
                case "--version":
                    mode = DaemonMode.Version;
                    break;
                case "--help" or "-h":
                    mode = DaemonMode.Help;
                    break;
                case var other:
                    throw new ConfigurationException($"found argument {other}, expected --config FILE, --check-config, --version or --help");
            }
        }

        return new DaemonArguments(path, mode);
    }
}

internal enum DaemonMode
{
    Run,
    CheckConfiguration,
    Version,
    Help,
}
