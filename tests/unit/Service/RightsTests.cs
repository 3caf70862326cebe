// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

/// <summary>Who may do what, and what the audit says of it.</summary>
[TestFixture]
internal sealed class RightsTests : StickTest
{
    public static IEnumerable<TestCaseData> Calls()
    {
        yield return Call("ListDevices", (s, c) => s.ListDevicesAsync(c, new(), default).AsTask());
        yield return Call("GetDevice", (s, c) => s.GetDeviceAsync(c, new() { Device = "port:1-4" }, default).AsTask());
        yield return Call("SetDeviceLabel", (s, c) => s.SetDeviceLabelAsync(c, new() { Device = "port:1-4", Label = "x" }, default).AsTask());
        yield return Call("TrustSerial", (s, c) => s.TrustSerialAsync(c, new() { Device = "port:1-4" }, default).AsTask());
        yield return Call("ListClaims", (s, c) => s.ListClaimsAsync(c, new(), default).AsTask());
        yield return Call("GetClaim", (s, c) => s.GetClaimAsync(c, new() { Id = "c" }, default).AsTask());
        yield return Call("CreateClaim", (s, c) => s.CreateClaimAsync(c, new() { Device = "port:1-4", Guest = "guest" }, default).AsTask());
        yield return Call("DryRun", (s, c) => s.CreateClaimAsync(c, new() { Device = "port:1-4", Guest = "guest", DryRun = true }, default).AsTask());
        yield return Call("MoveClaim", (s, c) => s.MoveClaimAsync(c, new() { Id = "c", Guest = "guest" }, default).AsTask());
        yield return Call("ReleaseClaim", (s, c) => s.ReleaseClaimAsync(c, new() { Id = "c" }, default).AsTask());
        yield return Call("RetryClaim", (s, c) => s.RetryClaimAsync(c, new() { Id = "c" }, default).AsTask());
        yield return Call("ListGuests", (s, c) => s.ListGuestsAsync(c, new(), default).AsTask());
        yield return Call("GetGuest", (s, c) => s.GetGuestAsync(c, new() { Guest = "guest" }, default).AsTask());
        yield return Call("StartGuest", (s, c) => s.StartGuestAsync(c, new() { Guest = "guest" }, default).AsTask());
        yield return Call("GetPolicy", (s, c) => s.GetPolicyAsync(c, new(), default).AsTask());
        yield return Call("ExplainPolicy", (s, c) => s.ExplainPolicyAsync(c, new() { Device = "port:1-4" }, default).AsTask());
        yield return Call("ReloadPolicy", (s, c) => s.ReloadPolicyAsync(c, new(), default).AsTask());
        yield return Call("GeneratePolicy", (s, c) => s.GeneratePolicyAsync(c, new(), default).AsTask());
        yield return Call("ListAnswers", (s, c) => s.ListAnswersAsync(c, new(), default).AsTask());
        yield return Call("ForgetAnswer", (s, c) => s.ForgetAnswerAsync(c, new() { Id = "a" }, default).AsTask());
        yield return Call("ListAudit", (s, c) => s.ListAuditAsync(c, new(), default).AsTask());
        yield return Call("Backup", (s, c) => s.BackupAsync(c, new(), default).AsTask());
        yield return Call("GetVersion", (s, c) => s.GetVersionAsync(c, new(), default).AsTask());
        yield return Call("GetHealth", (s, c) => s.GetHealthAsync(c, new(), default).AsTask());
        yield return Call("GetStatistics", (s, c) => s.GetStatisticsAsync(c, new(), default).AsTask());
        yield return Call("RegisterAgent", (s, c) => s.RegisterAgentAsync(c, new FakeAgent(c.Owner), default).AsTask());
        yield return Call("Watch", async (s, c) => await s.Watch(c, new(), default).GetAsyncEnumerator().MoveNextAsync());
    }

