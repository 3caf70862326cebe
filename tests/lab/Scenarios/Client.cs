// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>usbhostctl itself, in the hands of a member of the group and of somebody who isn't one.</summary>
public sealed class Client : DaemonTest
{
    private const string Member = "labmember";
    private const string Stranger = "labstranger";
    private const int NotPermitted = 5;
    private const int Unreachable = 9;

    [Test]
    public async Task Member_AttachesListsAndDetaches()
    {
        var guest = await Bed.AlphaAsync();
        var stick = await (await QemuDevice.StickAsync(Host, "CL-1")).PlugAsync("x0.5");
        await DeviceAsync("serial:CL-1");
        var mark = await guest.MarkAsync();

        await AsMemberAsync($"attach serial:CL-1 {guest.Name} --wait --timeout 60");
        await guest.SeesAsync("46f4:0001:CL-1", mark);
        var claim = JsonNode.Parse(await AsMemberAsync("claim-list --json"))!["claims"]!.AsArray().Single()!;
        var devices = await AsMemberAsync("device-list");
        await AsMemberAsync($"detach serial:CL-1 {guest.Name}");

        await guest.NoLongerSeesAsync("46f4:0001:CL-1", mark);
        await Host.DriverIsAsync(stick.PortPath, "usb-storage");
        var uid = await Host.DoAsync($"id -u {Member}");
        Assert.Multiple(() =>
        {
            Assert.That(claim["owner"]!.GetValue<string>(), Is.EqualTo("uid:" + uid));
            Assert.That(claim["phase"]!.GetValue<string>(), Is.EqualTo("ATTACHED"));
            Assert.That(devices, Does.Contain(guest.Name));
        });
    }

    [Test]
    public async Task Member_MayNotPassTheGuard()
    {
        var guest = await Bed.AlphaAsync();
        await (await QemuDevice.StickAsync(Host, "CL-2")).PlugAsync("x0.6");
        await DeviceAsync("serial:CL-2");

        var forced = await Host.RunAsync($"{Harness.Daemon.Client} attach serial:CL-2 {guest.Name} --force 'I want it'", user: Member);

        Assert.That(forced.ExitCode, Is.EqualTo(NotPermitted), forced.Text);
        Assert.That(await ClaimsAsync(), Is.Empty);
    }

    [Test]
    public async Task Stranger_IsKeptOut()
    {
        var list = await Host.RunAsync($"{Harness.Daemon.Client} device-list", user: Stranger);

        Assert.That(list.ExitCode, Is.EqualTo(NotPermitted).Or.EqualTo(Unreachable), list.Text);
        Assert.That(list.Text, Does.Contain("group"));
    }

    private static async Task<string> AsMemberAsync(string arguments)
    {
        var output = await Host.RunAsync($"{Harness.Daemon.Client} {arguments}", user: Member);
        Assert.That(output.ExitCode, Is.Zero, $"usbhostctl {arguments}: {output.Text}");
        return output.Text;
    }
}
