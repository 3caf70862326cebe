// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Errors;

/// <summary>The configuration or the command line can't be used; each problem says where, what was found and what was expected.</summary>
internal sealed class ConfigurationException(IReadOnlyList<string> problems)
    : Exception(string.Join('\n', problems))
{
    public ConfigurationException(string problem)
        : this([problem])
    {
    }

    public IReadOnlyList<string> Problems { get; } = problems;
}
