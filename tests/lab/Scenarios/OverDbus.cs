// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>The door on the system bus: busctl before it, the real polkitd beside it. l1-init.sh has polkit's own rules for labyes and labno.</summary>
public sealed class OverDbus : DaemonTest
{
    private const string Manager = "org.usbhostd.UsbHost1 /org/usbhostd/UsbHost1 org.usbhostd.UsbHost1.Manager";

    [SetUp]
    public async Task DaemonIsOnTheBus() => await Host.DoAsync("gdbus wait --system --timeout 60 org.usbhostd.UsbHost1");

    [Test]
    public async Task Member_ClaimsReadsAndReleases()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "DB-1")).PlugAsync("x0.5");
        await DeviceAsync("serial:DB-1");
        var mark = await guest.MarkAsync();

        var made = await BusctlAsync("labmember", $"call {Manager} CreateClaim 'ssa{{sv}}' serial:DB-1 {guest.Name} 1 Lifetime s UNTIL_UNPLUG");
        await guest.SeesAsync("46f4:0001:DB-1", mark);
        var path = made.Text.Split('"')[1];
        var claim = await AnyClaimAsync(path[(path.LastIndexOf('/') + 1)..], Phase.Attached);
        var phase = await BusctlAsync("labmember", $"get-property org.usbhostd.UsbHost1 {path} org.usbhostd.UsbHost1.Claim Phase");
        var again = await BusctlAsync("labmember", $"call {Manager} CreateClaim 'ssa{{sv}}' serial:DB-1 {Guid.NewGuid()} 0");
        var released = await BusctlAsync("labmember", $"call {Manager} ReleaseClaim 'sa{{sv}}' {claim.Id} 0");
        await guest.NoLongerSeesAsync("46f4:0001:DB-1", mark);

        var uid = await Host.DoAsync("id -u labmember");
        Assert.Multiple(() =>
        {
            Assert.That((claim.Owner, claim.Door), Is.EqualTo(("uid:" + uid.Trim(), "dbus")));
            Assert.That(phase.Text.Trim(), Is.EqualTo("s \"ATTACHED\""));
            Assert.That(again.ExitCode, Is.Not.Zero, again.Text);
            Assert.That(again.Text, Does.Contain(guest.Name));
            Assert.That(released.ExitCode, Is.Zero, released.Text);
        });
    }

    [Test]
    public async Task Polkit_AnswersYesNoAndChallenge()
    {
        var yes = await BusctlAsync("labyes", $"call {Manager} ListDevices 'a{{sv}}' 0");
        var no = await BusctlAsync("labno", $"call {Manager} ListDevices 'a{{sv}}' 0");
        var challenge = await BusctlAsync("labstranger", $"--allow-interactive-authorization=no call {Manager} ListDevices 'a{{sv}}' 0");
        var nobodyToAsk = await BusctlAsync("labstranger", $"call {Manager} ListDevices 'a{{sv}}' 0");
        var more = await BusctlAsync("labyes", $"call {Manager} ReloadPolicy 'a{{sv}}' 0");

        Assert.Multiple(() =>
        {
            Assert.That(yes.ExitCode, Is.Zero, yes.Text);
            Assert.That(yes.Text, Does.StartWith("ao "));
            Assert.That(new[] { no.Text, challenge.Text, nobodyToAsk.Text }, Has.All.Contains("may not see what is there"));
            Assert.That(more.Text, Does.Contain("may not"), "labyes may list and attach only");
        });
    }

    private static Task<Output> BusctlAsync(string user, string arguments) => Host.RunAsync($"busctl --system {arguments} 2>&1", user: user);
}
