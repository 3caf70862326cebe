// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using UsbHostd.Api.V1;
using UsbHostd.Cli;
using UsbHostd.Tests.Dbus;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Cli;

/// <summary>The command line from arguments to exit code, in this process or as a program, against the door with a fake service behind it.</summary>
internal sealed class CliFixture : IAsyncDisposable
{
    private readonly GrpcFixture grpc;

    private CliFixture(GrpcFixture grpc) => this.grpc = grpc;

    public FakeHostService Service => grpc.Service;

    public static Device Stick => new()
    {
        Id = "daaaaaaaaaaaa",
        VendorId = "0951",
        ProductId = "1666",
        VendorName = "Kingston",
        ProductName = "DataTraveler 3.0",
        ProductString = "DataTraveler 3.0",
        Serial = "4C530001230405",
        SerialUnique = true,
        Port = "1-4.2",
        Bus = 1,
        Device_ = 7,
        SpeedMbps = 5000,
        Authorized = true,
        ConnectType = "hotplug",
        InterfaceTypes = { "08:06:50", "08:06:62" },
        Hash = "lKr1kQh29WiiiWM2LGKjWY9ZvVy795P21sLfSY6Dh08=",
        ParentHash = "m5lQfOThWyUvbKz24NmQFYxIuDeE4j0yD8tZ5fSsGIE=",
        Interfaces = { new Interface { Name = "1-4.2:1.0", Class = "08:06:50", Driver = "usb-storage", Authorized = true } },
    };

    public static Claim Claim(Phase phase, Reason reason = Reason.Unspecified, string message = "", string hint = "") => new()
    {
        Id = "cbbbbbbbbbbbb",
        Guest = new GuestRef { Uuid = "6e5a2c1e-0000-4000-8000-000000000001", Name = "win10" },
        DeviceName = "DataTraveler 3.0",
        Phase = phase,
        Reason = reason,
        Message = message,
        Hint = hint,
    };

    public static async Task<CliFixture> StartAsync() => new(await GrpcFixture.StartAsync());

    public Task<CliResult> RunAsync(params string[] args) => RunAsync(null, args);

    public async Task<CliResult> RunAsync(int? width, string[] args) => await CliResult.OfAsync(args, width, Environment);

    /// <summary>The shell, with these lines on its standard input.</summary>
    public async Task<CliResult> RunLinesAsync(string input, params string[] args) => await CliResult.OfAsync(args, null, Environment, input);

    public ValueTask DisposeAsync() => grpc.DisposeAsync();

    private string? Environment(string name) => string.Equals(name, CommandLine.ConnectVariable, StringComparison.Ordinal) ? grpc.Address : null;
}

internal sealed record CliResult(int Exit, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>The lines of the standard output, without trailing spaces.</summary>
    public string[] Lines => [.. Out.Split('\n').Select(line => line.TrimEnd())];

    /// <summary>Of usbhostctl in this process; of the program, where one is named and no terminal is pretended.</summary>
    public static async Task<CliResult> OfAsync(string[] args, int? width, Func<string, string?> environment, string input = "")
    {
        if (width is null && Programs.NamedClient is { } program)
        {
            return await OfAsync(program, args, environment, input);
        }

        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var exit = await new CommandLine(new CliTerminal(output, error, width, environment)
        {
            OpenInput = () => new MemoryStream(System.Text.Encoding.UTF8.GetBytes(input)),
        }).RunAsync(args);
        return new CliResult(exit, output.ToString(), error.ToString());
    }

    private static async Task<CliResult> OfAsync(string program, string[] args, Func<string, string?> environment, string input)
    {
        using var process = Tool.Start([(CommandLine.ConnectVariable, environment(CommandLine.ConnectVariable) ?? "")], program, args);
        await process.StandardInput.WriteAsync(input);
        var (exit, output, error) = await process.EndAsync();
        return new CliResult(exit, output, error);
    }
}
