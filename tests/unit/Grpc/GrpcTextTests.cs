using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.Grpc;
using UsbHostd.Api.Rpc;
using UsbHostd.Api.V1;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
internal sealed class GrpcTextTests
{
    [TestCase("plain", "plain")]
    [TestCase("100 %", "100 %25")]
    [TestCase("a\r\nb: c", "a%0D%0Ab: c")]
    [TestCase("é", "%C3%A9")]
    public void Message_Encoded_IsPrintableAsciiAndComesBack(string message, string encoded) => Assert.Multiple(() =>
    {
        Assert.That(GrpcText.EncodeMessage(message), Is.EqualTo(encoded));
        Assert.That(GrpcText.DecodeMessage(encoded), Is.EqualTo(message));
    });

    [TestCase("%", "%")]
    [TestCase("%zz%4", "%zz%4")]
    [TestCase("%ff", "\ufffd")]
    public void Message_Broken_IsReadAsFarAsItGoes(string encoded, string message) =>
        Assert.That(GrpcText.DecodeMessage(encoded), Is.EqualTo(message));

    [Test]
    public void Message_TooLong_IsCutBetweenCharacters() =>
        Assert.That(GrpcText.EncodeMessage("aéé", limit: 8), Is.EqualTo("a%C3%A9"));

    [TestCase("1S", 1000)]
    [TestCase("1500m", 1500)]
    [TestCase("2M", 120_000)]
    [TestCase("0n", 0)]
    [TestCase("99999999H", 99_999_999 * 3_600_000.0)]
    public void Timeout_Legal_IsRead(string text, double milliseconds) => Assert.Multiple(() =>
    {
        Assert.That(GrpcText.TryDecodeTimeout(text, out var timeout), Is.True);
        Assert.That(timeout.TotalMilliseconds, Is.EqualTo(milliseconds));
    });

    [TestCase(null)]
    [TestCase("")]
    [TestCase("S")]
    [TestCase("1")]
    [TestCase("-1S")]
    [TestCase("1.5S")]
    [TestCase("1s")]
    [TestCase("123456789S")]
    public void Timeout_Illegal_IsNone(string? text) => Assert.That(GrpcText.TryDecodeTimeout(text, out _), Is.False);

    [TestCase(0.0001)]
    [TestCase(30_000)]
    [TestCase(200_000)]
    [TestCase(1e9)]
    [TestCase(9e10)]
    public void Timeout_Encoded_IsReadAsNoLess(double milliseconds)
    {
        var timeout = TimeSpan.FromMilliseconds(milliseconds);

        Assert.That(GrpcText.TryDecodeTimeout(GrpcText.EncodeTimeout(timeout), out var read) && read >= timeout, Is.True);
    }

    [Test]
    public void Details_ManyLongCandidates_StayBelowTheLimitAndKeepTheFirst()
    {
        var detail = new ErrorDetail { Code = ErrorCode.ErrorAmbiguous, Message = new string('ä', 5000), Hint = "hint" };
        detail.Candidates.AddRange(Enumerable.Range(0, 100).Select(i => new Device
        {
            Id = $"d{i}",
            ProductName = new string('x', 255),
            Syspath = new string('y', 400),
        }));

        var trailer = GrpcStatusDetails.Encode(detail);

        var read = GrpcStatusDetails.Decode(trailer)!;
        Assert.Multiple(() =>
        {
            Assert.That(trailer, Has.Length.LessThan(6000));
            Assert.That(read.Candidates, Has.Count.GreaterThan(5));
            Assert.That(read.Candidates[0].Id, Is.EqualTo("d0"));
            Assert.That(read.Hint, Is.EqualTo("hint"));
        });
    }

    [Test]
    public void Details_ErrorInfo_NamesTheReasonAndWhatItIsAbout()
    {
        var status = Packed(new ErrorDetail
        {
            Code = ErrorCode.ErrorHeldByGuest,
            Message = "m",
            Claim = new Claim { Id = "c1", DeviceId = "d1", Guest = new GuestRef { Uuid = "u", Name = "erp" } },
        });

        var info = status.Details[1].Unpack<ErrorInfo>();
        Assert.That((status.Code, info.Reason), Is.EqualTo((9, "HELD_BY_GUEST")));
        Assert.That(info.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"), Is.EqualTo(["claim=c1", "device=d1", "guest=u", "guest_name=erp"]));
    }

    [Test]
    public void Details_Help_NamesAPageThatThereIs([Values] ErrorCode code)
    {
        var link = Packed(new ErrorDetail { Code = code }).Details[2].Unpack<Help>().Links.Single();

        var page = link.Url.Split(':', '(', ')');
        Assert.That(page[0], Is.EqualTo("man"));
        Assert.That(Path.Combine(Repository.Root, "docs/man", $"{page[1]}.{page[2]}"), Does.Exist);
        Assert.That(link.Description, Is.Not.Empty);
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("!!!")]
    [TestCase("////")]
    public void Details_Broken_AreNone(string? trailer) => Assert.That(GrpcStatusDetails.Decode(trailer), Is.Null);

    [Test]
    public void Table_EveryCode_HasItsRow() => Assert.That(
        ErrorCodes.All.Select(row => row.Code), Is.EqualTo(Enum.GetValues<ErrorCode>()));

    [Test]
    public void Table_Names_AreThoseOfTheContract() => Assert.That(
        ErrorCodes.All.Skip(1).Select(row => "Error" + row.Name), Is.EqualTo(Enum.GetValues<ErrorCode>().Skip(1).Select(code => code.ToString())));

    [TestCase("unix:relative.sock")]
    [TestCase("tcp:host")]
    [TestCase("tcp:host:0")]
    [TestCase("http://localhost")]
    [TestCase("")]
    public void Address_Wrong_IsRefused(string address) => Assert.That(
        () => UsbHostAddress.Parse(address),
        Throws.TypeOf<UsbHostException>().With.Property("Code").EqualTo(ErrorCode.ErrorInvalidArgument));

    private static Status Packed(ErrorDetail detail)
    {
        var trailer = GrpcStatusDetails.Encode(detail);
        return Status.Parser.ParseFrom(Convert.FromBase64String(trailer.PadRight((trailer.Length + 3) / 4 * 4, '=')));
    }
}
