// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

[TestFixture]
internal sealed class CallGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Test]
    public void Enter_Fresh_LetsCallsOverlap()
    {
        var gate = new CallGate();
        using var mine = gate.Enter();
        Assert.That(EnterElsewhere(gate).Wait(Patience), Is.True);
    }

    [Test]
    public void Enter_OneAtATime_WaitsForTheTurnBefore()
    {
        var gate = new CallGate();
        gate.AllowOneAtATime();
        Task other;
        bool early;
        using (gate.Enter())
        {
            other = EnterElsewhere(gate);
            early = other.IsCompleted;
        }

        Assert.That((early, other.Wait(Patience)), Is.EqualTo((false, true)));
    }

    private static Task EnterElsewhere(CallGate gate)
    {
        var started = new TaskCompletionSource();
        var task = Task.Factory.StartNew(
            () =>
            {
                started.SetResult();
                using var turn = gate.Enter();
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        _ = started.Task.Wait(Patience);
        return task;
    }
}
