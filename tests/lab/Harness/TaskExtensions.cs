// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Lab.Harness;

internal static class TaskExtensions
{
    /// <summary>Says that nobody awaits this on purpose.</summary>
    public static void Forget(this Task task) => _ = task;
}
