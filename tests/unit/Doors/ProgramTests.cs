// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Examples;
using UsbHostd.Tests.Grpc.Tls;
using Tool = UsbHostd.Tests.Dbus.Tool;

namespace UsbHostd.Tests.Doors;

/// <summary>Every method through every door of the daemon as a program, native where one is named: what only a native program lacks shows here.</summary>
[TestFixture]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class ProgramTests
{
    private static readonly string[] Standard =
        ["/grpc.health.v1.Health/Check unary", "/grpc.health.v1.Health/Watch stream", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo stream 3A00"];

    private readonly int port = FreePort();
    private TlsFolder tls = null!;
    private DaemonProcess daemon = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        tls = new TlsFolder();
        daemon = await DaemonProcess.StartAsync($"""
            [tls]
            listen = 127.0.0.1:{port}
            certificate = {tls.Options.Certificate}
            key = {tls.Options.Key}
            client-ca = {tls.Options.ClientCa}

            """, Path.GetDirectoryName(tls.Options.Key)!);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await daemon.DisposeAsync();
        tls.Dispose();
    }

    [Test]
    public async Task Grpc_OnTheUnixSocket_EveryMethodIsThere() => AssertAllAreThere(await MatrixTests.CallAsync(null, daemon.Address));

    [Test]
    public async Task Grpc_WithMutualTls_EveryMethodIsRefusedToAStranger()
    {
        var mine = tls.Client("CN=stranger");

        var codes = await MatrixTests.CallAsync(null, $"localhost:{port}", mine.Authorities, mine.Certificate, mine.Key);

        AssertAllAreThere(codes);
        Assert.That(codes["CreateClaim"], Is.EqualTo(ErrorCode.ErrorPermissionDenied));
    }

    [Test]
    public async Task Grpc_HealthAndReflection_Answer()
    {
        using var process = Tool.Start("/usr/bin/python3", "-B", Path.Combine(Architecture.Repository.Root, "tests/unit/Doors/calls.py"), daemon.Address);
        foreach (var line in Standard)
        {
            await process.StandardInput.WriteLineAsync(line);
        }

        var (exit, output, error) = await process.EndAsync();

        Assert.That((exit, error), Is.EqualTo((0, "")));
        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(Standard.Length).And.All.EndsWith(" OK"));
    }

    [Test]
    public async Task Dbus_EveryMethodIsThere()
    {
        var codes = new Dictionary<string, ErrorCode>(StringComparer.Ordinal);
        foreach (var method in MatrixTests.ManagerMethods())
        {
            var name = method.Attribute("name")!.Value;
            var (_, output, error) = await Tool.RunAsync("gdbus", [
                "call", "--address", daemon.BusAddress, "--dest", DbusOptions.BusName, "--object-path", ObjectPaths.Root,
                "--method", $"{DbusDoor.ManagerInterface}.{name}", .. MatrixTests.Arguments(method),
            ]);
            codes.Add(name, MatrixTests.CodeOf(output + error));
        }

        AssertAllAreThere(codes);
    }

    private static void AssertAllAreThere(IReadOnlyDictionary<string, ErrorCode> codes)
    {
        Assert.That(codes.Keys, Is.SupersetOf(MatrixTests.Methods.Select(m => m.Name)));
        Assert.That(codes.Values, Has.None.EqualTo(ErrorCode.ErrorInternal).And.None.EqualTo(ErrorCode.ErrorUnimplemented));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