    [TestCaseSource(nameof(Calls))]
    public void EveryMethod_CallerOutsideTheGroup_IsDenied(Func<IHostService, Caller, Task> call)
    {
        Assert.That(Code(call, World.Nobody), Is.EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(world.State.Claims, Is.Empty);
    }

    [Test]
    public void Calls_AreAllMethodsOfTheService() => Assert.That(
        typeof(IHostService).GetMethods().Select(m => m.Name.Replace("Async", "", StringComparison.Ordinal)), Is.SubsetOf(Calls().Select(Method)));

    [Test]
    public void Rights_AreOfAllMethodsOfTheContract() => Assert.That(
        UsbHostRights.OfMethod.Where(m => m.Value != Right.None).Select(m => m.Key.Split('/')[^1]),
        Is.EquivalentTo(UsbhostdReflection.Descriptor.Services.Single().Methods.Select(m => m.Name)));

    [Test]
    public void Matrix_EveryMethodAndCaller_IsAsTheContractSays([ValueSource(nameof(Calls))] TestCaseData call, [ValueSource(nameof(Callers))] (Caller Caller, Right Has) who)
    {
        var path = $"/usbhostd.v1.UsbHost/{(Method(call) is "DryRun" or "RegisterAgent" ? "CreateClaim" : Method(call))}";

        var code = Code((Func<IHostService, Caller, Task>)call.Arguments[0]!, who.Caller);

        Assert.That(code == ErrorCode.ErrorPermissionDenied, Is.EqualTo((UsbHostRights.OfMethod[path] & who.Has) == Right.None), $"{code}");
    }

    public static IEnumerable<(Caller Caller, Right Has)> Callers() =>
    [
        (World.Nobody, Right.None), (World.Viewer, Roles.Viewer), (World.User, Roles.User), (World.Member, Roles.Operator), (World.RemoteAdmin, Roles.Admin),
        (World.Root, Roles.Admin),
    ];

    [Test]
    public void CreateClaim_Member_MayClaim()
    {
        world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, World.Member);

        Assert.That(world.State.Claims.Values.Single().Claim.Owner, Is.EqualTo(World.Member.Owner));
    }

    [Test]
    public void CreateClaim_MemberWithForce_IsDenied() => AssertDenied(new CreateClaimRequest { ForceReason = "please" });

    [Test]
    public void CreateClaim_MemberWithOverride_IsDenied() => AssertDenied(new CreateClaimRequest { OverrideReason = "please" });

    [Test]
    public void CreateClaim_RootWithForce_KeepsTheReason()
    {
        world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest", ForceReason = "rescue" });

        Assert.That(world.State.Claims.Values.Single().Claim.ForceReason, Is.EqualTo("rescue"));
        Assert.That(world.Store.Audit.Single(a => a.Verb == "claim-create").Detail, Does.Contain("rescue"));
    }

