// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>Devices that follow each other in one port: a rule gives each of them, and nothing of one passes to the next.</summary>
[TestFixture]
internal sealed class OnePortTests : WorldTest
{
    private const string Port = "1-5";

    private static readonly UsbId SerialAdapter = new(0x1a86, 0x7523);
    private static readonly UsbId Dongle = new(0x0529, 0x0001);

    private static IEnumerable<TestCaseData> Rules()
    {
        yield return new TestCaseData(Assign(r => r with { ViaPort = One(Port) })).SetArgDisplayNames("via-port");
        yield return new TestCaseData(Assign(r => r with { Id = OneOf(SerialAdapter, Dongle, Some.StickId) })).SetArgDisplayNames("id one-of");
        yield return new TestCaseData(Assign(r => r with { Path = One(new Glob("pci-0000:00:14.0-usb-0:5")) })).SetArgDisplayNames("path");
    }

    [TestCaseSource(nameof(Rules))]
    public void Assign_AnotherDeviceInThePort_EachIsInTheGuestInTurn(LoadedRules rules)
    {
        world.Reload(rules);
        foreach (var device in new[] { Bare(SerialAdapter), Bare(Dongle), Some.Stick(), Bare(Dongle), Some.Stick("S-2"), Bare(SerialAdapter) })
        {
            world.Plugged(device, Port);

            Assert.That(world.Host.GuestsWith(device), Is.EqualTo([guest]), device.ToString());
            Assert.That(guest.Hostdevs, Has.Count.EqualTo(1), "what was there before is out");
            world.Do(h => h.Pull(device));
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void Assign_SecondDeviceInThePort_StaysOverReplugRescanReloadAndRestarts(LoadedRules rules)
    {
        world.Reload(rules);
        var first = world.Plugged(Bare(SerialAdapter), Port);
        world.Do(h => h.Pull(first));
        var second = world.Plugged(Bare(Dongle), Port);

        foreach (var act in new Action[]
        {
            () => world.Do(h => h.Replug(second)), () => world.Do(h => h.RescanDevices()), () => world.Reload(rules), world.Restart,
            () => world.Do(h => h.Restart(guest)), world.Restart,
        })
        {
            act();

            Assert.That(world.Host.GuestsWith(second), Is.EqualTo([guest]));
        }

        world.Do(h => h.Pull(second));
        world.Do(h => h.Plug(first, Port));
        Assert.That(world.Host.GuestsWith(first), Is.EqualTo([guest]));
    }

    [Test]
    public void Assign_DeviceChangesItsIdOnItsPort_IsInTheGuestWithEither()
    {
        var phone = Bare(new UsbId(0x1a6e, 0x089a));
        world.Reload(Assign(r => r with { Id = OneOf(phone.UsbId, new UsbId(0x18d1, 0x9302)) }));
        world.Plugged(phone, Port);

        world.Do(h =>
        {
            h.Pull(phone);
            phone.UsbId = new UsbId(0x18d1, 0x9302);
            h.Plug(phone, Port);
        });

        Assert.That(world.Host.GuestsWith(phone), Is.EqualTo([guest]));
    }

    [Test]
    public void Assign_OneWithASerialFollowsOneWithoutOfTheSameId_EachHasItsOwnHold()
    {
        var (bare, own) = (Bare(Dongle), Some.Dongle("H-1"));
        world.Reload(Assign(r => r with { Id = OneOf(Dongle) }));
        world.Plugged(bare, Port);
        Release(Port);
        world.Do(h => h.Pull(bare));
        world.Plugged(own, Port);
        Assert.That(world.Host.GuestsWith(own), Is.EqualTo([guest]), "the other one was released");

        Release(Port);
        world.Do(h => h.Replug(own, "1-6"));

        Assert.That(world.Host.GuestsWith(own), Is.Empty, "it is held in whatever port");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void TrustSerial_OfADeviceThatARuleGivesByItsPort_StaysOrComesIn(bool runs)
    {
        var (one, twin) = (Some.Dongle("H-1"), Some.Dongle("H-1"));
        world.Reload(Assign(r => r with { ViaPort = One(Port) }));
        world.Plugged(twin, "1-6");
        world.Plugged(one, Port);
        world.Advance(world.Limits.TwinPatience);
        if (!runs)
        {
            world.Do(h => h.Stop(guest));
        }

        world.Do(h => h.Pull(twin));
        world.Host.Done.Clear();
        world.Ask(s => s.TrustSerialAsync(World.Root, new TrustSerialRequest { Device = $"port:{Port}" }, CancellationToken.None));
        Assert.That(world.Host.Done, Is.Empty);
        if (!runs)
        {
            world.Do(h => h.Start(guest));
        }

        Assert.That(world.Host.GuestsWith(one), Is.EqualTo([guest]));
        world.Do(h => h.Replug(one));
        Assert.That(world.Host.GuestsWith(one), Is.EqualTo([guest]));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Release_DeviceWithASerialVisitsAPortThatNoRuleGives_IsStillHeldWhenItIsBack(bool given)
    {
        var other = world.Guest("other");
        world.Reload(given
            ? TestRules.Of(
                new Rule { Target = RuleTarget.Assign, ViaPort = One(Port), ToGuest = [new Glob("guest")] }, new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("other")] })
            : Assign(r => r with { ViaPort = One(Port) }));
        var stick = world.Plugged(Some.Stick(), Port);
        Release(Port);

        world.Do(h => h.Replug(stick, "1-6"));
        Assert.That(world.Host.GuestsWith(stick), given ? Is.EqualTo([other]) : Is.Empty);
        world.Restart();
        Assert.That(world.Host.GuestsWith(stick), given ? Is.EqualTo([other]) : Is.Empty);
        world.Do(h => h.Replug(stick, Port));

        Assert.That(world.Host.GuestsWith(stick), Is.Empty);
    }

    [Test]
    public void Assign_EachPlugAnotherId_LeavesABoundedNumberOfClaimsAndMemories()
    {
        using var small = new World(
            limits: new ReconcileLimits { MostRuleClaims = 5, MostRemembered = 5, FlapPlugs = int.MaxValue }, rules: Assign(r => r with { ViaPort = One(Port) }));
        small.Guest();
        for (ushort i = 0; i < 30; i++)
        {
            var device = small.Plugged(Bare(new UsbId(0x1234, i)), Port);
            small.Do(h => h.Pull(device));
        }

        Assert.That(small.State.RuleClaims, Has.Count.LessThanOrEqualTo(5));
        Assert.That(small.State.Remembered, Has.Count.LessThanOrEqualTo(10));
    }

    [Test]
    public void Upgrade_AttachedByARuleUnderAnEarlierId_IsAdopted()
    {
        world.Crash();
        world.Rules = Assign(r => r with { ViaPort = One(Port) });
        world.Start();
        var device = Bare(SerialAdapter);
        world.Crash();
        world.Host.Plug(device, Port);
        var before = ClaimId.ByRuleBefore(device.Seen().PortKey, guest.Id);
        world.Host.AttachForeign(guest, device, new AttachmentAlias(before, device.Plug).ToString());
        world.Host.Done.Clear();

        world.Start();
        world.Reload(world.Rules);
        world.Restart();

        Assert.That(world.Host.Done, Is.Empty);
        Assert.That(world.Stand(before).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public void Upgrade_HeldUnderAnEarlierId_HoldsThatDeviceAndNotTheNext()
    {
        var (first, second) = (Bare(SerialAdapter), Bare(Dongle));
        world.Reload(Assign(r => r with { ViaPort = One(Port) }));
        world.Plugged(first, Port);
        var made = world.State.Claims[world.State.RuleClaims.Single()].Claim;
        world.Do(h => h.Pull(first));
        world.Crash();
        world.Store.Commit([new StoreChange.PutClaim(made with { Id = ClaimId.ByRuleBefore(made.Follows, guest.Id), Hold = ClaimHold.Withheld })]);
        world.Start();

        world.Do(h => h.Plug(first, Port));
        Assert.That(world.Host.GuestsWith(first), Is.Empty);
        world.Do(h => h.Pull(first));
        world.Do(h => h.Plug(second, Port));

        Assert.That(world.Host.GuestsWith(second), Is.EqualTo([guest]));
    }

    [Test]
    public void Label_OfADeviceWithoutASerial_DoesNotNameTheNextInItsPort()
    {
        var (first, second) = (world.Plugged(Bare(SerialAdapter), Port), Bare(Dongle));
        Label("zigbee");
        world.Do(h => h.Pull(first));
        world.Do(h => h.Plug(second, Port));

        var refused = Assert.Throws<HostException>(() => world.Claim("zigbee", guest))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorDeviceNotFound));
        Assert.That(LabelHere(), Is.Empty);
        world.Restart();
        Assert.That(LabelHere(), Is.Empty);
        world.Do(h => h.Pull(second));
        world.Do(h => h.Plug(first, Port));
        Assert.That(LabelHere(), Is.EqualTo("zigbee"));
    }

    [Test]
    public void Id_OfADeviceWithoutASerial_DoesNotNameTheNextInItsPort()
    {
        var first = world.Plugged(Bare(SerialAdapter), Port);
        var id = DeviceHere().Id;
        world.Do(h => h.Pull(first));
        var second = world.Plugged(Bare(Dongle), Port);

        var claim = world.Claim($"id:{id}", guest);

        Assert.That(world.Host.GuestsWith(second), Is.Empty);
        Assert.That(world.Stored(claim).Ids, Is.EqualTo([SerialAdapter]));
    }

    [Test]
    public void Name_OfAnAbsentDevice_IsNotThatOfTheNextInItsPort()
    {
        var first = world.Plugged(Bare(SerialAdapter), Port);
        var claim = world.Claim(first, guest);
        world.Do(h => h.Pull(first));
        var hasp = world.Plugged(new FakeDevice { Name = "hasp", UsbId = Dongle, Serial = "H-1" }, Port);
        world.Do(h => h.Pull(hasp));

        Assert.That(StatusText.DeviceName(world.State, world.Stored(claim), null), Is.EqualTo("bare 1a86:7523"));
    }

    private static FakeDevice Bare(UsbId id) => new() { Name = $"bare {id}", UsbId = id };

    private static LoadedRules Assign(Func<Rule, Rule> with) =>
        TestRules.Of(with(new Rule { Target = RuleTarget.Assign, ToGuest = [new Glob("guest")] }), new Rule { Target = RuleTarget.Allow });

    private static RuleAttribute<T> One<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);

    private static RuleAttribute<UsbIdPattern> OneOf(params UsbId[] ids) =>
        new(SetOperator.OneOf, [.. ids.Select(i => new UsbIdPattern(i.Vendor, i.Product))], IsSet: true);

    private void Release(string port) =>
        world.Ask(s => s.ReleaseClaimAsync(World.Root, new ReleaseClaimRequest { Device = $"port:{port}" }, CancellationToken.None));

    private void Label(string text) =>
        world.Ask(s => s.SetDeviceLabelAsync(World.Root, new SetDeviceLabelRequest { Device = $"port:{Port}", Label = text }, CancellationToken.None));

    private Device DeviceHere() => world.Ask(s => s.GetDeviceAsync(World.Root, new GetDeviceRequest { Device = $"port:{Port}" }, CancellationToken.None));

    private string LabelHere() => DeviceHere().Label;
}
