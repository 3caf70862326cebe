// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using NUnit.Framework;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Grpc;
using UsbHostd.Tests.Architecture;
using Any = Google.Protobuf.WellKnownTypes.Any;

namespace UsbHostd.Tests.Grpc;

[TestFixture]
internal sealed class ErrorStatusTests
{
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

        var packed = ErrorStatus.Pack(detail);

        var read = ErrorStatus.Unpack(Trailer(packed.ToByteArray()))!;
        Assert.Multiple(() =>
        {
            Assert.That(packed.CalculateSize(), Is.LessThanOrEqualTo(ErrorStatus.Limit));
            Assert.That(read.Candidates, Has.Count.GreaterThan(5));
            Assert.That(read.Candidates[0].Id, Is.EqualTo("d0"));
            Assert.That(read.Hint, Is.EqualTo("hint"));
        });
    }

    [Test]
    public void Details_ErrorInfo_NamesTheReasonAndWhatItIsAbout()
    {
        var status = ErrorStatus.Pack(new ErrorDetail
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
        var link = ErrorStatus.Pack(new ErrorDetail { Code = code }).Details[2].Unpack<Help>().Links.Single();

        var page = link.Url.Split(':', '(', ')');
        Assert.That(page[0], Is.EqualTo("man"));
        Assert.That(Path.Combine(Repository.Root, "docs/man", $"{page[1]}.{page[2]}"), Does.Exist);
        Assert.That(link.Description, Is.Not.Empty);
    }

    [TestCase("")]
    [TestCase("ff")]
    [TestCase("1a04 0a02 0102")]
    public void Details_Broken_AreNone(string hex) => Assert.That(ErrorStatus.Unpack(Trailer(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)))), Is.Null);

    [Test]
    public void Details_Absent_AreNone() => Assert.That(ErrorStatus.Unpack([]), Is.Null);

    [Test]
    public void Details_OfAnotherType_AreNone() =>
        Assert.That(ErrorStatus.Unpack(Trailer(new Google.Rpc.Status { Details = { Any.Pack(new ErrorInfo()) } }.ToByteArray())), Is.Null);

    [Test]
    public void Details_ThatAreNoMessage_AreNone() => Assert.That(
        ErrorStatus.Unpack(Trailer(new Google.Rpc.Status { Details = { new Any { TypeUrl = "type.googleapis.com/usbhostd.v1.ErrorDetail", Value = ByteString.CopyFrom(0xff) } } }.ToByteArray())),
        Is.Null);

    [TestCase("a", 2048)]
    [TestCase("%", 682)]
    [TestCase("é", 341)]
    [TestCase("🔑", 170)]
    public void Message_Long_IsCutBetweenCharacters(string character, int kept) =>
        Assert.That(GrpcFault.Cut(Repeated(character, 3000)), Is.EqualTo(Repeated(character, kept)));

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

    private static string Repeated(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static Metadata Trailer(byte[] status) => [new Metadata.Entry("grpc-status-details-bin", status)];
}
