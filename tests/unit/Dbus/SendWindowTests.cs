// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SendWindowTests
{
    private readonly SendWindow window = new();

    [Test]
    public void Enter_MoreThanMayBeOnTheirWay_WaitInTheirOrder()
    {
        Fill(SendWindow.Most);
        var (first, second) = (EnterAsync(1), EnterAsync(1));
        Assert.That((first.IsCompleted, window.Taken), Is.EqualTo((false, SendWindow.Most)));

        window.Leave(1);

        Assert.That(async () => await first, Throws.Nothing);
        Assert.That((second.IsCompleted, window.Taken), Is.EqualTo((false, SendWindow.Most)));
    }

    [Test]
    public async Task Enter_OneThatIsLong_WaitsForAllItsRoomAndIsNotOvertaken()
    {
        Fill(SendWindow.Most);
        var (big, small) = (EnterAsync(SendWindow.MostOfOne), EnterAsync(1));
        window.Leave(SendWindow.MostOfOne - 1);
        Assert.That((big.IsCompleted, small.IsCompleted), Is.EqualTo((false, false)));

        window.Leave(2);

        await big;
        await small;
        Assert.That(window.Taken, Is.EqualTo(SendWindow.Most));
    }

    [Test]
    public async Task Enter_GivenUp_TakesNoPlace()
    {
        Fill(SendWindow.Most);
        using var cancel = new CancellationTokenSource();
        var given = window.EnterAsync(1, cancel.Token).AsTask();
        var next = EnterAsync(1);

        await cancel.CancelAsync();
        window.Leave(1);

        Assert.That(async () => await given, Throws.InstanceOf<OperationCanceledException>());
        await next;
        Assert.That(window.Taken, Is.EqualTo(SendWindow.Most));
    }

    [Test]
    public void End_WhoeverWaits_IsToldThatTheBusIsGone()
    {
        Fill(SendWindow.Most);
        var waits = EnterAsync(1);

        window.End();

        Assert.That(async () => await waits, Throws.TypeOf<BusException>());
        Assert.That(async () => await EnterAsync(1), Throws.TypeOf<BusException>());
    }

    /// <summary>Else one who waits for room could wait for an answer that nobody asked for.</summary>
    [Test]
    public void Sent_Often_AsksBeforeThereIsNoRoomForTheLongest()
    {
        var asked = Enumerable.Range(0, SendWindow.Most).Sum(_ => window.Sent(1));

        Assert.That(SendWindow.Most - asked, Is.LessThanOrEqualTo(SendWindow.Most - SendWindow.MostOfOne));
        Assert.That(asked, Is.GreaterThan(0));
    }

    [Test]
    public void Owe_CantWait_IsCountedAndBounded()
    {
        var owed = Enumerable.Range(0, SendWindow.MostOwed + 1).Select(_ => window.TryOwe()).ToList();

        Assert.That((owed.Count(o => o), owed[^1]), Is.EqualTo((SendWindow.MostOwed, false)));
        Assert.That(EnterAsync(1).IsCompleted, Is.False);
    }

    [TestCase(0, ExpectedResult = 1)]
    [TestCase(20_000, ExpectedResult = 4)]
    [TestCase(100_000_000, ExpectedResult = SendWindow.MostOfOne)]
    public int Weight_OfAnAnswer_GrowsWithItsSizeUpToABound(long size) => (BusAnswer.Nothing with { Size = size }).Weight;

    private void Fill(int messages)
    {
        for (var i = 0; i < messages; i++)
        {
            Assert.That(EnterAsync(1).IsCompleted, Is.True);
        }
    }

    private Task EnterAsync(int weight) => window.EnterAsync(weight, CancellationToken.None).AsTask();
}
