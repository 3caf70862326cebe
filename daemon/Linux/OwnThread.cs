// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Linux;

/// <summary>
/// Runs work that blocks, each on a thread of its own. The threads of the pool answer the doors: some calls to a libvirt that hangs would take them all.
/// </summary>
internal static class OwnThread
{
    /// <summary>Runs it; what it throws is in the task.</summary>
    public static Task<T> RunAsync<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <inheritdoc cref="RunAsync{T}(Func{T})"/>
    public static Task RunAsync(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
