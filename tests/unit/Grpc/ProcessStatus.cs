// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Grpc;

/// <summary>Numbers of a line of /proc/PID/status (proc(5)).</summary>
internal static class ProcessStatus
{
    /// <param name="field">With its colon, <c>Groups:</c>.</param>
    public static List<uint> Ids(string[] status, string field) =>
        [.. status.Single(line => line.StartsWith(field, StringComparison.Ordinal))[field.Length..]
            .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse)];
}
