// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Configuration;

/// <summary>One key of the file: its name, what it takes, and the way into and out of <see cref="DaemonConfiguration"/>.</summary>
/// <param name="Expected">Completes "expected": <c>an absolute path</c>.</param>
/// <param name="Show">The value as the file would have it.</param>
/// <param name="Set">The configuration with the value; null where the text isn't <paramref name="Expected"/>.</param>
internal sealed record ConfigurationKey(
    string Section, string Name, string Expected, Func<DaemonConfiguration, string> Show,
    Func<DaemonConfiguration, string, DaemonConfiguration?> Set)
{
    public string Default { get; } = Show(new DaemonConfiguration());
}
