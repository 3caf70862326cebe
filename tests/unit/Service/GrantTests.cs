// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Rules.RuleParts;

namespace UsbHostd.Tests.Service;

/// <summary>A user sees and changes what the rules and his claims give him, and nothing else.</summary>
[TestFixture]
internal sealed class GrantTests : StickTest
{
    private FakeDevice keyboard = null!;
    private FakeGuest other = null!;

    [SetUp]
    public void TwoDevicesAndTwoGuests()
    {
        keyboard = world.Plugged(Some.Keyboard(), "1-5");
        other = world.Guest("other");
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x0951, null)), ToGuest = [new Glob("guest")] }));
    }

    [Test]
    public void ListDevices_User_SeesWhatTheRulesAllow() => Assert.That(Ports(World.User), Is.EqualTo(["1-4"]));

    [Test]
    public void ListDevices_UserWithoutRules_SeesNothing()
    {
        world.Reload(TestRules.Of());

        Assert.That(Ports(World.User), Is.Empty);
        Assert.That(Ports(World.Viewer), Has.Member("1-4").And.Member("1-5"));
    }

    [Test]
    public void ListGuests_User_SeesThoseThatADeviceMayGoTo() =>
        Assert.That(world.Ask(s => s.ListGuestsAsync(World.User, new(), default)).Guests.Select(g => g.Name), Is.EqualTo(["guest"]));

    [Test]
    public void GetDevice_UserNotAllowed_IsNotFound() =>
        Assert.That(Refusal(s => s.GetDeviceAsync(World.User, new() { Device = "port:1-5" }, default)), Is.EqualTo(ErrorCode.ErrorDeviceNotFound));

    [Test]
    public void CreateClaim_UserNotAllowed_IsToldSo() => Assert.That(
        Refusal(s => s.CreateClaimAsync(World.User, new() { Device = "port:1-5", Guest = "guest" }, default)), Is.EqualTo(ErrorCode.ErrorNotAllowed));

    [Test]
    public void CreateClaim_UserNotAllowedAndHeldByAnother_LearnsNotWhoHasIt()
    {
        world.Create(new() { Device = "port:1-5", Guest = "other", OverrideReason = "test" });

        var refused = Assert.Throws<HostException>(() => world.Ask(s => s.CreateClaimAsync(World.User, new() { Device = "port:1-5", Guest = "guest" }, default)))!;

        Assert.That((refused.Code, refused.Claim, refused.Guest), Is.EqualTo((ErrorCode.ErrorNotAllowed, (Claim?)null, (GuestRef?)null)));
        Assert.That(refused.Message, Does.Not.Contain("other"));
    }

    [Test]
    public void CreateClaim_UserForADeviceThatIsAway_IsForOperators() => Assert.That(
        Refusal(s => s.CreateClaimAsync(World.User, new() { Device = "serial:0951:1666:X-77777", Guest = "guest" }, default)),
        Is.EqualTo(ErrorCode.ErrorDeviceNotFound));

    [Test]
    public void ListClaims_User_SeesHisOwn()
    {
        world.Create(new() { Device = "port:1-5", Guest = "other", OverrideReason = "test" });
        var own = Create(World.User);

        Assert.That(Claims(World.User), Is.EqualTo([own.Id]));
        Assert.That(Claims(World.OtherUser), Is.Empty);
        Assert.That(Claims(World.Viewer), Has.Count.EqualTo(2));
    }

    [Test]
    public void ReleaseClaim_Owner_MayAndAnotherUserDoesNotSeeIt()
    {
        var claim = Create(World.User);

        Assert.That(Refusal(s => s.ReleaseClaimAsync(World.OtherUser, new() { Id = claim.Id }, default)), Is.EqualTo(ErrorCode.ErrorClaimNotFound));
        Assert.That(Refusal(s => s.ReleaseClaimAsync(World.User, new() { Id = claim.Id }, default)), Is.Null);
        Assert.That(world.State.Claims.Values.Single().Stands, Is.False);
    }

    [Test]
    public void ReleaseClaim_Operator_MayEndThatOfAnother()
    {
        var claim = Create(World.User);

        Assert.That(Refusal(s => s.ReleaseClaimAsync(World.Member, new() { Id = claim.Id }, default)), Is.Null);
        Assert.That(world.State.Claims.Values.Single().Stands, Is.False);
    }

    [Test]
    public void MoveAndRetry_AnotherUser_DoesNotSeeTheClaim()
    {
        var claim = Create(World.User);

        Assert.That(Refusal(s => s.MoveClaimAsync(World.OtherUser, new() { Id = claim.Id, Guest = "guest" }, default)), Is.EqualTo(ErrorCode.ErrorClaimNotFound));
        Assert.That(Refusal(s => s.RetryClaimAsync(World.OtherUser, new() { Id = claim.Id }, default)), Is.EqualTo(ErrorCode.ErrorClaimNotFound));
    }

    [Test]
    public void CreateClaim_UserWithMoveFromAnother_IsDenied()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Allow }));
        var claim = Create(World.User);

        var code = Refusal(s => s.CreateClaimAsync(World.OtherUser, new() { Device = "port:1-4", Guest = "other", Move = true }, default));

        Assert.That(code, Is.EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(world.State.Claims.Values.Single(e => e.Id.ToString() == claim.Id).Claim.Guest, Is.EqualTo(guest.Id));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void ReleaseClaim_NoRoleButSomebodySaysYes_IsDone(bool yes)
    {
        var claim = Create(World.User);
        var authority = new FakeAuthority(right => right == Right.Attach || yes);
        var caller = World.Nobody with { Authority = authority };

        var code = Refusal(s => s.ReleaseClaimAsync(caller, new() { Id = claim.Id }, default));

        Assert.That(code, Is.EqualTo(yes ? (ErrorCode?)null : ErrorCode.ErrorPermissionDenied));
        Assert.That(authority.Asked, Is.EqualTo([Right.Attach, Right.Manage]));
        Assert.That((authority.Details["device"], authority.Details["guest"]), Is.EqualTo((claim.Id, "")), "what the caller said, and no more");
    }

    [Test]
    public void ReleaseClaim_SomebodyIsAskedForACallerWhoSeesTheClaim_IsToldOfIt()
    {
        var claim = Create(World.User);
        var authority = new FakeAuthority(_ => true);

        Refusal(s => s.ReleaseClaimAsync(World.Viewer with { Authority = authority }, new() { Id = claim.Id }, default));

        Assert.That((authority.Asked[^1], authority.Details["device"], authority.Details["guest"]), Is.EqualTo((Right.Manage, claim.Key, "guest")));
    }

    [Test]
    public void ExplainPolicy_User_LearnsThePlaceOfTheRuleOnly()
    {
        world.Reload(TestRules.Of(
            new Rule { Target = RuleTarget.Block, Serial = Single("secret"), Source = new RuleSource("/r.conf", 1) },
            new Rule { Target = RuleTarget.Allow, Id = Single(new UsbIdPattern(0x0951, null)), ToGuest = [new Glob("guest"), new Glob("hidden")], Owners = ["1002", "1099"], Source = new RuleSource("/r.conf", 2) }));

        var (user, viewer) = (Explain(World.User), Explain(World.Viewer));

        Assert.That((user.Allowed, user.Rule.File, user.Rule.Line, user.LeftOut), Is.EqualTo((true, "/r.conf", 2u, 1u)));
        Assert.That(user.ToString(), Does.Not.Contain("secret").And.Not.Contain("hidden").And.Not.Contain("1099"));
        Assert.That(viewer.ToString(), Does.Contain("secret").And.Contain("hidden").And.Contain("1099"));
    }

    [Test]
    public void CreateClaim_RuleNamesOtherOwners_RefusalDoesNotNameThem()
    {
        world.Reload(TestRules.Of(new Rule { Target = RuleTarget.Allow, ToGuest = [new Glob("hidden")], Owners = ["1099"] }));

        var refused = Assert.Throws<HostException>(() => Create(World.User))!;

        Assert.That(refused.Message, Does.Not.Contain("1099").And.Not.Contain("hidden"));
    }

    [Test]
    public void Devices_HeldByAGuestThatAUserDoesNotSee_NameNeitherGuestNorClaim()
    {
        world.Create(new() { Device = "port:1-4", Guest = "other", OverrideReason = "test" });

        Device[] shown = [world.Ask(s => s.GetDeviceAsync(World.User, new() { Device = "port:1-4" }, default)), .. world.Ask(s => s.ListDevicesAsync(World.User, new(), default)).Devices];
        var refused = Assert.Throws<HostException>(() => Create(World.User))!;

        Assert.That(shown.Select(d => (d.ClaimId, d.Guest)), Is.EqualTo([("", null), ("", (GuestRef?)null)]));
        Assert.That((refused.Code, refused.Claim, refused.Guest), Is.EqualTo((ErrorCode.ErrorHeldByGuest, (Claim?)null, (GuestRef?)null)));
        Assert.That(refused.Message + refused.Hint, Does.Not.Contain("guest other").And.Not.Contain(world.State.Claims.Keys.Single().ToString()));
        Assert.That(world.Ask(s => s.GetDeviceAsync(World.Viewer, new() { Device = "port:1-4" }, default)).Guest.Name, Is.EqualTo("other"));
    }

    [Test]
    public void ListGuests_User_SeesNeitherWishesNorTheClaimsOfOthers()
    {
        world.Do(h => h.Redefine(guest, [new Core.Guests.GuestWish("serial:0951:1666:SECRET", Optional: true)]));
        world.Create(new() { Device = "port:1-5", Guest = "guest", OverrideReason = "test" });
        var own = Create(World.User);

        var seen = world.Ask(s => s.ListGuestsAsync(World.User, new(), default)).Guests.Single();

        Assert.That((seen.Wishes.Count, seen.ClaimIds), Is.EqualTo((0, new[] { own.Id })));
        Assert.That(seen.Attachments.Select(a => a.ClaimId), Is.EquivalentTo(["", own.Id]));
        Assert.That(world.Ask(s => s.GetGuestAsync(World.Viewer, new() { Guest = "guest" }, default)).Wishes, Has.Count.EqualTo(1));
    }

    private Explanation Explain(Caller caller) => world.Ask(s => s.ExplainPolicyAsync(caller, new() { Device = "port:1-4" }, default));

    [Test]
    public void CreateClaim_ForceWithoutTheRight_AsksForItOnly()
    {
        var authority = new FakeAuthority(_ => false);

        Refusal(s => s.CreateClaimAsync(World.Member with { Authority = authority }, new() { Device = "port:1-4", Guest = "guest", ForceReason = "x" }, default));

        Assert.That(authority.Asked, Is.EqualTo([Right.Force]));
    }

    [Test]
    public void CreateClaim_ForceOnTheClaimOfAnother_TakesTheRightToChangeIt()
    {
        Create(World.User);
        var caller = World.Nobody with { Authority = new FakeAuthority(right => right != Right.Manage) };

        var code = Refusal(s => s.CreateClaimAsync(caller, new() { Device = "port:1-4", Guest = "guest", ForceReason = "x" }, default));

        Assert.That(code, Is.EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(world.State.Claims.Values.Single().Claim.ForceReason, Is.Null);
    }

    private IEnumerable<string> Ports(Caller caller) => world.Ask(s => s.ListDevicesAsync(caller, new(), default)).Devices.Where(d => !d.Hub).Select(d => d.Port);

    private List<string> Claims(Caller caller) => [.. world.Ask(s => s.ListClaimsAsync(caller, new(), default)).Claims.Select(c => c.Id)];

    private Claim Create(Caller caller) => world.Create(new() { Device = "port:1-4", Guest = "guest" }, caller);

    private ErrorCode? Refusal<T>(Func<HostService, ValueTask<T>> ask)
    {
        try
        {
            world.Ask(ask);
            return null;
        }
        catch (HostException e)
        {
            return e.Code;
        }
    }

    private sealed class FakeAuthority(Func<Right, bool> answer) : IAuthority
    {
        public List<Right> Asked { get; } = [];

        public IReadOnlyDictionary<string, string> Details { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

        public ValueTask<bool> GrantsAsync(Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken)
        {
            Asked.Add(right);
            Details = details;
            return ValueTask.FromResult(answer(right));
        }
    }
}
