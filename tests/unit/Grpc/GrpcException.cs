// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;
namespace UsbHostd.Tests.Grpc;

/// <summary>The other side broke the protocol: a frame that is cut short, too long, compressed, or not a message.</summary>
internal sealed class GrpcException(StatusCode status, string message, Exception? inner = null) : Exception(message, inner)
{
    public StatusCode Status { get; } = status;
}
