// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Threading.Channels;
using NUnit.Framework;
using NUnit.Framework.Constraints;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>What the library has no bound for: messages that the bus does not take, and calls that nobody answers.</summary>
[TestFixture]
internal sealed class BusBoundsTests
{
    private const int Many = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Text = new('x', 1000);

    private PrivateBus bus = null!;
    private Peer sender = null!;

    [SetUp]
    public async Task StartAsync()
    {
        bus = await PrivateBus.StartAsync();
        sender = await Peer.ConnectAsync(bus);
    }

    [TearDown]
    public async Task StopAsync()
    {
        sender.Dispose();
        await bus.DisposeAsync();
    }

    [Test]
    public async Task Signals_BusThatStandsStill_AreNotHandedOverBeyondABoundAndArriveAllWhenItGoesOn()
    {
        using var reader = await Peer.ConnectAsync(bus);
        await bus.FreezeAsync();
        var written = 0;

        var sent = Enumerable.Range(0, Many).Select(_ => SignalAsync(reader, () => Interlocked.Increment(ref written))).ToList();

        Assert.That((sent.Count(s => s.IsCompleted), written, sender.Connection.Window.Taken), Is.EqualTo((SendWindow.Most, SendWindow.Most, SendWindow.Most)));
        await bus.ThawAsync();
        await Task.WhenAll(sent).WaitAsync(Patience);
        await reader.SignalsAsync(Many);
        Assert.That(written, Is.EqualTo(Many));
    }

    [Test]
    public async Task Signals_ReaderThatStandsStill_LeaveNothingWithTheDaemon()
    {
        using var reader = await Peer.ConnectAsync(bus);
        reader.IsDeaf = true;

        for (var i = 0; i < Many; i++)
        {
            await SignalAsync(reader, () => { }).WaitAsync(Patience);
        }

        await sender.Connection.DrainAsync(Patience);
        Assert.That(sender.Connection.Window.Taken, Is.LessThan(SendWindow.Most));
        reader.IsDeaf = false;
        await reader.SignalsAsync(Many);
    }

    [Test]
    public async Task Answers_BusThatTakesNothing_EndTheConnectionBeyondABound()
    {
        while (sender.Connection.Window.TryOwe())
        {
            // Refusals that were sent, and that the bus did not say it has.
        }

        using var caller = await Peer.ConnectAsync(bus);
        var called = caller.CallAsync(sender, "/nothing", "Explode");

        Assert.That((await sender.Connection.Ended.WaitAsync(Patience))?.Message, Is.EqualTo("the bus does not take what it is sent"));
        Assert.That(async () => await called, Throws.TypeOf<BusException>());
    }

    /// <summary>The library answers pings by itself, and asks nobody.</summary>
    [Test]
    public async Task Pings_OfOthers_AreCounted()
    {
        using var other = await Peer.ConnectAsync(bus);
        var before = sender.Connection.Window.Taken;

        for (var i = 0; i < 10; i++)
        {
            await other.CallAsync(sender, "/", "Ping", DbusDoor.PeerInterface);
        }

        Assert.That(sender.Connection.Window.Taken, Is.EqualTo(before + 10));
    }

    [Test]
    public async Task Calls_ThatOneNeverAnswers_AreRefusedBeyondABoundUntilItLeaves()
    {
        var silent = await Peer.ConnectAsync(bus);
        using var other = await Peer.ConnectAsync(bus);
        using var cancel = new CancellationTokenSource();
        var calls = Enumerable.Range(0, PendingCalls.MostOfOne).Select(_ => sender.CallAsync(silent, Peer.Path, "Silence", token: cancel.Token)).ToList();
        await silent.CallsAsync(PendingCalls.MostOfOne);

        await cancel.CancelAsync();
        Assert.That(async () => await Task.WhenAll(calls), Throws.InstanceOf<OperationCanceledException>());

        Assert.That(async () => await sender.CallAsync(silent, Peer.Path, "Silence"), LimitsExceeded, "nobody waits for those that there are, and they count all the same");
        Assert.That(async () => await sender.CallAsync(other, Peer.Path, "Answer"), Throws.Nothing, "others are called");
        silent.Dispose();
        await sender.AnsweredAsync();
        Assert.That(sender.Connection.Pending.Count, Is.Zero);
    }

