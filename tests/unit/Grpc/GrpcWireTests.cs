using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.Grpc;
using UsbHostd.Api.V1;

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

    [TestCase("00 00 00 00 04 0a 02 64 31", GrpcStatusCode.Ok, TestName = "Frame_Whole_IsAnswered")]
    [TestCase("", GrpcStatusCode.InvalidArgument, TestName = "Frame_None_IsInvalid")]
    [TestCase("00 00 00", GrpcStatusCode.Internal, TestName = "Frame_CutInPrefix_IsBroken")]
    [TestCase("00 00 00 00 09 0a 02 64 31", GrpcStatusCode.Internal, TestName = "Frame_CutInMessage_IsBroken")]
    [TestCase("00 00 00 00 04 0a 7f 64 31", GrpcStatusCode.InvalidArgument, TestName = "Frame_FieldBeyondItsEnd_IsInvalid")]
    [TestCase("00 00 00 00 02 0f ff", GrpcStatusCode.InvalidArgument, TestName = "Frame_NoWireType_IsInvalid")]
    [TestCase("01 00 00 00 04 0a 02 64 31", GrpcStatusCode.Unimplemented, TestName = "Frame_Compressed_IsNotSupported")]
    [TestCase("00 00 00 03 e9 00", GrpcStatusCode.ResourceExhausted, TestName = "Frame_OneByteTooLong_IsRefused")]
    [TestCase("00 ff ff ff ff 00", GrpcStatusCode.ResourceExhausted, TestName = "Frame_FourGibibytes_IsRefused")]
    public async Task Frame(string hex, GrpcStatusCode expected)
    {
        var body = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        var (status, message) = await CallAsync(UsbHostMethods.GetDevice, body);

        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(expected), message);
            Assert.That(grpc.Service.Asked, Has.Count.EqualTo(expected == GrpcStatusCode.Ok ? 1 : 0));
            Assert.That(grpc.Log.Entries.Select(entry => entry.Id), Has.No.Member(1301));
        });
    }

    [Test]
    public async Task Body_FarBeyondTheLimit_IsRefusedWithoutReadingIt()
    {
        var (status, _) = await CallAsync(UsbHostMethods.GetDevice, GrpcFrame.ToArray(new GetDeviceRequest { Device = new string('x', 10_000_000) }));

        Assert.That(status, Is.EqualTo(GrpcStatusCode.ResourceExhausted));
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
        Assert.That((await StatusOfAsync(response)).Status, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
    }

    [TestCase("/usbhostd.v1.UsbHost/Explode")]
    [TestCase("/usbhostd.v1.UsbHost/listdevices")]
    [TestCase("/grpc.health.v1.Health/List")]
    [TestCase("/")]
    [TestCase("/%1b%e2%80%ae")]
    public async Task Path_Unknown_IsUnimplemented(string path)
    {
        var (status, _) = await CallAsync(path, []);

        Assert.That(status, Is.EqualTo(GrpcStatusCode.Unimplemented));
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

        Assert.That((await StatusOfAsync(response)).Status, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
    }

    [Test]
    public void Methods_OfTheTable_AreThoseOfTheContract() => Assert.That(
        UsbHostd.Daemon.Grpc.UsbHostTable.Of(grpc.Service).Values.Select(method => (method.Path, method.IsStream)),
        Is.EquivalentTo(UsbhostdReflection.Descriptor.Services[0].Methods
            .Select(method => ($"/{method.Service.FullName}/{method.Name}", method.IsServerStreaming))));

    private static HttpRequestMessage Call(string path, byte[] body, string contentType = "application/grpc") =>
        new(HttpMethod.Post, "http://localhost" + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } },
        };

    private static async Task<(GrpcStatusCode Status, string? Message)> StatusOfAsync(HttpResponseMessage response)
    {
        await response.Content.ReadAsByteArrayAsync();
        var headers = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        headers.TryGetValues("grpc-message", out var message);
        return ((GrpcStatusCode)int.Parse(headers.GetValues("grpc-status").Single()), message?.Single());
    }

    private async Task<(GrpcStatusCode Status, string? Message)> CallAsync(string path, byte[] body)
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
