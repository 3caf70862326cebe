// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Grpc.Tls;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Grpc.Clients;

/// <summary>Whom the door on TCP turns away, as other libraries see it: the examples, run as a user would.</summary>
[TestFixture(ForeignClient.Python)]
[TestFixture(ForeignClient.JavaScript)]
internal sealed class ForeignTlsTests(string language) : StickTest
{
    private const int Refused = 1313;

    private ForeignClient client = null!;
    private TlsFolder folder = null!;
    private GrpcFixture grpc = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync() => client = await ForeignClient.OfAsync(language);

    [OneTimeTearDown]
    public void Remove() => client.Dispose();

    [SetUp]
    public async Task StartAsync()
    {
        folder = new TlsFolder();
        grpc = await GrpcFixture.StartAsync(tls: folder.Options, service: SteppedService.Of(world));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await grpc.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Devices_OfAViewer_AreListed()
    {
        var (exit, output, error) = await RunAsync(folder.Client(World.RemoteViewer), "devices");

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Contain(" 0951:1666 'stick'").Or.Contain(" 0951:1666 \"stick\""));
    }

    [Test]
    public async Task Claim_OfAViewer_IsRefusedByItsRole()
    {
        var (exit, _, error) = await RunAsync(folder.Client(World.RemoteViewer), "claim", "usb:0951:1666", "guest");

        Assert.That((exit, error.Split('\n')[1].Split(' ')[0]), Is.EqualTo((1, "PERMISSION_DENIED")));
        Assert.That(world.State.Claims, Is.Empty);
    }

    [Test]
    public async Task Devices_OfNoRole_AreRefused()
    {
        var (exit, output, error) = await RunAsync(folder.Client("CN=nobody"), "devices");

        Assert.That((exit, output, error.Split('\n')[1].Split(' ')[0]), Is.EqualTo((1, "", "PERMISSION_DENIED")));
    }

    [Test]
    public async Task Client_OfAnotherAuthority_IsRefused() =>
        await AssertTurnedAwayAsync(folder.Client(World.RemoteViewer, isOther: true), "was not signed by an authority of client-ca");

    [Test]
    public async Task Client_Expired_IsRefused() =>
        await AssertTurnedAwayAsync(folder.Client(World.RemoteViewer, valid: TimeSpan.FromDays(-1)), "has expired or is not valid yet");

    [Test]
    public async Task Client_WithoutACertificate_IsRefused() =>
        await AssertTurnedAwayAsync(new TlsCredentials("", "", folder.Client(World.RemoteViewer).Authorities), "it has no certificate");

    [Test]
    public async Task Server_OfAnotherAuthority_IsNotTrusted()
    {
        var own = folder.Client(World.RemoteViewer);
        folder.WriteAuthority("ca.pem", isOther: true);

        var (exit, output, _) = await RunAsync(own, "devices");

        Assert.That((exit, output), Is.EqualTo((1, "")));
    }

    private async Task AssertTurnedAwayAsync(TlsCredentials credentials, string why)
    {
        var (exit, output, _) = await RunAsync(credentials, "devices");

        Assert.That((exit, output), Is.EqualTo((1, "")));
        Assert.That(grpc.Log.Entries.Where(entry => entry.Id == Refused).Select(entry => entry.Text), Has.Some.Contains(why));
    }

    private Task<(int Exit, string Output, string Error)> RunAsync(TlsCredentials credentials, params string[] arguments)
    {
        string[] own = credentials.Certificate.Length == 0 ? [] : ["--tls-certificate", credentials.Certificate, "--tls-key", credentials.Key];
        return client.RunExampleAsync($"localhost:{grpc.TlsPort}", ["--tls-ca", credentials.Authorities, .. own, .. arguments]);
    }
}