    [Test]
    public void CreateClaim_MadeAndReleasedWithoutEnd_IsRefusedAndTheLastCanBeReleased()
    {
        string? last = null;
        var refused = Assert.Throws<HostException>(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                last = world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, World.Member).Id;
                world.Ask(s => s.ReleaseClaimAsync(World.Member, new() { Id = last }, default));
                world.Advance(0.1);
            }
        })!;

        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCode.ErrorTooMany, "uid:1000 makes more than 60 changes a minute")));
        Assert.That(world.State.Claims[Policy.Identity.ClaimId.Parse(last!)].Stands, Is.False);
    }

    [Test]
    public void TrustSerial_Member_IsDenied() => Assert.That(
        Code((s, c) => s.TrustSerialAsync(c, new() { Device = "port:1-4" }, default).AsTask(), World.Member), Is.EqualTo(ErrorCode.ErrorPermissionDenied));

    [Test]
    public void CreateClaim_Accepted_IsAuditedWithCallerAndDoor()
    {
        var claim = world.Create(new CreateClaimRequest { Device = "port:1-4", Guest = "guest" }, World.Member);

        var line = world.Store.Audit.Single(a => a.Verb == "claim-create");
        Assert.That((line.Caller, line.Door, line.Subject, line.Outcome), Is.EqualTo((World.Member.Owner, World.Member.Door, claim.Id, "ok")));
    }

    [TestCase("claim-create")]
    [TestCase("claim-move")]
    [TestCase("claim-release")]
    [TestCase("claim-retry")]
    [TestCase("device-label")]
    [TestCase("device-trust-serial")]
    [TestCase("guest-start")]
    [TestCase("agent-register")]
    [TestCase("answer-forget")]
    public void EveryChange_Denied_IsAudited(string verb)
    {
        foreach (var call in Calls())
        {
            Code((Func<IHostService, Caller, Task>)call.Arguments[0]!, World.Nobody);
        }

        var lines = world.Store.Audit.Where(a => a.Verb == verb).ToList();
        Assert.That(lines.Select(l => (l.Caller, l.Outcome)), Is.EqualTo([(World.Nobody.Owner, nameof(ErrorCode.ErrorPermissionDenied))]));
    }

    [Test]
    public void CreateClaim_Refused_IsAuditedWithWhy()
    {
        Assert.Throws<HostException>(() => world.Claim("serial:nobody", guest));

        Assert.That(world.Store.Audit.Single(a => a.Verb == "claim-create").Outcome, Is.EqualTo(nameof(ErrorCode.ErrorDeviceNotFound)));
    }

    [Test]
    public void CreateClaim_WithAnArgumentTooLong_IsAudited()
    {
        Code((s, c) => s.CreateClaimAsync(c, new() { Device = "port:1-4", Guest = "guest", RequestId = new string('x', 300) }, default).AsTask(), World.Member);

        Assert.That(
            world.Store.Audit.Where(a => a.Verb == "claim-create").Select(a => (a.Caller, a.Subject, a.Outcome)),
            Is.EqualTo([(World.Member.Owner, "port:1-4", nameof(ErrorCode.ErrorInvalidArgument))]));
    }

    [Test]
    public void Watch_MoreThanAllowed_IsAudited()
    {
        for (var i = 0; i <= World.CallerLimits.Watches; i++)
        {
            Code((s, c) => s.Watch(c, new(), default).GetAsyncEnumerator().MoveNextAsync().AsTask(), World.Member);
        }

        Assert.That(
            world.Store.Audit.Where(a => a.Verb == "Watch").Select(a => (a.Caller, a.Outcome)), Is.EqualTo([(World.Member.Owner, nameof(ErrorCode.ErrorTooMany))]));
    }

    [Test]
    public void EveryMethod_RefusedWithoutEnd_IsNoLongerTheLoops()
    {
        for (var i = 0; i < 200; i++)
        {
            Code((s, c) => s.GetVersionAsync(c, new(), default).AsTask(), World.Nobody);
        }

        var answer = world.Service.GetVersionAsync(World.Nobody, new(), default).AsTask();

        Assert.That(answer.IsCompleted, Is.True, "it waits for a turn of the loop");
        Assert.That(answer.Exception!.InnerException, Is.TypeOf<HostException>());
    }

    [Test]
    public void Attach_Done_IsAudited()
    {
        var claim = world.Claim("port:1-4", guest);

        Assert.That(world.Store.Audit.Where(a => a.Verb == "attach").Select(a => (a.Subject, a.Outcome)), Is.EqualTo([(claim.ToString(), "ok")]));
    }

    private void AssertDenied(CreateClaimRequest request)
    {
        (request.Device, request.Guest) = ("port:1-4", "guest");

        var refused = Assert.Throws<HostException>(() => world.Create(request, World.Member))!;

        Assert.That(refused.Code, Is.EqualTo(ErrorCode.ErrorPermissionDenied));
        Assert.That(world.State.Claims, Is.Empty);
    }

    private ErrorCode? Code(Func<IHostService, Caller, Task> call, Caller caller)
    {
        try
        {
            world.Ask(s => new ValueTask<bool>(Answer(call(s, caller))));
            return null;
        }
        catch (HostException e)
        {
            return e.Code;
        }

        static async Task<bool> Answer(Task task)
        {
            await task;
            return true;
        }
    }

    private static string Method(TestCaseData call) => call.TestName!.Split('_')[^1];

    private static TestCaseData Call(string name, Func<IHostService, Caller, Task> call) => new TestCaseData(call).SetName($"EveryMethod_CallerOutsideTheGroup_IsDenied_{name}");
}
