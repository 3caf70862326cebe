// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Doors;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Scenarios;

/// <summary>
/// One scenario, through each door: list, explain, claim, watch it attach, be refused a second, release. What each step says is the same.
/// </summary>
public sealed class FiveDoors : DaemonTest
{
    private const string Configuration = "/etc/usbhostd/usbhostd.conf";
    private const string Rules = "/etc/usbhostd/rules.conf";
    private const string Tls = "/etc/usbhostd/tls";
    private const int Port = 7443;

    private static readonly Certificates s_certificates = new();
    private static readonly ApiClient s_remote = new(cancellation => s_daemon!.ConnectAsync(Port, cancellation), s_certificates.Client("CN=orchestrator"));
    private static Daemon? s_daemon;

    protected override async Task FurnishAsync()
    {
        await Daemon.StartOverAsync();
        var (certificate, key) = s_certificates.Make("CN=usbhostd");
        await Host.DoAsync($"""
            install -d -o usbhostd -m 700 {Tls} && cd {Tls}
            echo '{s_certificates.AuthorityPem}' >client-ca.pem; echo '{certificate}' >server.pem; echo '{key}' >server-key.pem; chown usbhostd *.pem
            printf '[tls]\nlisten = 127.0.0.1:{Port}\n[roles]\noperator = group:usbhostd "subject:CN=orchestrator"\n' >{Configuration}
            """);
        s_daemon = Daemon; // for a connection, which is made on a thread that runs no test
    }

    [OneTimeTearDown]
    public void Close()
    {
        s_remote.Dispose();
        s_certificates.Dispose();
    }

    protected override async Task UnfurnishAsync()
    {
        await Host.RunAsync($"rm -rf {Configuration} {Tls} /run/lab/rules.made; {Repository.Bed}/usbhostd term");
        await Daemon.StartOverAsync();
    }

    private static IEnumerable<TestCaseData> Doors()
    {
        yield return Door("Dbus", () => new DbusDoor(Host));
        yield return Door("Grpc", () => new GrpcDoor(Api));
        yield return Door("GrpcWithTls", () => new GrpcDoor(s_remote));
        yield return Door("Usbhostctl", () => new CliDoor(Host));
        yield return Door("Metadata", () => new MetadataDoor(Host, Api));
    }

    [TestCaseSource(nameof(Doors))]
    public async Task Scenario_ThroughADoor_IsTheSame(Func<IDoor> open)
    {
        const string Device = "serial:46f4:0001:5D-1";
        const string Seen = "46f4:0001:5D-1";
        var guest = await Bed.AlphaAsync();
        var other = new GuestVm(Host, "theta", "--firmware");
        await other.DefineAsync();
        try
        {
            await Host.DoAsync($"printf '# of the doors\nallow 46f4:0001 to-guest {{ \"{guest.Name}\" \"{other.Name}\" }}\n' >{Rules}.new && mv {Rules}.new {Rules}");
            await Api.CallAsync<ReloadPolicyResponse>("ReloadPolicy", new ReloadPolicyRequest());
            var stick = await (await QemuDevice.StickAsync(Host, "5D-1")).PlugAsync("x0.5");
            await DeviceAsync(Device);
            var door = open();

            Assert.That(await door.ListAsync("5D-1"), Is.EqualTo(stick.PortPath));
            Assert.That(await door.ExplainAsync(Device, guest.Name), Is.EqualTo((true, 2)));
            var mark = await guest.MarkAsync();
            await door.ClaimAsync(Device, guest.Name);
            await door.AttachedAsync();
            await guest.SeesAsync(Seen, mark);
            Assert.That(await door.RefusedAsync(Device, other.Name), Is.EqualTo(ErrorCode.ErrorHeldByGuest));
            mark = await guest.MarkAsync();
            await door.ReleaseAsync();
            await guest.NoLongerSeesAsync(Seen, mark);
            await NoClaimsAsync();
        }
        finally
        {
            await other.RemoveAsync();
        }
    }

    private static TestCaseData Door(string name, Func<IDoor> open) => new TestCaseData(open).SetName($"Scenario_Through{name}_IsTheSame");
}
