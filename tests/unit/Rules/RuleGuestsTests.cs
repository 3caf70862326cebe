// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Rules;

[TestFixture]
internal sealed class RuleGuestsTests
{
    private static readonly GuestId Guest = new(Guid.Parse("6f2c1d9a-0b3e-4c5d-8e7f-a1b2c3d4e5f6"));

    [TestCase("", "erp", true)]
    [TestCase("erp", "erp", true)]
    [TestCase("erp", "ERP", false)]
    [TestCase("erp", "erp2", false)]
    [TestCase("vdi-*", "vdi-12", true)]
    [TestCase("vdi-*", "vd", false)]
    [TestCase("crm vdi-?", "vdi-1", true)]
    [TestCase("6F2C1D9A-0b3e-4c5d-8e7f-a1b2c3d4e5f6", "erp", true)]
    [TestCase("00000000-0b3e-4c5d-8e7f-a1b2c3d4e5f6", "erp", false)]
    [TestCase("6f2c1d9a0b3e4c5d8e7fa1b2c3d4e5f6", "6f2c1d9a0b3e4c5d8e7fa1b2c3d4e5f6", true)]
    [TestCase("6f2c1d9a0b3e4c5d8e7fa1b2c3d4e5f6", "erp", false)]
    [TestCase("{6f2c1d9a-0b3e-4c5d-8e7f-a1b2c3d4e5f6}", "erp", false)]
    [TestCase("0x2c1d9a-0b3e-4c5d-8e7f-a1b2c3d4e5f6", "0x2c1d9a-0b3e-4c5d-8e7f-a1b2c3d4e5f6", true)]
    public void AllowsGuest_NamesGlobsAndUuids_AreHeldAgainstTheGuest(string values, string name, bool allowed) =>
        Assert.That(Allow(values).AllowsGuest(name, Guest), Is.EqualTo(allowed));

    [Test]
    public void AllowsGuest_NameThatLooksLikeTheUuid_IsAnotherGuest() =>
        Assert.That(Allow("00000000-0b3e-4c5d-8e7f-a1b2c3d4e5f6").AllowsGuest("00000000-0b3e-4c5d-8e7f-a1b2c3d4e5f6", Guest), Is.False);

    [TestCase(RuleTarget.Assign, "erp", true)]
    [TestCase(RuleTarget.Assign, "crm", false)]
    [TestCase(RuleTarget.Allow, "erp", false)]
    public void Assigns_Guest_OnlyTheOneThatAssignNames(RuleTarget target, string name, bool assigned) =>
        Assert.That((Allow("erp") with { Target = target }).Assigns(name, Guest), Is.EqualTo(assigned));

    private static Rule Allow(string values) => new()
    {
        Target = RuleTarget.Allow,
        ToGuest = [.. values.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(value => new Glob(value))],
    };
}
