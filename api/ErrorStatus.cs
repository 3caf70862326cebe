// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>
/// An <see cref="ErrorDetail"/> as gRPC carries it: in a google.rpc.Status, the trailer <c>grpc-status-details-bin</c>, beside what libraries
/// know of themselves, an <see cref="ErrorInfo"/> and a <see cref="Help"/>.
/// </summary>
public static class ErrorStatus
{
    /// <summary>Bytes of the Status. C-core takes 8 KiB of metadata in all unless told otherwise, and base64 adds a third.</summary>
    public const int Limit = 4096;

    /// <summary>Characters of a message or hint in the details.</summary>
    public const int TextLimit = 512;

    private const string Domain = "usbhostd";

    /// <summary>Packs the detail, less what does not identify its objects, and less the last candidates where it would be too long.</summary>
    public static Google.Rpc.Status Pack(ErrorDetail detail)
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

        return status;
    }

    /// <summary>The detail in a call's trailers; null where there is none that can be read.</summary>
    public static ErrorDetail? Unpack(Metadata trailers)
    {
        ArgumentNullException.ThrowIfNull(trailers);
        try
        {
            return trailers.GetRpcStatus(ignoreParseError: true)?.GetDetail<ErrorDetail>();
        }
        catch (InvalidProtocolBufferException)
        {
            // Details are an addition to the status: the call has failed as it says, with or without them.
            return null;
        }
    }

    private static Google.Rpc.Status Pack(ErrorCodeInfo row, ErrorDetail detail) => new()
    {
        Code = (int)row.Status,
        Message = detail.Message,
        Details = { Any.Pack(detail), Any.Pack(Info(row, detail)), Any.Pack(HelpOf(detail.Code)) },
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
