// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

[TestFixture]
[NonParallelizable]
internal sealed class LibvirtEventsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private LibvirtEventLoop _loop = null!;
    private LibvirtConnection _connection = null!;
    private LibvirtDomain _domain = null!;

    [SetUp]
    public void Start()
    {
        _loop = LibvirtEventLoop.Start();
        _connection = LibvirtConnection.Open("test:///default");
        _domain = _connection.LookupByName("test");
    }

    [TearDown]
    public void Stop()
    {
        _domain.Dispose();
        _connection.Dispose();
        _loop.Dispose();
    }

    [Test]
    public async Task Destroy_ReachesTheSink()
    {
        var events = Channel.CreateUnbounded<LibvirtEvent>();
        using var subscription = _connection.RegisterEvents(e => events.Writer.TryWrite(e));
        _domain.Destroy();
        Assert.That(
            await Next(events),
            Is.EqualTo(new LibvirtEvent.Lifecycle(_domain.Uuid, "test", DomainEventType.Stopped, (int)DomainEventStoppedDetail.Destroyed)));
    }

    [Test]
    public async Task Create_ReachesTheSinkAfterDestroy()
    {
        var events = Channel.CreateUnbounded<LibvirtEvent>();
        using var subscription = _connection.RegisterEvents(e => events.Writer.TryWrite(e));
        _domain.Destroy();
        _domain.Create();
        _ = await Next(events);
        Assert.That(
            await Next(events) is LibvirtEvent.Lifecycle { Type: DomainEventType.Started, Started: DomainEventStartedDetail.Booted, Stopped: null });
    }

    [Test]
    public async Task Sink_Throwing_IsKeptAndTheNextEventStillComes()
    {
        var events = Channel.CreateUnbounded<LibvirtEvent>();
        using var subscription = _connection.RegisterEvents(e =>
        {
            if (e is LibvirtEvent.Lifecycle { Type: DomainEventType.Stopped })
            {
                throw new InvalidDataException("of the sink");
            }

            events.Writer.TryWrite(e);
        });
        _domain.Destroy();
        _domain.Create();
        _ = await Next(events);
        Assert.That(_connection.SinkFailure, Is.InstanceOf<InvalidDataException>());
    }

    [Test]
    public async Task Dispose_OfASubscription_SilencesOnlyIt()
    {
        var first = Channel.CreateUnbounded<LibvirtEvent>();
        var second = Channel.CreateUnbounded<LibvirtEvent>();
        _connection.RegisterEvents(e => first.Writer.TryWrite(e)).Dispose();
        using var subscription = _connection.RegisterEvents(e => second.Writer.TryWrite(e));
        _domain.Destroy();
        _ = await Next(second);
        Assert.That(first.Reader.Count, Is.Zero);
    }

    [Test]
    public void RegisterEvents_Twice_IsRefused()
    {
        using var subscription = _connection.RegisterEvents(_ => { });
        Assert.That(() => _connection.RegisterEvents(_ => { }), Throws.InvalidOperationException);
    }

    [Test]
    public void RegisterEvents_AfterDispose_Throws()
    {
        _connection.Dispose();
        Assert.That(() => _connection.RegisterEvents(_ => { }), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Dispose_OfTheConnection_EndsTheSubscription()
    {
        var before = LibvirtEventSubscription.LiveCount;
        var subscription = _connection.RegisterEvents(_ => { });
        _connection.Dispose();
        subscription.Dispose();
        Assert.That(LibvirtEventSubscription.LiveCount, Is.EqualTo(before));
    }

    [Test]
    public void RegisterEvents_AThousandTimes_KeepsNoSink()
    {
        var sinks = new WeakReference[1000];
        for (var i = 0; i < sinks.Length; i++)
        {
            sinks[i] = RegisterAndDispose();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.That(sinks.Count(s => s.IsAlive), Is.Zero);
    }

    /// <summary>Apart, so that no register or stack slot of the test keeps the sink.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference RegisterAndDispose()
    {
        var sink = new List<LibvirtEvent>();
        _connection.RegisterEvents(sink.Add).Dispose();
        return new WeakReference(sink);
    }

    private static async Task<LibvirtEvent> Next(Channel<LibvirtEvent> events)
    {
        using var timeout = new CancellationTokenSource(Patience);
        return await events.Reader.ReadAsync(timeout.Token);
    }
}
