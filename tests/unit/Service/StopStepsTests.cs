// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Daemon;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class StopStepsTests
{
    private const int StepFailed = 1009;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly ManualTime time = new();
    private RecordedLog log = null!;
    private StopSteps steps = null!;

    [SetUp]
    public void SetUp()
    {
        log = new RecordedLog();
        steps = new StopSteps(Patience, time, log.CreateLogger("UsbHostd.Stop"));
    }

    [TearDown]
    public void TearDown() => log.Dispose();

    [Test]
    public async Task RunAsync_StepThatThrows_IsLoggedAndPassedOver()
    {
        var jailIsOpen = false;
        await steps.RunAsync("the door on D-Bus", () => throw new ObjectDisposedException("gone"));
        await steps.RunAsync("the door for gRPC", () => Task.FromException(new InvalidOperationException()));
        steps.Run("opening the jail", () => jailIsOpen = true);

        Assert.That(jailIsOpen, Is.True);
        Assert.That(log.Entries.Select(e => e.Id), Is.EqualTo([StepFailed, StepFailed]));
    }

    [Test]
    public async Task RunAsync_StepThatHangs_IsLeftAlone()
    {
        var step = steps.RunAsync("the door on D-Bus", () => new TaskCompletionSource().Task);

        time.Advance(Patience, () => { });
        await step.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(log.Entries.Single().Text, Does.Contain("the door on D-Bus"));
    }
}
