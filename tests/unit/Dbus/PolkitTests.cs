// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using Tmds.DBus.Protocol;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Dbus;

/// <summary>What polkit is asked, and what its answer does. The service asks for each call, as the real one does where roles don't allow it.</summary>
[TestFixture]
internal sealed class PolkitTests
{
    private const string Denied = "org.usbhostd.UsbHost1.Error.PermissionDenied";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private DbusFixture dbus = null!;

    [SetUp]
    public async Task StartAsync()
    {
        dbus = await DbusFixture.StartAsync();
        dbus.Service.On<CreateClaimRequest>(async (caller, request, token) =>
        {
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["device"] = request.Device, ["guest"] = request.Guest };
            return await caller.Authority!.GrantsAsync(Right.Attach, details, token)
                ? new Claim { Id = "c1" }
                : throw new HostException(ErrorCode.ErrorPermissionDenied, "may not");
        });
    }

    [TearDown]
    public async Task StopAsync() => await dbus.DisposeAsync();

    [Test]
    public async Task Yes_LetsTheCallPass()
    {
        using var polkit = await FakePolkit.StartAsync(dbus.Bus.Address);
        polkit.Answer = (true, false);

        var path = await dbus.Client.CallAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", Claim, answer => answer.Expect("oa{sv}").ReadObjectPathAsString());

        Assert.That(path, Is.EqualTo(ObjectPaths.OfClaim("c1")));
    }

    [TestCase(false, TestName = "No_RefusesTheCall")]
    [TestCase(true, TestName = "Challenge_NobodyMayBeAsked_RefusesTheCall")]
    public async Task NoOrChallenge_RefusesTheCall(bool challenge)
    {
        using var polkit = await FakePolkit.StartAsync(dbus.Bus.Address);
        polkit.Answer = (false, challenge);

        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", Claim);

        Assert.That(refused.Name, Is.EqualTo(Denied));
    }

    [Test]
    public async Task NoPolkit_RefusesTheCall()
    {
        var refused = await dbus.Client.RefusedAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", Claim);

        Assert.That(refused.Name, Is.EqualTo(Denied));
    }

    [Test]
    public async Task Question_NamesTheCallerTheActionAndWhatItIsAbout()
    {
        using var polkit = await FakePolkit.StartAsync(dbus.Bus.Address);
        await dbus.Client.RefusedAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", Claim);

        var asked = await polkit.AskedAsync();

        Assert.That(
            (asked.Kind, asked.Action, asked.Device, asked.Guest, asked.Flags),
            Is.EqualTo(("system-bus-name", "org.usbhostd.usbhost1.attach", "usb:0951:1666", "erp", 0u)));
        Assert.That(await OwnerPidAsync(asked.Sender), Is.EqualTo((uint)Environment.ProcessId));
    }

    [TestCase("yes", 1u)]
    [TestCase("no", 0u)]
    public async Task Question_MayBePutToAPerson_WhereTheCallSaysSo(string interactive, uint flags)
    {
        using var polkit = await FakePolkit.StartAsync(dbus.Bus.Address);

        await dbus.BusctlAsync(
            "--allow-interactive-authorization=" + interactive, "call", DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface, "CreateClaim",
            "ssa{sv}", "d", "g", "0");

        Assert.That((await polkit.AskedAsync()).Flags, Is.EqualTo(flags));
    }

    [Test]
    public async Task Question_NobodyAnswers_IsTakenBackAndRefusesTheCall()
    {
        await using var hasty = await DbusFixture.StartAsync(options => options with { QuestionPatience = TimeSpan.FromMilliseconds(200) });
        hasty.Service.On<CreateClaimRequest>(async (caller, _, token) =>
            await caller.Authority!.GrantsAsync(Right.Attach, new Dictionary<string, string>(StringComparer.Ordinal) { ["device"] = "", ["guest"] = "" }, token)
                ? new Claim { Id = "c1" }
                : throw new HostException(ErrorCode.ErrorPermissionDenied, "may not"));
        using var polkit = await FakePolkit.StartAsync(hasty.Bus.Address);
        polkit.Answer = null;

        var (_, _, error) = await hasty.BusctlAsync(
            "--allow-interactive-authorization=yes", "call", DbusOptions.BusName, ObjectPaths.Root, DbusDoor.ManagerInterface, "CreateClaim", "ssa{sv}", "d", "g", "0");

        Assert.That(await polkit.CancelledAsync(), Is.EqualTo((await polkit.AskedAsync()).Id));
        Assert.That(error, Does.Contain("may not"));
    }

    [Test]
    public async Task CallerVanishes_WhilePolkitAsks_CancelsTheQuestionAndLeavesNothing()
    {
        using var polkit = await FakePolkit.StartAsync(dbus.Bus.Address);
        polkit.Answer = null;
        var other = await BusClient.ConnectAsync(dbus.Bus.Address);
        var call = other.CallAsync(BusClient.Manager, "CreateClaim", "ssa{sv}", Claim);
        var asked = await polkit.AskedAsync();

        other.Dispose();

        Assert.That(await polkit.CancelledAsync(), Is.EqualTo(asked.Id));
        Assert.That(async () => await call, Throws.TypeOf<BusException>());
        await dbus.Door.IdleAsync().WaitAsync(Patience);
        Assert.That(dbus.Door.Peers, Is.Zero);
    }

    private static void Claim(ref MessageWriter to)
    {
        to.Text("usb:0951:1666");
        to.Text("erp");
        to.NoEntries();
    }

    private Task<uint> OwnerPidAsync(string name) =>
        dbus.Client.CallAsync(BusTarget.Bus, "GetConnectionUnixProcessID", "s", (ref to) => to.Text(name), answer => answer.Expect("u").ReadUInt32());
}
