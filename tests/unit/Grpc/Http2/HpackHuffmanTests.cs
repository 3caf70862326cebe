// SPDX-License-Identifier: Apache-2.0
using System.Text;
using NUnit.Framework;
using UsbHostd.Daemon.Grpc.Http2;

namespace UsbHostd.Tests.Grpc.Http2;

[TestFixture]
internal sealed class HpackHuffmanTests
{
    // The examples of RFC 7541, appendix C.4 and C.6.
    [TestCase("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com")]
    [TestCase("a8eb10649cbf", "no-cache")]
    [TestCase("25a849e95ba97d7f", "custom-key")]
    [TestCase("25a849e95bb8e8b4bf", "custom-value")]
    [TestCase("6402", "302")]
    [TestCase("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT")]
    [TestCase("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com")]
    [TestCase("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1")]
    public void Decode_OfTheStandardsExamples_IsTheirText(string hex, string text)
    {
        var head = new byte[100];
        var length = HpackHuffman.Decode(Convert.FromHexString(hex), head);

        Assert.That(Encoding.ASCII.GetString(head, 0, length), Is.EqualTo(text));
    }

    // Codes of appendix B, each filled up with ones.
    [TestCase("ffc7", 0)]
    [TestCase("ffffb1", 1)]
    [TestCase("fffffff3", 10)]
    [TestCase("ffffffef", 249)]
    [TestCase("fffffbbf", 255)]
    public void Decode_RareOctets_AreThoseOfTheStandard(string hex, int octet)
    {
        var head = new byte[1];

        Assert.That((HpackHuffman.Decode(Convert.FromHexString(hex), head), (int)head[0]), Is.EqualTo((1, octet)));
    }

    [Test]
    public void Decode_EveryOctet_IsWhatWasEncoded()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var head = new byte[256];
        var length = HpackHuffman.Decode(Http2Bytes.HuffmanBytes(all), head);

        Assert.That((length, head), Is.EqualTo((256, all)));
    }

    [Test]
    public void Decode_MoreThanTheHead_IsCounted()
    {
        var head = new byte[3];
        var length = HpackHuffman.Decode(Http2Bytes.HuffmanBytes([.. "abcdef"u8]), head);

        Assert.That((length, Encoding.ASCII.GetString(head)), Is.EqualTo((6, "abc")));
    }

    [Test]
    public void Fill_OfAnyLength_IsLetters([Range(0, 33)] int octets)
    {
        var encoded = new byte[HpackHuffman.FillBytes(octets)];
        HpackHuffman.WriteFill(octets, encoded);

        Assert.That(encoded, Is.EqualTo(Http2Bytes.HuffmanBytes([.. Enumerable.Repeat((byte)'a', octets)])));
    }
}
