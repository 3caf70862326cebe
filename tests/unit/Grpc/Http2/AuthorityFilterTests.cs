// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text;
using NUnit.Framework;
using UsbHostd.Daemon.Grpc.Http2;
using static UsbHostd.Tests.Grpc.Http2.Http2Bytes;

namespace UsbHostd.Tests.Grpc.Http2;

[TestFixture]
internal sealed class AuthorityFilterTests
{
    private const string SocketPath = "/run/usbhostd/api.sock";

    private static readonly byte[][] Forms =
    [
        Added(1, Raw(SocketPath)), Added(1, Huffman(SocketPath)), Added(0, [.. Raw(":authority"), .. Raw(SocketPath)]),
        Added(0, [.. Huffman(":authority"), .. Huffman(SocketPath)]), NotAdded(1, Raw(SocketPath)), NotAdded(0, [.. Raw(":authority"), .. Huffman(SocketPath)]),
        NeverAdded(1, Huffman(SocketPath)), NeverAdded(0, [.. Huffman(":authority"), .. Raw(SocketPath)]),
    ];

    [TestCaseSource(nameof(Forms))]
    public void Authority_InAnyForm_IsReplacedByAHostOfItsLength(byte[] form)
    {
        var read = Http2Reader.Read(Pass(Block([0x83, .. form, 0x86])).AsSpan(24));

        Assert.That(read.Headers.Select(h => h.Name == ":authority" ? h.Value : h.Name), Is.EqualTo([":method", new string('a', SocketPath.Length), ":scheme"]));
    }

    [TestCase("/run/usbhostd/api.sock")]
    [TestCase("%2Frun%2Fusbhostd%2Fapi.sock")]
    [TestCase("a b")]
    [TestCase("user@host")]
    [TestCase(":80")]
    [TestCase("host:")]
    [TestCase("host:123456")]
    [TestCase("[::1")]
    [TestCase("[]:80")]
    [TestCase("[::1]80")]
    [TestCase("h\u00fcst")]
    [TestCase("\0")]
    public void Authority_NoHost_IsReplaced(string text) =>
        Assert.That(Http2Reader.Read(Pass(Block(Added(1, Raw(text)))).AsSpan(24)).Headers, Is.EqualTo([(":authority", new string('a', text.Length))]));

    [TestCase("")]
    [TestCase("localhost")]
    [TestCase("localhost:50051")]
    [TestCase("usb-host_1.example.org")]
    [TestCase("[::1]:80")]
    [TestCase("127.0.0.1:7000")]
    public void Authority_Host_PassesUnchanged(string text)
    {
        byte[] sent = [.. Block(Added(1, Huffman(text))), .. Block(Indexed(62))];

        Assert.That(Pass(sent), Is.EqualTo((byte[])[.. Preface, .. sent]));
    }

    [Test]
    public void Authority_Absent_PassesUnchanged()
    {
        var sent = Block([0x83, 0x86, .. Added(4, Raw("/p"))]);

        Assert.That(Pass(sent), Is.EqualTo((byte[])[.. Preface, .. sent]));
    }

    [TestCase(1)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(203)]
    [TestCase(204)]
    [TestCase(5000)]
    public void Authority_OfAnyLength_KeepsItAndIsNoLongerEncoded(int length)
    {
        var sent = Block(Added(1, Raw(new string('/', length))));

        var passed = Pass(sent);

        Assert.Multiple(() =>
        {
            Assert.That(Http2Reader.Read(passed.AsSpan(24)).Headers.Single().Value, Has.Length.EqualTo(length));
            Assert.That(passed, Has.Length.LessThanOrEqualTo(Preface.Length + sent.Length));
        });
    }

    [Test]
    public void Authority_ByItsNameInTheTable_IsReplaced()
    {
        byte[] sent = [.. Block(Added(0, [.. Raw(":authority"), .. Raw("localhost")])), .. Block(Added(0, [.. Raw("x"), .. Raw("y")])), .. Block(NotAdded(63, Raw("/a")))];

        Assert.That(Http2Reader.Read(Pass(sent).AsSpan(24)).Headers[^1], Is.EqualTo((":authority", "aa")));
    }

    [Test]
    public void Authority_NameEvicted_IsKnownNoMore()
    {
        // Three entries of 1,400 octets leave no room for the oldest in 4,096.
        var large = Raw(new string('v', 1367));
        byte[] sent = [.. Block(Added(0, [.. Raw(":authority"), .. Raw("h")])), .. Block([.. Added(0, [.. Raw("x"), .. large]), .. Added(0, [.. Raw("y"), .. large]), .. Added(0, [.. Raw("z"), .. large])])];

        Assert.Multiple(() =>
        {
            Assert.That(() => Pass([.. sent, .. Block(NotAdded(64, Raw("/a")))]), Throws.InstanceOf<InvalidDataException>());
            Assert.That(Http2Reader.Read(Pass([.. sent, .. Block(NotAdded(63, Raw("/a")))]).AsSpan(24)).Headers[^1], Is.EqualTo(("y", "/a")));
        });
    }

    [Test]
    public void TableSize_Nothing_ForgetsAll() => Assert.That(
        () => Pass([.. Block(Added(1, Raw("/a"))), .. Block([.. TableSize(0), .. TableSize(4096), .. Indexed(62)])]), Throws.InstanceOf<InvalidDataException>());

