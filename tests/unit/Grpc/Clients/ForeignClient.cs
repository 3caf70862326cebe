// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using NUnit.Framework;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Dbus;

namespace UsbHostd.Tests.Grpc.Clients;

/// <summary>A gRPC library that isn't ours, by the example that is written for it.</summary>
/// <param name="Program">The interpreter, and what it is told besides the script.</param>
/// <param name="Example">The example's path.</param>
/// <param name="Calls">The script that makes each kind of call.</param>
/// <param name="Contract">What the example reads the contract from.</param>
internal sealed record ForeignClient(string[] Program, string Example, string Calls, string Contract) : IDisposable
{
    public const string Python = "python";
    public const string JavaScript = "javascript";

    private static readonly string Api = Path.Combine(Repository.Root, "api");

    private DirectoryInfo? Folder { get; init; }

    /// <summary>python3-grpcio with gRPC's C core, or npm's @grpc/grpc-js; what is missing of either fails the test.</summary>
    public static async Task<ForeignClient> OfAsync(string language) => language == Python ? await OfPythonAsync() : OfJavaScript();

    /// <summary>The example, as a user runs it.</summary>
    public async Task<(int Exit, string Output, string Error)> RunExampleAsync(string target, params string[] arguments)
    {
        using var process = StartExample(target, arguments);
        return await process.EndAsync();
    }

    /// <summary>The same, to be followed while it runs.</summary>
    public Process StartExample(string target, params string[] arguments) =>
        Tool.Start(Program[0], [.. Program[1..], Example, Contract, target, .. arguments]);

    /// <summary>What each call came to, by its name.</summary>
    public async Task<Dictionary<string, string>> RunCallsAsync(string target, string authority, params string[] tls)
    {
        var (exit, output, error) = await Tool.RunAsync(
            Program[0], [.. Program[1..], Calls, Path.GetDirectoryName(Example)!, Contract, target, authority, .. tls]);
        Assert.That(exit, Is.Zero, output + error);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2))
            .ToDictionary(words => words[0], words => words[1], StringComparer.Ordinal);
    }

    public void Dispose() => Folder?.Delete(recursive: true);

    private static string Script(string name) => Path.Combine(Repository.Root, "tests/unit/Grpc/Clients", name);

    private static async Task<ForeignClient> OfPythonAsync()
    {
        var folder = Directory.CreateTempSubdirectory("usbhostd-python-");
        var descriptors = Path.Combine(folder.FullName, "usbhostd.pb");
        var (exit, _, error) = await Tool.RunAsync(
            "protoc", "--include_imports", "--descriptor_set_out=" + descriptors, "-I", Api, "-I", Path.Combine(Api, "standard"),
            "usbhostd.proto", "google/rpc/status.proto", "google/rpc/error_details.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto");
        Assert.That(exit, Is.Zero, error);

        // Debian's own Python, which has the module; another on the PATH need not.
        return new ForeignClient(["/usr/bin/python3", "-B"], Path.Combine(Repository.Root, "contrib/examples/python/usbhost.py"), Script("calls.py"), descriptors)
        {
            Folder = folder,
        };
    }

    private static ForeignClient OfJavaScript()
    {
        var example = Path.Combine(Repository.Root, "contrib/examples/javascript");
        Assert.That(
            Directory.Exists(Path.Combine(example, "node_modules/@grpc/grpc-js")), Is.True,
            "@grpc/grpc-js is not there: install nodejs (18 or later) and npm, then run npm ci in contrib/examples/javascript; ./dev test does both");
        return new ForeignClient(["node"], Path.Combine(example, "usbhost.js"), Script("calls.mjs"), Api);
    }
}
