// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Grpc;
using UsbHostd.Tests.Grpc.Clients;

namespace UsbHostd.Tests.Examples;

/// <summary>contrib/examples, run as a user would against the daemon itself.</summary>
[TestFixture]
internal sealed class ExampleTests
{
    private const string Guest = "uuid:6e5a2c1e-0000-4000-8000-000000000001";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private DaemonProcess daemon = null!;
    private UsbHostClient ours = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        daemon = await DaemonProcess.StartAsync();
        ours = UsbHostClient.Connect(daemon.Address);
        using var patience = new CancellationTokenSource(Patience);
        await ours.WatchAsync(new WatchRequest { Kinds = { Kind.Devices } }, patience.Token).FirstAsync(change => change.Device?.Port == "1-4", patience.Token);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        ours.Dispose();
        await daemon.DisposeAsync();
    }

    [TearDown]
    public async Task ReleaseAsync()
    {
        foreach (var claim in (await ours.ListClaimsAsync(new ListClaimsRequest())).Claims)
        {
            await ours.ReleaseClaimAsync(new ReleaseClaimRequest { Id = claim.Id });
        }
    }

    [Test]
    public void Log_NotReadByTheJournal_BeginsEachLineWithItsTime()
    {
        var lines = daemon.Said.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.That(lines, Is.Not.Empty.And.All.Match(@"^<[0-7]>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z UsbHostd\."));
    }

    [Test]
    public async Task Devices_OverGrpc_AreListed([Values(ForeignClient.Python, ForeignClient.JavaScript)] string language)
    {
        using var client = await ForeignClient.OfAsync(language);

        var (exit, output, error) = await client.RunExampleAsync(daemon.Address, "devices");

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Match("(?m)^d[a-z2-7]{12} 0951:1666 [\"']DataTraveler 3.0[\"']$"));
    }

    [Test]
    public async Task Claim_OverGrpc_IsMade([Values(ForeignClient.Python, ForeignClient.JavaScript)] string language)
    {
        using var client = await ForeignClient.OfAsync(language);

        var (exit, output, error) = await client.RunExampleAsync(daemon.Address, "claim", "usb:0951:1666", Guest);

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That((await ours.ListClaimsAsync(new ListClaimsRequest())).Claims.Select(c => c.Id), Is.EqualTo([output.Trim()]));
    }

    [Test]
    public async Task Claim_OfNoDevice_SaysWhy([Values(ForeignClient.Python, ForeignClient.JavaScript)] string language)
    {
        using var client = await ForeignClient.OfAsync(language);

        var (exit, output, error) = await client.RunExampleAsync(daemon.Address, "claim", "usb:dead:beef", Guest);

        Assert.That((exit, output), Is.EqualTo((1, "")));
        Assert.That(error, Does.Match("^no device .*usb:dead:beef.*\nDEVICE_NOT_FOUND .+\n$"));
    }

    [Test]
    public async Task Watch_OverGrpc_ShowsAChange([Values(ForeignClient.Python, ForeignClient.JavaScript)] string language)
    {
        using var client = await ForeignClient.OfAsync(language);
        using var watch = client.StartExample(daemon.Address, "watch");
        await watch.ReadUntilAsync("SNAPSHOT_END");

        var claim = await ours.CreateClaimAsync(new CreateClaimRequest { Device = "usb:0951:1666", Guest = Guest });

        Assert.That(await watch.ReadUntilAsync("claim"), Does.EndWith($"CHANGED claim {claim.Id}"));
        watch.Kill();
    }

    [Test]
    public async Task Busctl_Devices_AreListed()
    {
        var (exit, output, error) = await BusctlAsync("devices");

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Match("(?m)^\"d[a-z2-7]{12}\" \"0951\" \"1666\" \"DataTraveler 3.0\"$"));
    }

    [Test]
    public async Task Busctl_Claim_IsListedAndReleased()
    {
        var path = (await BusctlAsync("claim", "usb:0951:1666", Guest)).Output.Trim();
        var claim = path[(path.LastIndexOf('/') + 1)..];
        var listed = (await BusctlAsync("claims")).Output;
        var (exit, _, error) = await BusctlAsync("release", claim);

        Assert.That(listed, Is.EqualTo($"\"{claim}\" \"Kingston DataTraveler 3.0\" \"WAITING_FOR_GUEST\" \"LIBVIRT_UNAVAILABLE\"\n"));
        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That((await ours.ListClaimsAsync(new ListClaimsRequest())).Claims, Is.Empty);
    }

    [Test]
    public async Task Busctl_ClaimOfNoDevice_SaysWhy()
    {
        var (exit, output, error) = await BusctlAsync("claim", "usb:dead:beef", Guest);

        Assert.That((exit, output), Is.EqualTo((1, "")));
        Assert.That(error, Does.StartWith("Call failed: no device ").And.Contain("usb:dead:beef"));
    }

    [Test]
    public async Task Follow_RunsItsCommandForEachChange()
    {
        await using var grpc = await GrpcFixture.StartAsync();
        grpc.Service.OnWatch = (_, _, _) => new WatchEvent[]
        {
            new() { Type = WatchEvent.Types.Type.Snapshot, Device = new Device { Id = "d0" } },
            new() { Type = WatchEvent.Types.Type.Changed, Device = new Device { Id = "d1", ProductName = "$(reboot)\u001b" } },
            new() { Type = WatchEvent.Types.Type.Changed, Claim = new Claim { Id = "c1", Phase = Phase.Attached, Guest = new GuestRef { Name = "erp" } } },
            new() { Type = WatchEvent.Types.Type.Removed, Guest = new Guest { Uuid = "u1", Name = "old" } },
            new() { Type = WatchEvent.Types.Type.Resync },
        }.ToAsyncEnumerable();
        using var follow = Tool.Start(
            [("PATH", Path.GetDirectoryName(Programs.Client) + ":" + Environment.GetEnvironmentVariable("PATH")), Programs.Runtime, ("USBHOSTD_CONNECT", grpc.Address)],
            Example("event/follow.py"), "sh", "-c", "echo \"$USBHOST_EVENT,$USBHOST_KIND,$USBHOST_ID,$USBHOST_STATE,$USBHOST_GUEST\"; exit 1");

        var (exit, output, error) = await follow.EndAsync();

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(output, Is.EqualTo("changed,device,d1,,\nchanged,claim,c1,attached,erp\nremoved,guest,u1,,\nresync,,,,\n"));
    }

    private static string Example(string name) => Path.Combine(Repository.Root, "contrib/examples", name);

    private async Task<(int Exit, string Output, string Error)> BusctlAsync(params string[] arguments)
    {
        using var script = Tool.Start([("DBUS_SYSTEM_BUS_ADDRESS", daemon.BusAddress)], Example("busctl/usbhost.sh"), arguments);
        return await script.EndAsync();
    }
}
