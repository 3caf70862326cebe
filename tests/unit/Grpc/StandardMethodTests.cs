// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.GrpcReflection;

namespace UsbHostd.Tests.Grpc;

/// <summary>What every gRPC server is asked: health, and its contract.</summary>
[TestFixture]
internal sealed class StandardMethodTests
{
    private const string Reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

    private GrpcFixture grpc = null!;
    private HttpMessageInvoker http = null!;

    [SetUp]
    public async Task StartAsync()
    {
        grpc = await GrpcFixture.StartAsync();
        http = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = (_, token) => UsbHostAddress.Parse(grpc.Address).OpenAsync(token) });
    }

    [TearDown]
    public async Task StopAsync()
    {
        http.Dispose();
        await grpc.DisposeAsync();
    }

    [TestCase("")]
    [TestCase("usbhostd.v1.UsbHost")]
    public async Task Check_WhatIsServed_Serves(string service)
    {
        var (answers, status) = await CallAsync("/grpc.health.v1.Health/Check", HealthCheckResponse.Parser, new HealthCheckRequest { Service = service });

        Assert.That((answers.Single().Status, status), Is.EqualTo((HealthCheckResponse.Types.ServingStatus.Serving, StatusCode.OK)));
    }

    [Test]
    public async Task Check_AnotherService_IsNotFound()
    {
        var (_, status) = await CallAsync("/grpc.health.v1.Health/Check", HealthCheckResponse.Parser, new HealthCheckRequest { Service = "x" });

        Assert.That(status, Is.EqualTo(StatusCode.NotFound));
        Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.No.Member(1303), "its request can be read");
    }

    [TestCase("", HealthCheckResponse.Types.ServingStatus.Serving)]
    [TestCase("x", HealthCheckResponse.Types.ServingStatus.ServiceUnknown)]
    public async Task Watch_UntilTheServerStops_SaysTheStateOnce(string service, HealthCheckResponse.Types.ServingStatus expected)
    {
        using var call = Call("/grpc.health.v1.Health/Watch", new HealthCheckRequest { Service = service });
        using var response = await http.SendAsync(call, CancellationToken.None);
        await using var body = await response.Content.ReadAsStreamAsync();
        var first = await GrpcFrame.ReadAsync(body, HealthCheckResponse.Parser, 1000, CancellationToken.None);
        await grpc.StopServerAsync();
        var second = await GrpcFrame.ReadAsync(body, HealthCheckResponse.Parser, 1000, CancellationToken.None);

        Assert.That((first!.Status, second, StatusOf(response)), Is.EqualTo((expected, (HealthCheckResponse?)null, StatusCode.Unavailable)));
    }

    [Test]
    public async Task Reflection_ListServices_NamesAllThree() => Assert.That(
        (await AskAsync(new ServerReflectionRequest { ListServices = "*" })).ListServicesResponse.Service.Select(s => s.Name),
        Is.EqualTo(["usbhostd.v1.UsbHost", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]));

    [TestCase("usbhostd.v1.UsbHost", "usbhostd.proto")]
    [TestCase("usbhostd.v1.UsbHost.ListDevices", "usbhostd.proto")]
    [TestCase("usbhostd.v1.Device", "usbhostd.proto")]
    [TestCase("usbhostd.v1.ErrorCode", "usbhostd.proto")]
    [TestCase("google.rpc.Status", "google/rpc/status.proto")]
    [TestCase("google.protobuf.Timestamp", "google/protobuf/timestamp.proto")]
    [TestCase("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto")]
    public async Task Reflection_FileOfASymbol_ComesWithItsImports(string symbol, string file)
    {
        var files = (await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol })).FileDescriptorResponse.FileDescriptorProto
            .Select(FileDescriptorProto.Parser.ParseFrom).ToList();

        Assert.That(files[0].Name, Is.EqualTo(file));
        Assert.That(files.SelectMany(f => f.Dependency), Is.SubsetOf(files.Select(f => f.Name)));
    }

    [Test]
    public async Task Reflection_FileByItsName_IsThere() => Assert.That(
        (await AskAsync(new ServerReflectionRequest { FileByFilename = "usbhostd.proto" })).FileDescriptorResponse.FileDescriptorProto, Has.Count.GreaterThan(1));

    [Test]
    public async Task Reflection_ExtensionsOfAMessage_AreNone()
    {
        var answer = (await AskAsync(new ServerReflectionRequest { AllExtensionNumbersOfType = "usbhostd.v1.Device" })).AllExtensionNumbersResponse;

        Assert.That((answer.BaseTypeName, answer.ExtensionNumber.Count), Is.EqualTo(("usbhostd.v1.Device", 0)));
    }

    private static IEnumerable<TestCaseData> Unknown()
    {
        yield return new TestCaseData(new ServerReflectionRequest { FileContainingSymbol = "usbhostd.v1.Nothing" }, StatusCode.NotFound).SetName("Reflection_UnknownSymbol_IsNotFound");
        yield return new TestCaseData(new ServerReflectionRequest { FileByFilename = "/etc/passwd" }, StatusCode.NotFound).SetName("Reflection_UnknownFile_IsNotFound");
        yield return new TestCaseData(new ServerReflectionRequest { AllExtensionNumbersOfType = "x" }, StatusCode.NotFound).SetName("Reflection_UnknownType_IsNotFound");
        yield return new TestCaseData(
            new ServerReflectionRequest { FileContainingExtension = new ExtensionRequest { ContainingType = "usbhostd.v1.Device", ExtensionNumber = 1 } },
            StatusCode.NotFound).SetName("Reflection_UnknownExtension_IsNotFound");
        yield return new TestCaseData(new ServerReflectionRequest(), StatusCode.InvalidArgument).SetName("Reflection_NoQuestion_IsInvalid");
    }

    [TestCaseSource(nameof(Unknown))]
    public async Task Reflection_Unknown(ServerReflectionRequest request, StatusCode expected) =>
        Assert.That((await AskAsync(request)).ErrorResponse.ErrorCode, Is.EqualTo((int)expected));

    [TestCase(Reflection)]
    [TestCase("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")]
    public async Task Reflection_ManyQuestions_AreAnsweredInOrder(string path)
    {
        ServerReflectionRequest[] asked = [new() { Host = "a", ListServices = "" }, new() { Host = "b", FileContainingSymbol = "x" }, new() { Host = "c", ListServices = "" }];
        var (answers, status) = await CallAsync(path, ServerReflectionResponse.Parser, asked);

        Assert.That(answers.Select(a => a.OriginalRequest), Is.EqualTo(asked));
        Assert.That(status, Is.EqualTo(StatusCode.OK));
    }

    private static HttpRequestMessage Call(string path, params IMessage[] messages) => new(HttpMethod.Post, "http://localhost" + path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new ByteArrayContent([.. messages.SelectMany(GrpcFrame.ToArray)]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
    };

    private static StatusCode StatusOf(HttpResponseMessage response) => (StatusCode)int.Parse(
        (response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers).GetValues("grpc-status").Single());

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request) =>
        (await CallAsync(Reflection, ServerReflectionResponse.Parser, request)).Answers.Single();

    private async Task<(List<T> Answers, StatusCode Status)> CallAsync<T>(string path, MessageParser<T> parser, params IMessage[] messages)
        where T : class, IMessage<T>
    {
        using var call = Call(path, messages);
        using var response = await http.SendAsync(call, CancellationToken.None);
        await using var body = await response.Content.ReadAsStreamAsync();
        List<T> answers = [];
        while (await GrpcFrame.ReadAsync(body, parser, 1 << 20, CancellationToken.None) is { } answer)
        {
            answers.Add(answer);
        }

        return (answers, StatusOf(response));
    }
}
