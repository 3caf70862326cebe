using System.Buffers.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using UsbHostd.Api.Rpc;
using UsbHostd.Api.V1;

namespace UsbHostd.Api.Grpc;

/// <summary>
/// The trailer <c>grpc-status-details-bin</c>: a google.rpc.Status with an <see cref="ErrorDetail"/>, and with what
/// libraries know of themselves, an <see cref="ErrorInfo"/> and a <see cref="Help"/>; in base64 without padding.
/// </summary>
public static class GrpcStatusDetails
{
    /// <summary>Bytes of the Status. C-core takes 8 KiB of metadata in all unless told otherwise, and base64 adds a third.</summary>
    public const int Limit = 4096;

    /// <summary>Characters of a message or hint in the details.</summary>
    public const int TextLimit = 512;

    private const string Domain = "usbhostd";
    private const string DetailType = "type.googleapis.com/usbhostd.v1.ErrorDetail";
    private const string InfoType = "type.googleapis.com/google.rpc.ErrorInfo";
    private const string HelpType = "type.googleapis.com/google.rpc.Help";

    /// <summary>Packs the detail, less what does not identify its objects, and less the last candidates where it would be too long.</summary>
    public static string Encode(ErrorDetail detail)
    {
        ArgumentNullException.ThrowIfNull(detail);
        var row = ErrorCodes.Of(detail.Code);
        var slim = Slim(detail);
        var status = Pack(row, slim);
        while (status.CalculateSize() > Limit && slim.Candidates.Count > 0)
        {
            slim.Candidates.RemoveAt(slim.Candidates.Count - 1);
            status = Pack(row, slim);
        }

        return Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }

    /// <summary>The detail in a trailer; null where there is none that can be read.</summary>
    public static ErrorDetail? Decode(string? trailer)
    {
        if (string.IsNullOrEmpty(trailer) || !Base64.IsValid(Pad(trailer)))
        {
            return null;
        }

        try
        {
            var status = Status.Parser.ParseFrom(Convert.FromBase64String(Pad(trailer)));
            foreach (var any in status.Details)
            {
                if (any.TypeUrl.EndsWith("/usbhostd.v1.ErrorDetail", StringComparison.Ordinal))
                {
                    return ErrorDetail.Parser.ParseFrom(any.Value);
                }
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // Details are an addition to the status: the call has failed as it says, with or without them.
        }

        return null;
    }

    private static string Pad(string text) => text.PadRight((text.Length + 3) / 4 * 4, '=');

    private static Status Pack(ErrorCodeInfo row, ErrorDetail detail) => new()
    {
        Code = (int)row.Status,
        Message = detail.Message,
        Details =
        {
            new Any { TypeUrl = DetailType, Value = detail.ToByteString() },
            new Any { TypeUrl = InfoType, Value = Info(row, detail).ToByteString() },
            new Any { TypeUrl = HelpType, Value = HelpOf(detail.Code).ToByteString() },
        },
    };

    private static ErrorInfo Info(ErrorCodeInfo row, ErrorDetail detail)
    {
        var info = new ErrorInfo { Reason = UpperSnake(row.Name), Domain = Domain };
        var guest = detail.Guest ?? detail.Claim?.Guest;
        (string Name, string? Value)[] known =
        [
            ("candidates", string.Join(',', detail.Candidates.Select(device => device.Id))), ("claim", detail.Claim?.Id),
            ("device", detail.Claim?.DeviceId), ("guest", guest?.Uuid), ("guest_name", guest?.Name),
        ];
        foreach (var (name, value) in known.Where(k => !string.IsNullOrEmpty(k.Value)))
        {
            info.Metadata[name] = value;
        }

        return info;
    }

    private static Help HelpOf(ErrorCode code)
    {
        var help = ErrorHelp.Of(code);
        return new Help { Links = { new Help.Types.Link { Description = help.Description, Url = help.Url } } };
    }

    private static string UpperSnake(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsAsciiLetterUpper(c) ? "_" + c : char.ToUpperInvariant(c).ToString()));

    private static ErrorDetail Slim(ErrorDetail detail)
    {
        var slim = new ErrorDetail { Code = detail.Code, Message = Cut(detail.Message), Hint = Cut(detail.Hint), Guest = detail.Guest };
        slim.Candidates.AddRange(detail.Candidates.Select(SlimDevice));
        slim.Claim = detail.Claim is { } claim ? SlimClaim(claim) : null;
        return slim;
    }

    private static string Cut(string text)
    {
        if (text.Length <= TextLimit)
        {
            return text;
        }

        var end = char.IsHighSurrogate(text[TextLimit - 1]) ? TextLimit - 1 : TextLimit;
        return text[..end] + "…";
    }

    private static Device SlimDevice(Device device) => new()
    {
        Id = device.Id,
        VendorId = device.VendorId,
        ProductId = device.ProductId,
        VendorName = device.VendorName,
        ProductName = device.ProductName,
        Serial = device.Serial,
        SerialUnique = device.SerialUnique,
        Label = device.Label,
        Port = device.Port,
        Bus = device.Bus,
        Device_ = device.Device_,
        ClaimId = device.ClaimId,
        Guest = device.Guest,
    };

    private static Claim SlimClaim(Claim claim) => new()
    {
        Id = claim.Id,
        Guest = claim.Guest,
        Phase = claim.Phase,
        Reason = claim.Reason,
        Owner = claim.Owner,
        DeviceId = claim.DeviceId,
        DeviceName = Cut(claim.DeviceName),
        Serial = Cut(claim.Serial),
        Port = claim.Port,
    };
}
