// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Systemd;

namespace UsbHostd.Tests.Systemd;

[TestFixture]
internal sealed class SystemdNotifierTests
{
    [Test]
    public void KeptOf_OwnProcess_NamesEachDescriptorFromThree() =>
        Assert.That(SystemdNotifier.KeptOf("2", "7", "one:two", 7), Is.EqualTo([("one", 3), ("two", 4)]));

    [TestCase("2", "8", "one:two", Description = "meant for another process")]
    [TestCase(null, null, null)]
    [TestCase("x", "7", "one")]
    public void KeptOf_NothingForUs_IsEmpty(string? count, string? pid, string? names) =>
        Assert.That(SystemdNotifier.KeptOf(count, pid, names, 7), Is.Empty);

    [TestCase("20000000", "17", ExpectedResult = 10.0)]
    [TestCase("20000000", null, ExpectedResult = 10.0)]
    [TestCase("20000000", "18", ExpectedResult = null)]
    [TestCase("0", "17", ExpectedResult = null)]
    [TestCase("soon", "17", ExpectedResult = null)]
    [TestCase(null, null, ExpectedResult = null)]
    public double? WatchdogOf_Environment_IsHalfOfItWhereItMeansThisProcess(string? microseconds, string? pid) =>
        SystemdNotifier.WatchdogOf(microseconds, pid, ownPid: 17)?.TotalSeconds;

    [Test]
    public void OneLine_LineBreaks_CannotAddAnAssignment() =>
        Assert.That(SystemdNotifier.OneLine("2 guests\nREADY=0\u001b"), Is.EqualTo("2 guests READY=0 "));

    [Test]
    public void Notify_NotStartedBySystemd_DoesNothing()
    {
        var notifier = new SystemdNotifier();

        Assert.DoesNotThrow(() => notifier.Ready("ready"));
        Assert.DoesNotThrow(notifier.Stopping);
    }
}