    [Test]
    public async Task Calls_ThatManyNeverAnswer_AreRefusedBeyondABoundAndTheBusIsCalledAllTheSame()
    {
        var silent = new List<Peer>();
        for (var i = 0; i < PendingCalls.Most / PendingCalls.MostOfOne; i++)
        {
            silent.Add(await Peer.ConnectAsync(bus));
            for (var k = 0; k < PendingCalls.MostOfOne; k++)
            {
                _ = sender.CallAsync(silent[i], Peer.Path, "Silence");
            }
        }

        using var other = await Peer.ConnectAsync(bus);

        Assert.That(sender.Connection.Pending.Count, Is.EqualTo(PendingCalls.Most));
        Assert.That(async () => await sender.CallAsync(other, Peer.Path, "Answer"), LimitsExceeded);
        Assert.That(async () => await sender.CallBusAsync(), Throws.Nothing);
        silent.ForEach(s => s.Dispose());
    }

    [Test]
    public async Task Call_NotAnsweredInTime_IsOverAndCountsOn()
    {
        using var silent = await Peer.ConnectAsync(bus);

        Assert.That(
            async () => await sender.CallAsync(silent, Peer.Path, "Silence", patience: TimeSpan.FromMilliseconds(50)),
            Throws.TypeOf<BusException>().With.Property("Name").EqualTo(BusException.NoReply));

        Assert.That(sender.Connection.Pending.Count, Is.EqualTo(1));
    }

    /// <summary>In pieces of its own the library has no room for a character at their end.</summary>
    [Test]
    public async Task Text_LongAndOfLongCharacters_ArrivesWhole([Range(0, 3)] int shift)
    {
        var text = new string('x', shift) + string.Concat(Enumerable.Repeat("🔑", 20_000));
        using var reader = await Peer.ConnectAsync(bus);

        await sender.Connection.SignalAsync(reader.Name, "/x", "org.x", "Text", "s", (ref to) => to.Text(text), CancellationToken.None);

        Assert.That(await reader.SignalsAsync(1), Is.EqualTo(text));
    }

    private static IResolveConstraint LimitsExceeded =>
        Throws.TypeOf<BusException>().With.Property("Name").EqualTo(BusException.LimitsExceeded);

    private async Task SignalAsync(Peer reader, Action written) =>
        await sender.Connection.SignalAsync(reader.Name, "/x", "org.x", "Text", "s", (ref to) =>
        {
            written();
            to.Text(Text);
        }, CancellationToken.None);

    /// <summary>Somebody on the bus, who answers calls of Answer and no others, and may stop to read.</summary>
    private sealed class Peer : IBusHandler, IDisposable
    {
        public const string Path = "/peer";

        private readonly Channel<string> signals = Channel.CreateUnbounded<string>();
        private readonly Channel<string> calls = Channel.CreateUnbounded<string>();
        private readonly ManualResetEventSlim hearing = new(initialState: true);

        public BusConnection Connection { get; private set; } = null!;

        public string Name => Connection.Name;

        public bool IsDeaf
        {
            set
            {
                if (value)
                {
                    hearing.Reset();
                }
                else
                {
                    hearing.Set();
                }
            }
        }

        public static async Task<Peer> ConnectAsync(PrivateBus bus)
        {
            var peer = new Peer();
            peer.Connection = await BusConnection.OpenAsync(bus.Address, Path, peer, CancellationToken.None);
            return peer;
        }

        /// <summary>The bus answers this one always.</summary>
        public async Task CallBusAsync() => await Connection.CallAsync(BusTarget.Bus, "GetId", "", TestBody.NoBody, _ => 0, CancellationToken.None).WaitAsync(Patience);

        public async Task CallAsync(Peer other, string path, string member, string @interface = "org.x", TimeSpan? patience = null, CancellationToken token = default) =>
            await Connection.CallAsync(new BusTarget(other.Name, path, @interface), member, "", TestBody.NoBody, _ => 0, token, patience ?? Patience);

        /// <summary>When no call of its own waits.</summary>
        public async Task AnsweredAsync()
        {
            var since = Stopwatch.GetTimestamp();
            while (Connection.Pending.Count > 0 && Stopwatch.GetElapsedTime(since) < Patience)
            {
                await CallBusAsync();
            }
        }

        public async Task CallsAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await calls.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            }
        }

        /// <returns>The last one's text.</returns>
        public async Task<string> SignalsAsync(int count)
        {
            var last = "";
            for (var i = 0; i < count; i++)
            {
                last = await signals.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            }

            return last;
        }

        public void OnCall(IncomingCall call)
        {
            calls.Writer.TryWrite(call.Member);
            if (call.Member == "Answer")
            {
                _ = call.ReplyAsync("", TestBody.NoBody);
            }
        }

        public void OnSignal(Message signal)
        {
            hearing.Wait();
            if (signal.MemberAsString == "Text")
            {
                signals.Writer.TryWrite(signal.GetBodyReader().ReadString());
            }
        }

        public void Dispose()
        {
            hearing.Set();
            Connection.Dispose();
        }
    }
}