    [Test]
    public void Block_PaddedWithPriorityOverFrames_PassesWithoutPaddingInOne()
    {
        byte[] block = [0x83, .. Added(1, Raw("/a")), 0x86];
        byte[] priority = [0x80, 0, 0, 0, 7];
        byte[] sent =
        [
            .. Frame(Headers, EndStream | Padded | Priority, 1, [3, .. priority, .. block[..2], 0, 0, 0]), .. Frame(Continuation, 0, 1, block[2..4]),
            .. Frame(Continuation, 0, 1), .. Frame(Continuation, EndHeaders, 1, block[4..]),
        ];

        Assert.That(Pass(sent), Is.EqualTo((byte[])[
            .. Preface, .. Frame(Headers, EndStream | Priority | EndHeaders, 1, [.. priority, 0x83, 0x41, .. Huffman("aa"), 0x86])]));
    }

    [Test]
    public void Block_OfMoreThanAFrame_GoesOnInContinuation()
    {
        var large = NotAdded(0, [.. Raw("x"), .. Raw(new string('v', 20_000))]);
        byte[] sent = [.. Frame(Headers, 0, 3, large[..16_000]), .. Frame(Continuation, EndHeaders, 3, large[16_000..])];

        Assert.That(Pass(sent), Is.EqualTo((byte[])[.. Preface, .. Frame(Headers, 0, 3, large[..16_384]), .. Frame(Continuation, EndHeaders, 3, large[16_384..])]));
    }

    [Test]
    public void Frames_OfOtherKinds_PassUnchanged()
    {
        byte[] sent = [.. Frame(Settings, 0, 0, 0, 1, 0, 0, 0, 0), .. Frame(Data, Padded, 1, 2, 9, 0, 0), .. Frame(0xfe, 0xff, 7, new byte[100_000])];

        Assert.That(Pass(sent), Is.EqualTo((byte[])[.. Preface, .. sent]));
    }

    [Test]
    public void Preface_OfAnotherProtocol_PassesUnchanged()
    {
        var sent = Encoding.ASCII.GetBytes("PRI * HTTP/1.1\r\nHost: /run/usbhostd/api.sock\r\n\r\n");
        var output = new ArrayBufferWriter<byte>();
        var filter = new AuthorityFilter(4096, 32768);
        foreach (var octet in sent)
        {
            filter.Push([octet], output);
        }

        Assert.That(output.WrittenSpan.ToArray(), Is.EqualTo(sent));
    }

    private static IEnumerable<TestCaseData> Unreadable()
    {
        yield return Case("Index_Zero", Block(0x80));
        yield return Case("Index_BehindTheTable", Block(Indexed(62)));
        yield return Case("Integer_TooLong", Block(0xff, 0xff, 0xff, 0xff, 0xff, 0x01));
        yield return Case("Integer_CutOff", Block(0xff));
        yield return Case("String_BehindItsBlock", Block(0x41, 3, (byte)'a'));
        yield return Case("Huffman_EndInside", Block(0x41, 0x84, 0xff, 0xff, 0xff, 0xff));
        yield return Case("Huffman_PaddedByAnOctet", Block(0x41, 0x82, 0x1f, 0xff));
        yield return Case("Huffman_PaddedByZeros", Block(0x41, 0x81, 0x18));
        yield return Case("TableSize_BeyondTheServers", Block(TableSize(4097)));
        yield return Case("TableSize_InsideABlock", Block(0x83, 0x20));
        yield return Case("Padding_LongerThanItsFrame", Frame(Headers, EndHeaders | Padded, 1, 2, 0));
        yield return Case("Padding_OfNothing", Frame(Headers, EndHeaders | Padded, 1));
        yield return Case("Priority_CutOff", Frame(Headers, EndHeaders | Priority, 1, 0, 0, 0, 0));
        yield return Case("Continuation_OfNothing", Frame(Continuation, EndHeaders, 1, 0x83));
        yield return Case("Continuation_OfAnotherStream", [.. Frame(Headers, 0, 1, 0x83), .. Frame(Continuation, EndHeaders, 3, 0x83)]);
        yield return Case("Continuation_Missing", [.. Frame(Headers, 0, 1, 0x83), .. Frame(Data, 0, 1)]);
        yield return Case("Continuation_WithoutEnd", [.. Frame(Headers, 0, 1, 0x83), .. Enumerable.Repeat(Frame(Continuation, 0, 1), 32).SelectMany(f => f)]);
        yield return Case("Frame_TooLarge", Frame(Headers, EndHeaders, 1, new byte[16_385]));
        yield return Case("Block_TooLarge", [.. Frame(Headers, 0, 1, new byte[16_384]), .. Frame(Continuation, 0, 1, new byte[16_384]), .. Frame(Continuation, 0, 1, 0)]);

        static TestCaseData Case(string name, byte[] sent) => new TestCaseData(sent).SetName($"{name}_IsRefused");
    }

    [TestCaseSource(nameof(Unreadable))]
    public void Bytes_Unreadable(byte[] sent) => Assert.That(() => Pass(sent), Throws.InstanceOf<InvalidDataException>());

    private static byte[] Block(params byte[] block) => Frame(Headers, EndHeaders, 1, block);

    /// <summary>Passed in one piece, and octet by octet: both must come to the same.</summary>
    private static byte[] Pass(byte[] sent)
    {
        byte[] all = [.. Preface, .. sent];
        var (whole, pieces) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        new AuthorityFilter(4096, 32768).Push(all, whole);
        var filter = new AuthorityFilter(4096, 32768);
        foreach (var octet in all)
        {
            filter.Push([octet], pieces);
        }

        Assert.That(pieces.WrittenSpan.SequenceEqual(whole.WrittenSpan));
        return whole.WrittenSpan.ToArray();
    }
}
