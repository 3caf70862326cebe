// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Grpc;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
internal sealed class RepeatedAnswerTests
{
    private readonly RepeatedAnswer repeated = new();

    [Test]
    public void Bytes_SameAnswer_IsTheSameArray()
    {
        var answer = Of("d1");
        var first = repeated.Bytes(answer);

        Assert.That(repeated.Bytes(answer), Is.SameAs(first));
    }

    [Test]
    public void Bytes_AnotherAnswer_IsItsOwn()
    {
        repeated.Bytes(Of("d1"));
        var other = Of("d2");

        Assert.That(repeated.Bytes(other), Is.EqualTo(other.ToByteArray()));
    }

    [Test]
    public void Bytes_VeryLongAnswer_IsNotKept()
    {
        var answer = Of(new string('d', 2 << 20));
        var first = repeated.Bytes(answer);

        Assert.That(repeated.Bytes(answer), Is.Not.SameAs(first).And.EqualTo(first));
    }

    private static ListDevicesResponse Of(string id) => new() { Devices = { new Device { Id = id } } };
}
