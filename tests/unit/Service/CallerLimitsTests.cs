// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class CallerLimitsTests
{
    private ManualTime time = null!;
    private CallerLimits limits = null!;

    [SetUp]
    public void SetUp()
    {
        time = new ManualTime();
        limits = new CallerLimits(new CallerLimitOptions { CallsPerSecond = 10, Watches = 2 }, time);
    }

    [Test]
    public void Count_MoreThanTwiceTheRateAtOnce_IsRefusedUntilTimeGoesOn()
    {
        Assert.That(CallsUntilRefused(World.Member), Is.EqualTo(20));

        time.Advance(TimeSpan.FromSeconds(1), () => { });

        Assert.That(CallsUntilRefused(World.Member), Is.EqualTo(10));
    }

    [Test]
    public void Count_OneCaller_LeavesTheOthersAlone()
    {
        CallsUntilRefused(World.Member);

        Assert.That(() => limits.Count(World.User), Throws.Nothing);
    }

    [Test]
    public void Count_Root_IsNotCounted() => Assert.That(CallsUntilRefused(World.Root), Is.EqualTo(100));

    [Test]
    public void Change_MoreThanThoseOfTenMinutesAtOnce_IsRefusedUntilTimeGoesOn()
    {
        Assert.That(ChangesUntilRefused(World.Member), Is.EqualTo(600));

        time.Advance(TimeSpan.FromMinutes(1), () => { });

        Assert.That(ChangesUntilRefused(World.Member), Is.EqualTo(60));
    }

    [Test]
    public void Change_Root_IsNotCounted() => Assert.That(ChangesUntilRefused(World.Root), Is.EqualTo(1000));

    [Test]
    public void Watch_MoreThanAllowed_IsRefusedUntilOneEnds()
    {
        var first = limits.Watch(World.Member);
        limits.Watch(World.Member);

        var refused = Assert.Throws<HostException>(() => limits.Watch(World.Member))!;
        first!.Dispose();
        first.Dispose();

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorTooMany));
        Assert.That(() => limits.Watch(World.Member), Throws.Nothing);
        Assert.That(() => limits.Watch(World.Member), Throws.TypeOf<HostException>());
    }

    [Test]
    public void Connection_MoreThanAllowed_IsRefusedUntilOneEnds()
    {
        var first = limits.Connection(World.Member, 1);

        var refused = Assert.Throws<HostException>(() => limits.Connection(World.Member, 1))!;
        Assert.That(() => limits.Connection(World.User, 1), Throws.Nothing, "another caller's");
        first!.Dispose();

        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCode.ErrorTooMany, "uid:1000 has 1 connections, and may have no more")));
        Assert.That(() => limits.Connection(World.Member, 1), Throws.Nothing);
        Assert.That(Enumerable.Range(0, 9).Select(_ => limits.Connection(World.Root, 1)), Is.All.Null);
    }

    [Test]
    public void Note_RefusedWithoutEnd_LeavesLinesOutAndCountsThem()
    {
        var written = Enumerable.Range(0, 1000).Count(_ => limits.Note(World.Member) is not null);

        time.Advance(TimeSpan.FromSeconds(1), () => { });

        Assert.That(written, Is.LessThan(200));
        Assert.That(limits.Note(World.Member), Is.EqualTo(1000 - written));
    }

    private int ChangesUntilRefused(Caller caller) => Enumerable.Range(0, 1000).TakeWhile(_ => !IsRefused(() => limits.Change(caller))).Count();

    private static bool IsRefused(Action step)
    {
        try
        {
            step();
            return false;
        }
        catch (HostException e)
        {
            return e.Code == ErrorCode.ErrorTooMany;
        }
    }

    private int CallsUntilRefused(Caller caller)
    {
        for (var calls = 0; calls < 100; calls++)
        {
            try
            {
                limits.Count(caller);
            }
            catch (HostException)
            {
                return calls;
            }
        }

        return 100;
    }
}
