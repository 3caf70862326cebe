// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;

namespace UsbHostd.Daemon.Grpc;

/// <summary>A standard method refuses, with a status that is gRPC's own and no error code's of the contract.</summary>
internal sealed class GrpcRefusal(StatusCode status, string message) : Exception(message)
{
    public StatusCode Status { get; } = status;
}
