// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Grpc;

/// <summary>What arrives at the door need not come from our client.</summary>
[TestFixture]
internal sealed class GrpcWireTests
{
    private TimerAtHand time = null!;
    private GrpcFixture grpc = null!;
    private HttpMessageInvoker http = null!;

    [SetUp]
    public async Task StartAsync()
    {
        grpc = await GrpcFixture.StartAsync(options => options with { MaxRequestBytes = 1000, Time = time = new TimerAtHand() });
        grpc.Service.On<GetDeviceRequest>(request => new Device { Id = request.Device });
        http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = (_, token) => UsbHostAddress.Parse(grpc.Address).OpenAsync(token),
        });
    }

    [TearDown]
    public async Task StopAsync()
    {
        http.Dispose();
        await grpc.DisposeAsync();
    }

    [TestCase("00 00 00 00 04 0a 02 64 31", StatusCode.OK, TestName = "Frame_Whole_IsAnswered")]
    [TestCase("", StatusCode.InvalidArgument, TestName = "Frame_None_IsInvalid")]
    [TestCase("00 00 00", StatusCode.Internal, TestName = "Frame_CutInPrefix_IsBroken")]
    [TestCase("00 00 00 00 09 0a 02 64 31", StatusCode.Internal, TestName = "Frame_CutInMessage_IsBroken")]
    [TestCase("00 00 00 00 04 0a 7f 64 31", StatusCode.InvalidArgument, TestName = "Frame_FieldBeyondItsEnd_IsInvalid")]
    [TestCase("00 00 00 00 02 0f ff", StatusCode.InvalidArgument, TestName = "Frame_NoWireType_IsInvalid")]
    [TestCase("01 00 00 00 04 0a 02 64 31", StatusCode.Unimplemented, TestName = "Frame_Compressed_IsNotSupported")]
    [TestCase("00 00 00 03 e9 00", StatusCode.ResourceExhausted, TestName = "Frame_OneByteTooLong_IsRefused")]
    [TestCase("00 ff ff ff ff 00", StatusCode.ResourceExhausted, TestName = "Frame_FourGibibytes_IsRefused")]
    public async Task Frame(string hex, StatusCode expected)
    {
        var body = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        var (status, message) = await CallAsync(UsbHostMethods.GetDevice, body);

        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(expected), message);
            Assert.That(grpc.Service.Asked, Has.Count.EqualTo(expected == StatusCode.OK ? 1 : 0));
            Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.No.Member(1301));
        });
    }

    [Test]
    public async Task Body_FarBeyondTheLimit_IsRefusedWithoutReadingIt()
    {
        var (status, _) = await CallAsync(UsbHostMethods.GetDevice, GrpcFrame.ToArray(new GetDeviceRequest { Device = new string('x', 10_000_000) }));

        Assert.That(status, Is.EqualTo(StatusCode.ResourceExhausted));
    }

    [TestCase(UsbHostMethods.GetDevice, TestName = "Body_CutShortAndNotEnded_IsNotWaitedForWithoutEnd")]
    [TestCase("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", TestName = "Body_CutShortAndNotEnded_OfAQuestion_IsNotWaitedForWithoutEnd")]
    public async Task Body_CutShortAndNotEnded(string path)
    {
        using var call = Call(path, []);
        call.Content = new UnendedContent([0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
        var answer = http.SendAsync(call, CancellationToken.None);

        (await time.MadeAsync())();

        using var response = await answer;
        Assert.That((await StatusOfAsync(response)).Status, Is.EqualTo(StatusCode.DeadlineExceeded));
    }

    [Test]
    public async Task Body_CutShort_EndsWhenTheServerStops()
    {
        using var call = Call(UsbHostMethods.GetDevice, []);
        call.Content = new UnendedContent([0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
        var answer = http.SendAsync(call, CancellationToken.None);
        await time.MadeAsync();

        await grpc.StopServerAsync();

        using var response = await answer;
        Assert.That((await StatusOfAsync(response)).Status, Is.EqualTo(StatusCode.Unavailable));
    }

    [TestCase("/usbhostd.v1.UsbHost/Explode")]
    [TestCase("/usbhostd.v1.UsbHost/listdevices")]
    [TestCase("/grpc.health.v1.Health/List")]
    [TestCase("/")]
    [TestCase("/-/-")]
    [TestCase("/%1b%e2%80%ae")]
    public async Task Path_Unknown_IsUnimplemented(string path)
    {
        var (status, _) = await CallAsync(path, []);

        Assert.That(status, Is.EqualTo(StatusCode.Unimplemented));
    }

    [TestCase("text/plain")]
    [TestCase("application/grpc-web")]
    public async Task ContentType_OfAnotherProtocol_IsRefused(string contentType)
    {
        using var call = Call(UsbHostMethods.GetDevice, [], contentType);
        using var response = await http.SendAsync(call, CancellationToken.None);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }

    [Test]
    public async Task Timeout_OfZero_HasPassed()
    {
        grpc.Service.On<GetDeviceRequest>(async (_, _, token) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(token);
            return new Device();
        });
        using var call = Call(UsbHostMethods.GetDevice, GrpcFrame.ToArray(new GetDeviceRequest()));
        call.Headers.Add("grpc-timeout", "0m");
        using var response = await http.SendAsync(call, CancellationToken.None);

        Assert.That((await StatusOfAsync(response)).Status, Is.EqualTo(StatusCode.DeadlineExceeded));
    }

    [Test]
    public async Task Refusal_BeforeAnyAnswer_IsAllInTheHeaders()
    {
        grpc.Service.On<GetDeviceRequest>(_ => throw new HostException(ErrorCode.ErrorDeviceNotFound, "kein „Gerät“, 100 %\n", "hint"));
        using var call = Call(UsbHostMethods.GetDevice, GrpcFrame.ToArray(new GetDeviceRequest()));
        using var response = await http.SendAsync(call, CancellationToken.None);
        var body = await response.Content.ReadAsByteArrayAsync();

        var details = Google.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(response.Headers.GetValues("grpc-status-details-bin").Single()));
        Assert.Multiple(() =>
        {
            Assert.That((body, response.TrailingHeaders.Count()), Is.EqualTo((Array.Empty<byte>(), 0)));
            Assert.That(response.Headers.GetValues("grpc-status"), Is.EqualTo(["5"]));
            Assert.That(response.Headers.GetValues("grpc-message"), Is.EqualTo(["kein %E2%80%9EGer%C3%A4t%E2%80%9C, 100 %25%0A"]));
            Assert.That((details.Code, details.Message), Is.EqualTo((5, "kein „Gerät“, 100 %\n")));
            Assert.That(details.Details.Select(any => any.TypeUrl), Is.EqualTo([
                "type.googleapis.com/usbhostd.v1.ErrorDetail", "type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.Help",
            ]));
        });
    }

    [Test]
    public async Task Headers_OfAnAnswer_AreGrpcsAndTheDate()
    {
        using var call = Call(UsbHostMethods.GetDevice, GrpcFrame.ToArray(new GetDeviceRequest()));
        using var response = await http.SendAsync(call, CancellationToken.None);
        await response.Content.ReadAsByteArrayAsync();

        Assert.That(response.Headers.Concat(response.Content.Headers).Select(header => header.Key), Is.EquivalentTo(["Date", "grpc-accept-encoding", "Content-Type"]));
        Assert.That(response.TrailingHeaders.Select(trailer => trailer.Key), Is.EqualTo(["grpc-status"]));
    }

    [Test]
    public void Methods_OfTheService_AreThoseOfTheContract() => Assert.That(
        typeof(UsbHostd.Daemon.Grpc.UsbHostService).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name),
        Is.EquivalentTo(UsbhostdReflection.Descriptor.Services[0].Methods.Select(method => method.Name)), "what is not overridden is unimplemented");

    private static HttpRequestMessage Call(string path, byte[] body, string contentType = "application/grpc") =>
        new(HttpMethod.Post, "http://localhost" + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } },
        };

    private static async Task<(StatusCode Status, string? Message)> StatusOfAsync(HttpResponseMessage response)
    {
        await response.Content.ReadAsByteArrayAsync();
        var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        headers.TryGetValues("grpc-message", out var message);
        return ((StatusCode)int.Parse(headers.GetValues("grpc-status").Single()), message?.Single());
    }

    private async Task<(StatusCode Status, string? Message)> CallAsync(string path, byte[] body)
    {
        using var call = Call(path, body);
        using var response = await http.SendAsync(call, CancellationToken.None);
        return await StatusOfAsync(response);
    }

    /// <summary>Its beginning is sent, and then nothing.</summary>
    private sealed class UnendedContent(byte[] beginning) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(beginning, cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
