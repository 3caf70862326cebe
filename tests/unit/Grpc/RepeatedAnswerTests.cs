using NUnit.Framework;
using UsbHostd.Api.Grpc;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Grpc;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
internal sealed class RepeatedAnswerTests
{
    private readonly RepeatedAnswer<ListDevicesResponse> repeated = new();

    [Test]
    public void Frame_SameAnswer_IsTheSameArray()
    {
        var answer = Of("d1");
        var first = repeated.Frame(answer);

        Assert.That(repeated.Frame(answer), Is.SameAs(first));
    }

    [Test]
    public void Frame_AnotherAnswer_IsItsOwn()
    {
        repeated.Frame(Of("d1"));
        var other = Of("d2");

        Assert.That(repeated.Frame(other), Is.EqualTo(GrpcFrame.ToArray(other)));
    }

    [Test]
    public void Frame_VeryLongAnswer_IsNotKept()
    {
        var answer = Of(new string('d', 2 << 20));
        var first = repeated.Frame(answer);

        Assert.That(repeated.Frame(answer), Is.Not.SameAs(first).And.EqualTo(first));
    }

    private static ListDevicesResponse Of(string id) => new() { Devices = { new Device { Id = id } } };
}
