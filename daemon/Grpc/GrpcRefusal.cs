using UsbHostd.Api.Grpc;

namespace UsbHostd.Daemon.Grpc;

/// <summary>A standard method refuses, with a status that is gRPC's own and no error code's of the contract.</summary>
internal sealed class GrpcRefusal(GrpcStatusCode status, string message) : Exception(message)
{
    public GrpcStatusCode Status { get; } = status;
}
