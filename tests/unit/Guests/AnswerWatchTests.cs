// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Guests;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Guests;

/// <summary>A libvirt that answers nothing is noticed while a call waits; one that is slow with one call is not taken for it.</summary>
[TestFixture]
internal sealed class AnswerWatchTests
{
    private readonly List<DateTimeOffset?> told = [];
    private ManualTime time = null!;
    private AnswerWatch watch = null!;
    private Action ask = null!;

    [SetUp]
    public void SetUp()
    {
        (time, ask) = (new ManualTime(), () => { });
        told.Clear();
        watch = new AnswerWatch(time, () => ask(), told.Add);
    }

    [TearDown]
    public void TearDown() => watch.Dispose();

    [Test]
    public void Call_WithoutAnAnswer_IsToldWithItsBeginningAndThenItsEnd()
    {
        var began = time.GetUtcNow();

        During(AnswerWatch.Patience, () => Assert.That(told, Is.EqualTo([began])));

        Assert.That(told, Is.EqualTo([began, (DateTimeOffset?)null]));
    }

    [Test]
    public void Call_AnsweredInTime_IsNotTold()
    {
        During(AnswerWatch.Patience - TimeSpan.FromTicks(1), () => { });

        Assert.That(told, Is.Empty);
    }

    [Test]
    public void Call_ThatTakesLongWhileAnotherQuestionIsAnswered_IsNotTold()
    {
        var asked = 0;
        ask = () => asked += watch.Call(() => 1);

        During(TimeSpan.FromMinutes(2), () => { });

        Assert.That((told.Count, asked), Is.EqualTo((0, (int)(TimeSpan.FromMinutes(2) / AnswerWatch.AskAfter))));
    }

    [Test]
    public void Call_TwoOfThemAndOneAnswered_CountsFromThatAnswer()
    {
        DateTimeOffset answered = default;
        watch.Call(() =>
        {
            During(TimeSpan.FromSeconds(2), () => { });
            answered = time.GetUtcNow();
            time.Advance(AnswerWatch.Patience, () => { });
            return true;
        });

        Assert.That(told, Is.EqualTo([answered, (DateTimeOffset?)null]));
    }

    [Test]
    public void Call_ThatThrows_IsAnAnswer()
    {
        Assert.That(() => watch.Call<bool>(() => throw new InvalidOperationException()), Throws.InvalidOperationException);

        Assert.That(time.Armed, Is.Zero);
    }

    [Test]
    public void Timer_WithoutACall_IsNotArmed()
    {
        During(AnswerWatch.Patience, () => { });

        Assert.That(time.Armed, Is.Zero);
    }

    private void During(TimeSpan length, Action then) => watch.Call(() =>
    {
        time.Advance(length, () => { });
        then();
        return true;
    });
}
