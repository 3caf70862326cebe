// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf.Collections;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Rules;
using UsbHostd.Tests.Reconcile.Sim;
using ClaimPhase = UsbHostd.Core.Claims.ClaimPhase;

namespace UsbHostd.Tests.Service;

/// <summary>What an answer does, and for how long.</summary>
[TestFixture]
internal sealed class AnswerTests : AskTest
{
    [Test]
    public async Task Answer_Guest_AttachesInTheNameOfWhoWasAsked()
    {
        await AnswerAsync(guest.Id.ToString());

        var claim = world.State.Claims.Values.Single();
        Assert.That(world.Stand(claim.Id).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That((claim.Claim.Owner, claim.Claim.Door), Is.EqualTo((World.User.Owner, World.User.Door)));
        var line = world.Store.Audit.Single(a => a.Verb == "answer");
        Assert.That((line.Caller, line.Outcome, line.Detail), Is.EqualTo((World.User.Owner, "ok", "asked, and answered guest guest, for this plug")));
    }

    [Test]
    public async Task Answer_ForThisPlug_IsAskedAgainAtTheNext()
    {
        var (agent, stick) = await AnswerAsync(guest.Id.ToString());

        world.Do(h => h.Pull(stick));
        world.Advance(11);
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That((await agent.AskedAsync()).Question.Device.Port, Is.EqualTo("1-4"));
        Assert.That(world.State.Claims.Values.Where(c => c.Stands), Is.Empty);
        Assert.That(world.State.Answers, Is.Empty);
    }

    [Test]
    public async Task Answer_DeviceResetsAndComesBackAtOnce_StaysWithItsGuestUnasked()
    {
        var (agent, stick) = await AnswerAsync(guest.Id.ToString());

        world.Do(h => h.Pull(stick));
        world.Advance(1);
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(world.State.Claims.Keys.Single()).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(agent.Waiting, Is.Zero);
    }

    [Test]
    public async Task Answer_RestartOfTheDaemon_LeavesTheDeviceWhereItIs()
    {
        await AnswerAsync(guest.Id.ToString());
        world.Host.Done.Clear();

        world.Restart();

        Assert.That(world.Stand(world.State.Claims.Keys.Single()).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(world.Host.Done, Is.Empty);
    }

    [Test]
    public async Task Answer_No_HoldsForThisPlug()
    {
        var (_, stick) = await AnswerAsync("");

        Assert.That(world.State.Claims, Is.Empty);
        Assert.That(Core.Evaluation.Questions.Offered(world.State, stick.Seen(), World.Root.Uid, World.Root.Gids), Is.Empty);
        var refused = Assert.Throws<HostException>(() => world.Claim(stick, guest))!;
        Assert.That(refused.Message, Does.Contain("the rule at /r.conf:3 says ask, and the answer was no"));
    }

    [Test]
    public async Task Answer_GuestRemembered_IsUsedAtTheNextPlugInTheSameName()
    {
        var (agent, stick) = await AnswerAsync(guest.Id.ToString(), remember: true);

        Replug(stick);

        var claim = world.State.Claims.Values.Single(c => c.Stands);
        Assert.That(world.Stand(claim.Id).Phase, Is.EqualTo(ClaimPhase.Attached));
        Assert.That(claim.Claim.Owner, Is.EqualTo(World.User.Owner));
        Assert.That(world.Store.Audit.Where(a => a.Verb == "claim-by-answer").Select(a => (a.Caller, a.Door)), Has.All.EqualTo((World.User.Owner, World.User.Door)));
        Assert.That(agent.Waiting, Is.Zero);
    }

    [Test]
    public async Task Answer_GuestRemembered_SurvivesARestartWhileTheDeviceIsAway()
    {
        var (_, stick) = await AnswerAsync(guest.Id.ToString(), remember: true);
        world.Do(h => h.Pull(stick));
        world.Advance(11);

        world.Restart();
        world.Do(h => h.Plug(stick, "1-4"));

        Assert.That(world.Stand(world.State.Claims.Values.Single(c => c.Stands).Id).Phase, Is.EqualTo(ClaimPhase.Attached));
    }

    [Test]
    public async Task Answer_GuestRemembered_ReleasedByHandStaysOutUntilTheNextPlug()
    {
        var (_, stick) = await AnswerAsync(guest.Id.ToString(), remember: true);
        world.Release(world.State.Claims.Keys.Single());
        Assert.That(guest.Hostdevs, Is.Empty);

        Replug(stick);

        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Answer_NoRemembered_IsNeverAskedAgain()
    {
        var (agent, stick) = await AnswerAsync("", remember: true);

        Replug(stick);
        world.Plugged(Some.Dongle(), "1-3");

        Assert.That((await agent.AskedAsync()).Question.Device.Port, Is.EqualTo("1-3"), "the other device alone");
    }

    [Test]
    public async Task Answer_GuestRemembered_OfAnotherDeviceWithoutSerialInThatPort_IsNotUsed()
    {
        var (agent, mouse) = await AnswerAsync(guest.Id.ToString(), remember: true, Some.Keyboard());
        world.Do(h => h.Pull(mouse));
        world.Advance(11);

        world.Plugged(Some.Microcontroller());

        Assert.That((await agent.AskedAsync()).Question.Device.VendorId, Is.EqualTo("303a"));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public async Task Reload_RuleNoLongerOffersTheRememberedGuest_AsksAgain()
    {
        var other = world.Guest("other");
        var (agent, stick) = await AnswerAsync(guest.Id.ToString(), remember: true);

        world.Reload(TestRules.Of(Ask with { ToGuest = [new Glob("other")] }));
        Assert.That(guest.Hostdevs, Is.Empty);
        Replug(stick);

        Assert.That((await agent.AskedAsync()).Question.Guests.Select(g => g.Uuid), Is.EqualTo([other.Id.ToString()]));
    }

    [Test]
    public async Task Forget_GuestRemembered_LeavesTheDeviceInItsGuestAndAsksAtTheNextPlug()
    {
        var (agent, stick) = await AnswerAsync(guest.Id.ToString(), remember: true);

        var forgotten = Forget(World.User);
        Assert.That(guest.Hostdevs, Has.Count.EqualTo(1));
        Replug(stick);

        Assert.That((forgotten.Remembered, forgotten.InUse, forgotten.Guest.Name), Is.EqualTo((true, true, "guest")));
        Assert.That((await agent.AskedAsync()).Question.Device.Port, Is.EqualTo("1-4"));
        Assert.That(world.State.Answers, Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Forget_No_AsksAgainAtOnce(bool remembered)
    {
        var (agent, _) = await AnswerAsync("", remembered);

        Forget(World.Member);

        Assert.That((await agent.AskedAsync()).Question.Device.Port, Is.EqualTo("1-4"));
    }

    [Test]
    public async Task Forget_GuestForThisPlug_IsRefusedAndSaysWhatToDo()
    {
        await AnswerAsync(guest.Id.ToString());

        var refused = Assert.Throws<HostException>(() => Forget(World.User))!;
        var claim = world.State.Claims.Keys.Single();

        Assert.That(refused.Hint, Is.EqualTo($"release the claim that came of it: usbhostctl claim-release {claim}; or pull the device"));
        world.Ask(s => s.ReleaseClaimAsync(World.User, new() { Id = claim.ToString() }, default));
        Assert.That(guest.Hostdevs, Is.Empty);
    }

    [Test]
    public async Task Forget_AnswerOfAnother_TakesTheRightToManage()
    {
        await AnswerAsync("", remember: true);

        Assert.That(() => Forget(World.OtherUser), Throws.TypeOf<HostException>().With.Property("Code").EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(Answers(World.OtherUser), Is.Empty);
        Assert.That(Answers(World.User).Concat(Answers(World.Viewer)).Select(a => a.DeviceName), Is.EqualTo(["stick", "stick"]));
    }

    [TestCase("a")]
    [TestCase("aaaaaaaaaaaaa")]
    public void Forget_NoSuchAnswer_IsRefused(string id) => Assert.That(
        () => world.Ask(s => s.ForgetAnswerAsync(World.Root, new ForgetAnswerRequest { Id = id }, default)),
        Throws.TypeOf<HostException>().With.Property("Code").EqualTo(ErrorCode.ErrorInvalidArgument).And.Message.EqualTo($"there is no answer {id}"));

    private DeviceAnswer Forget(Caller caller) =>
        world.Ask(s => s.ForgetAnswerAsync(caller, new ForgetAnswerRequest { Id = world.State.Answers.Keys.Single().ToString() }, default));

    private RepeatedField<DeviceAnswer> Answers(Caller caller) => world.Ask(s => s.ListAnswersAsync(caller, new ListAnswersRequest(), default)).Answers;
}
