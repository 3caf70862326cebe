namespace UsbHostd.Api.Grpc;

/// <summary>The other side broke the protocol: a frame that is cut short, too long, compressed, or not a message.</summary>
public sealed class GrpcException : Exception
{
    public GrpcException(GrpcStatusCode status, string message, Exception? inner = null)
        : base(message, inner) => Status = status;

    /// <summary>What to answer it with.</summary>
    public GrpcStatusCode Status { get; }
}
