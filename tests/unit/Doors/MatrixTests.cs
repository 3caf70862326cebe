// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Daemon.Grpc.Tls;
using UsbHostd.Daemon.Service;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Grpc.Tls;
using Tool = UsbHostd.Tests.Dbus.Tool;

namespace UsbHostd.Tests.Doors;

/// <summary>
/// Every method, through every door, by every kind of caller: refused where the contract's rights say so, and only there. The methods come
/// from the contracts, so a new one takes part by itself. Callers are processes of their own with clients that aren't ours, under their
/// own user where the tests run as root, else under the tests' user with that caller's role.
/// </summary>
[TestFixture]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class MatrixTests
{
    private const UnixFileMode Everybody =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>"daemon" on every Debian: dbus-daemon takes only users that the host knows.</summary>
    private const uint SomeUser = 1;

    /// <summary>What D-Bus has beside the contract's methods: an agent is an object of a bus. Whoever may claim may answer.</summary>
    private static readonly Dictionary<string, Right?> OnlyOnDbus = new(StringComparer.Ordinal)
    {
        ["RegisterAgent"] = UsbHostRights.OfMethod[UsbHostMethods.CreateClaim],
        ["UnregisterAgent"] = null, // a caller has none here, which is all that anybody is told
    };

    private static readonly CallerLimitOptions Generous = new() { CallsPerSecond = 10000 };

    internal static IReadOnlyList<MethodDescriptor> Methods => [.. UsbhostdReflection.Descriptor.Services.Single().Methods];

    private static IEnumerable<MatrixCaller> LocalCallers() =>
    [
        MatrixCaller.Nobody, MatrixCaller.WithoutRole, .. MatrixCaller.WithRoles, .. Environment.IsPrivilegedProcess ? new[] { MatrixCaller.Root } : [],
    ];

    private static IEnumerable<MatrixCaller> RemoteCallers() => [MatrixCaller.Nobody, MatrixCaller.WithoutRole, .. MatrixCaller.WithRoles];

    [TestCaseSource(nameof(LocalCallers))]
    public async Task Grpc_OnTheUnixSocket_EveryMethod(MatrixCaller who)
    {
        await using var host = new LiveHost(who.Grant(Principal(who)), Generous);
        var folder = Directory.CreateTempSubdirectory("usbhostd-matrix-");
        File.SetUnixFileMode(folder.FullName, Everybody);
        var socket = Path.Combine(folder.FullName, "api.sock");
        using var server = new GrpcServer(host.Service, new GrpcOptions { SocketPath = socket }, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance);
        await server.StartAsync(CancellationToken.None);
        File.SetUnixFileMode(socket, Everybody); // the socket's own group is another test's

        var codes = await CallAsync(who, "unix:" + socket);

        await server.StopAsync(CancellationToken.None);
        folder.Delete(recursive: true);
        AssertAsTheContractSays(who, codes);
    }

    [TestCaseSource(nameof(RemoteCallers))]
    public async Task Grpc_WithMutualTls_EveryMethod(MatrixCaller who)
    {
        await using var host = new LiveHost(who.Grant(new Principal(PrincipalKind.Subject, "CN=matrix")), Generous);
        using var folder = new TlsFolder();
        var mine = folder.Client(who == MatrixCaller.Nobody ? "CN=somebody else" : "CN=matrix");
        var socket = folder.At("api.sock");
        var listener = TlsListener.Open(folder.Options, isPrivileged: false, TimeProvider.System, NullLoggerFactory.Instance)!;
        using var server = new GrpcServer(host.Service, new GrpcOptions { SocketPath = socket }, new CallerLimits(new CallerLimitOptions(), TimeProvider.System), NullLoggerFactory.Instance, listener);
        await server.StartAsync(CancellationToken.None);

        var codes = await CallAsync(null, $"localhost:{listener.EndPoint.Port}", mine.Authorities, mine.Certificate, mine.Key);

        await server.StopAsync(CancellationToken.None);
        AssertAsTheContractSays(who, codes);
    }

    [TestCaseSource(nameof(LocalCallers))]
    public async Task Dbus_EveryMethod(MatrixCaller who)
    {
        await using var host = new LiveHost(who.Grant(Principal(who)), Generous);
        await using var bus = await PrivateBus.StartAsync(isForEverybody: true);
        var options = new DbusOptions { Address = bus.Address };
        using var server = new DbusServer(host.Service, options, TimeProvider.System, NullLoggerFactory.Instance);
        server.Start();
        using (var client = await BusClient.ConnectAsync(bus.Address))
        {
            await client.AwaitNameAsync(DbusOptions.BusName);
        }

        var codes = new Dictionary<string, ErrorCode>(StringComparer.Ordinal);
        foreach (var method in ManagerMethods())
        {
            var (program, arguments) = As(who, "gdbus", [
                "call", "--address", bus.Address, "--dest", DbusOptions.BusName, "--object-path", ObjectPaths.Root,
                "--method", $"{DbusDoor.ManagerInterface}.{method.Attribute("name")!.Value}", .. Arguments(method),
            ]);
            var (_, output, error) = await Tool.RunAsync(program, [.. arguments]);
            codes.Add(method.Attribute("name")!.Value, CodeOf(output + error));
        }

        await server.StopAsync();
        AssertAsTheContractSays(who, codes);
    }

    private static void AssertAsTheContractSays(MatrixCaller who, IReadOnlyDictionary<string, ErrorCode> codes)
    {
        var rights = Methods.ToDictionary(m => m.Name, m => (Right?)UsbHostRights.OfMethod[PathOf(m)], StringComparer.Ordinal);
        Assert.That(codes.Keys, Is.SupersetOf(rights.Keys), "every method of the contract goes through the door");
        var expected = codes.Keys.ToDictionary(
            m => m, m => (rights.TryGetValue(m, out var right) ? right : OnlyOnDbus[m]) is { } wanted && (wanted & who.Has) == Right.None, StringComparer.Ordinal);
        Assert.That(codes.ToDictionary(c => c.Key, c => c.Value == ErrorCode.ErrorPermissionDenied, StringComparer.Ordinal), Is.EquivalentTo(expected));
        Assert.That(codes.Values, Has.None.EqualTo(ErrorCode.ErrorUnimplemented));
    }

    internal static string PathOf(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";

    /// <summary>All methods in one process of the caller's, by Debian's grpcio.</summary>
    internal static async Task<Dictionary<string, ErrorCode>> CallAsync(MatrixCaller? who, string target, params string[] tls)
    {
        var script = Path.Combine(Repository.Root, "tests/unit/Doors/calls.py");
        List<string> arguments = ["-B", "-c", await File.ReadAllTextAsync(script), target, .. tls];
        var (program, all) = who is null ? ("/usr/bin/python3", arguments) : As(who, "/usr/bin/python3", arguments);
        using var process = Tool.Start(program, [.. all]);
        foreach (var method in Methods)
        {
            await process.StandardInput.WriteLineAsync(
                $"{PathOf(method)} {(method.IsServerStreaming ? "stream" : "unary")} {Convert.ToHexString(Request(method.InputType).ToByteArray())}");
        }

        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.That(process.ExitCode, Is.Zero, await error);
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' '))
            .ToDictionary(w => w[0].Split('/')[^1], w => w switch
            {
                [_, _, { Length: > 0 } details] => CodeOf(Convert.FromHexString(details)),
                [_, "OK", ..] => default,
                _ => throw new InvalidOperationException(string.Join(' ', w)),
            }, StringComparer.Ordinal);
    }

    private static ErrorCode CodeOf(byte[] details) => ErrorStatus.Unpack([new Metadata.Entry("grpc-status-details-bin", details)])?.Code ?? ErrorCode.ErrorInternal;

    /// <summary>gdbus tells an error by its name.</summary>
    internal static ErrorCode CodeOf(string said) => said.Split(DbusOptions.BusName + ".Error.") is [_, { } after, ..]
        ? Enum.GetValues<ErrorCode>().Single(c => c.ToString() == "Error" + after.Split(':')[0])
        : said.StartsWith('(') ? default
        : throw new InvalidOperationException(said);

    /// <summary>A request about the stick and the guest, whatever it is for.</summary>
    private static IMessage Request(MessageDescriptor type)
    {
        var request = type.Parser.ParseFrom([]);
        foreach (var field in type.Fields.InDeclarationOrder().Where(f => f is { FieldType: FieldType.String, IsRepeated: false }))
        {
            if (Value(field.Name) is { } value)
            {
                field.Accessor.SetValue(request, value);
            }
        }

        return request;
    }

    private static string? Value(string name) => name switch
    {
        "device" => "port:1-4",
        "guest" => "guest",
        "id" => "nothing",
        "label" => "mine",
        _ => null,
    };

    internal static IEnumerable<XElement> ManagerMethods() => XDocument.Load(Path.Combine(Repository.Root, "api/dbus/org.usbhostd.UsbHost1.xml")).Root!
        .Elements("interface").Single(i => i.Attribute("name")!.Value == DbusDoor.ManagerInterface).Elements("method");

    internal static ImmutableArray<string> Arguments(XElement method) =>
    [
        .. method.Elements("arg").Where(a => a.Attribute("direction")?.Value == "in").Select(a => a.Attribute("type")!.Value switch
        {
            "s" => Value(a.Attribute("name")!.Value) ?? "x",
            "a{sv}" => "@a{sv} {}",
            "o" => "/agent",
            var other => throw new InvalidOperationException($"no value for {method.Attribute("name")} {other}"),
        }),
    ];

    private static Principal Principal(MatrixCaller who) => new(PrincipalKind.User, $"{Uid(who)}");

    private static uint Uid(MatrixCaller who) =>
        !Environment.IsPrivilegedProcess ? EffectiveUser()
        : who == MatrixCaller.Root ? 0u
        : who == MatrixCaller.Nobody ? 65534u
        : SomeUser;

    private static (string Program, List<string> Arguments) As(MatrixCaller who, string program, IEnumerable<string> arguments) => Environment.IsPrivilegedProcess
        ? ("setpriv", ["--reuid", $"{Uid(who)}", "--regid", $"{Uid(who)}", "--clear-groups", "--", program, .. arguments])
        : (program, [.. arguments]);

    private static uint EffectiveUser() =>
        uint.Parse(File.ReadLines("/proc/self/status").Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2], CultureInfo.InvariantCulture);
}
