// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Dbus;

[TestFixture]
internal sealed class CallsUnderWayTests
{
    private static readonly Caller Greedy = new(1000, [1000], "dbus", 1);

    private readonly CallsUnderWay calls = new(new DbusOptions { MaxCallsPerUser = 2, MaxCalls = 3 });

    [Test]
    public void Of_OneUserWithTooMany_IsRefusedAndNobodyElse()
    {
        var first = calls.Of(Greedy);
        calls.Of(Greedy with { Pid = 2 });

        Assert.That(calls.Of(Greedy with { Pid = 3 }), Is.Null, "of another connection of his");
        Assert.That(calls.Of(new Caller(1001, [1001], "dbus", 4)), Is.Not.Null);
        first!.Dispose();
        first.Dispose();
        Assert.That(calls.Of(Greedy), Is.Not.Null, "after one has ended");
        Assert.That(calls.Of(Greedy), Is.Null, "which counts once");
    }

    [Test]
    public void Of_Root_IsNotCounted() =>
        Assert.That(Enumerable.Range(0, 9).Select(_ => calls.Of(new Caller(0, [0], "dbus", 1))), Has.None.Null);

    [Test]
    public void TryBegin_TooMany_IsRefusedUntilOneEnds()
    {
        var begun = Enumerable.Range(0, 5).Select(_ => calls.TryBegin()).ToList();

        calls.End();

        Assert.That(begun, Is.EqualTo([true, true, true, false, false]));
        Assert.That(calls.TryBegin(), Is.True);
    }
}
