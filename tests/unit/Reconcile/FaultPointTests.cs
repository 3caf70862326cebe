using NUnit.Framework;
using UsbHostd.Daemon.Reconcile;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Reconcile;

namespace UsbHostd.Tests.Reconcile;

[TestFixture]
internal sealed class FaultPointTests
{
    private static readonly HostAction s_action = new HostAction.LookAtDevice(ClaimId.Of(Guid.Empty), "/devices/x");

    [TestCase(null)]
    [TestCase("")]
    public void Unset_IsNoFaultPoint(string? value) => Assert.That(new FaultPoint(value).Where, Is.Null);

    /// <summary>The lab shows that the right one does kill.</summary>
    [TestCase(null)]
    [TestCase("LookAtDevice")]
    [TestCase("LookAtDevice:during")]
    [TestCase("AttachDevice:before")]
    public void AnotherPoint_IsPassedAlive(string? value)
    {
        var fault = new FaultPoint(value);

        fault.Before(s_action);
        fault.After(s_action);

        Assert.Pass();
    }
}
