// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Grpc.Core;
using UsbHostd.Api;
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Grpc;

/// <summary>A failure as the gRPC library takes it: a status, and the details in its trailers.</summary>
internal static class GrpcFault
{
    /// <summary>Bytes of <c>grpc-message</c>; what is longer is cut between two characters.</summary>
    internal const int MostMessageBytes = 2048;

    public static RpcException Of(ErrorDetail detail) => Of(ErrorCodes.Of(detail.Code).Status, detail);

    /// <summary>With the code that stands for the status.</summary>
    public static RpcException Of(StatusCode status, string message) => Of(status, Detail(ErrorCodes.OfStatus(status), message));

    public static RpcException Of(StatusCode status, ErrorDetail detail)
    {
        var trailers = new Metadata();
        trailers.SetRpcStatus(ErrorStatus.Pack(detail));
        return new RpcException(new Status(status, Cut(detail.Message)), trailers);
    }

    public static ErrorDetail Detail(ErrorCode code, string message, string hint = "") => new() { Code = code, Message = message, Hint = hint };

    /// <summary>As much of it as the header holds, in which all but printable ASCII takes three bytes for each of UTF-8's.</summary>
    internal static string Cut(string message)
    {
        var (bytes, characters) = (0, 0);
        foreach (var rune in message.EnumerateRunes())
        {
            bytes += rune.Value is >= 0x20 and <= 0x7e and not '%' ? 1 : 3 * rune.Utf8SequenceLength;
            if (bytes > MostMessageBytes)
            {
                return message[..characters];
            }

            characters += rune.Utf16SequenceLength;
        }

        return message;
    }
}
