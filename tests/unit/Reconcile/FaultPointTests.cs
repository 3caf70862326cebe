// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed partial class FaultPointTests
{
    private static readonly HostAction s_action = new HostAction.LookAtDevice(ClaimId.Of(Guid.Empty), "/devices/x");

    [TestCase(null)]
    [TestCase("")]
    public void Unset_IsNoFaultPoint(string? value) => Assert.That(new FaultPoint(value).Where, Is.Null);

    /// <summary>The lab shows that it does kill.</summary>
    [TestCase(null, "before", false)]
    [TestCase("LookAtDevice", "before", false)]
    [TestCase("LookAtDevice:during", "before", false)]
    [TestCase("AttachDevice:before", "before", false)]
    [TestCase("LookAtDevice:after", "before", false)]
    [TestCase("LookAtDevice:before", "before", true)]
    [TestCase("LookAtDevice:after", "after", true)]
    public void IsAt_OneTypeAndOneSideOfItsEffect(string? value, string when, bool expected) =>
        Assert.That(new FaultPoint(value).IsAt(s_action, when), Is.EqualTo(expected));

    [Test]
    public void Lab_KillsTheDaemonAtEachTypeOfAction()
    {
        var actions = typeof(HostAction).GetNestedTypes().Where(t => t.IsSubclassOf(typeof(HostAction))).Select(t => t.Name);

        var faults = Repository.Sources("tests/lab").SelectMany(s => Faults().Matches(s.Text)).Select(m => m.Groups["action"].Value).Distinct(StringComparer.Ordinal);

        Assert.That(faults, Is.EquivalentTo(actions), "a new type of action needs a fault in a scenario of the lab, and an old name is never reached");
    }

    [GeneratedRegex("""\bFault\("(?<action>\w+):(before|after)"\)""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking, 1000)]
    private static partial Regex Faults();
}
