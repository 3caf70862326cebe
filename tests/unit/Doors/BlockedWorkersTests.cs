// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Attach;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Doors;

/// <summary>
/// A libvirt that answers nothing, with all workers in calls to it, and a thread pool with no more threads than there are workers. The tests wait
/// on their own thread: what they wait for needs the pool.
/// </summary>
[TestFixture]
[NonParallelizable]
internal sealed class BlockedWorkersTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<HostEvent> events = Channel.CreateUnbounded<HostEvent>();
    private readonly FakeHost host = new();
    private BlockingAttacher libvirt = null!;
    private ActionRunner runner = null!;
    private (int Workers, int Completions) least;
    private (int Workers, int Completions) most;

    [SetUp]
    public void SetUp()
    {
        libvirt = new BlockingAttacher();
        runner = new ActionRunner(libvirt, host, host, host, NullLogger<ActionRunner>.Instance);
        ThreadPool.GetMinThreads(out least.Workers, out least.Completions);
        ThreadPool.GetMaxThreads(out most.Workers, out most.Completions);
        var few = Math.Max(ActionRunner.MostAtOnce, Environment.ProcessorCount);
        ThreadPool.SetMinThreads(1, least.Completions);
        ThreadPool.SetMaxThreads(few, most.Completions);
    }

    [TearDown]
    public void TearDown()
    {
        libvirt.Answer();
        ThreadPool.SetMaxThreads(most.Workers, most.Completions);
        ThreadPool.SetMinThreads(least.Workers, least.Completions);
        libvirt.Over.Wait(Patience);
        runner.Dispose();
        libvirt.Dispose();
    }

    [Test]
    public void Call_WhileAllWorkersWaitForLibvirt_IsAnswered()
    {
        var starting = GrpcFixture.StartAsync();
        Assert.That(starting.Wait(Patience), Is.True);
        var grpc = starting.Result;
        grpc.Service.On<GetVersionRequest>(_ => new Api.V1.Version { Daemon = "1" });
        BlockAll();

        var asked = grpc.Client.GetVersionAsync(new GetVersionRequest());

        Assert.That(asked.Wait(Patience), Is.True, "no thread was left for the door");
        Assert.That(asked.Result.Daemon, Is.EqualTo("1"));
        libvirt.Answer();
        grpc.DisposeAsync().AsTask().Wait(Patience);
    }

    [Test]
    public void ActionOfTheHost_WhileAllWorkersWaitForLibvirt_IsRun()
    {
        BlockAll();

        runner.Start(new HostAction.LookAtDevice(ClaimId.Of(Guid.NewGuid()), "/sys/devices/none"), events.Writer);

        var told = events.Reader.ReadAsync().AsTask();
        Assert.That(told.Wait(Patience), Is.True, "a jailed device would not be confined");
        Assert.That(told.Result, Is.InstanceOf<HostEvent.ActionFinished>().With.Property("Action").InstanceOf<HostAction.LookAtDevice>());
    }

    private void BlockAll()
    {
        host.Plug(Some.Stick(), "1-4");
        var device = host.Devices[0].Seen();
        for (var i = 0; i < ActionRunner.MostAtOnce; i++)
        {
            runner.Start(new HostAction.AttachDevice(ClaimId.Of(Guid.NewGuid()), new GuestId(Guid.NewGuid()), device, Policy.Rules.GuestReset.Off, Unguarded: null), events.Writer);
        }

        Assert.That(libvirt.AllCalled.Wait(Patience), Is.True);
    }

    private sealed class BlockingAttacher : IAttacher, IDisposable
    {
        private readonly ManualResetEventSlim answer = new();

        public CountdownEvent AllCalled { get; } = new(ActionRunner.MostAtOnce);

        public CountdownEvent Over { get; } = new(ActionRunner.MostAtOnce);

        public ActionOutcome Attach(HostAction.AttachDevice action)
        {
            AllCalled.Signal();
            answer.Wait();
            Over.Signal();
            return new ActionOutcome.Done();
        }

        public ActionOutcome Detach(HostAction.DetachDevice action) => new ActionOutcome.Done();

        public void Answer() => answer.Set();

        public void Dispose()
        {
            AllCalled.Dispose();
            Over.Dispose();
            answer.Dispose();
        }
    }
}
