using System.Collections.Frozen;
using System.Globalization;
using UsbHostd.Api;
using UsbHostd.Api.Grpc;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>Turns HTTP/2 requests into calls of methods, and what comes of them into gRPC's status.</summary>
internal sealed class GrpcDoor : IDisposable
{
    private readonly FrozenDictionary<string, GrpcMethod> methods;
    private readonly GrpcOptions options;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();

    public GrpcDoor(FrozenDictionary<string, GrpcMethod> methods, GrpcOptions options, ILogger logger)
    {
        this.methods = methods;
        this.logger = logger;
        this.options = options;
    }

    /// <summary>Ends every call with Unavailable, so that watches don't keep a stopping daemon.</summary>
    public void Stop() => stopping.Cancel();

    public void Dispose() => stopping.Dispose();

    /// <summary>Answers one request. Never throws: what a handler throws is told to the caller, and logged where it is a fault of ours.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var response = context.Response;
        if (!HttpMethods.IsPost(context.Request.Method) || !IsGrpc(context.Request.ContentType))
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        response.ContentType = "application/grpc";
        response.Headers["grpc-accept-encoding"] = "identity";
        if (await AnswerAsync(context) is { } failure)
        {
            WriteStatus(response, failure);
        }
        else
        {
            response.AppendTrailer("grpc-status", "0");
        }
    }

    private static bool IsGrpc(string? contentType) =>
        contentType is not null && contentType.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == 16 || contentType[16] is '+' or ';');

    private static ErrorDetail Detail(ErrorCode code, string message, string hint = "") =>
        new() { Code = code, Message = message, Hint = hint };

    private static void WriteStatus(HttpResponse response, Failure failure)
    {
        var status = ((int)failure.Status).ToString(CultureInfo.InvariantCulture);
        var message = GrpcText.EncodeMessage(failure.Detail.Message);
        var details = GrpcStatusDetails.Encode(failure.Detail);
        if (response.HasStarted)
        {
            response.AppendTrailer("grpc-status", status);
            response.AppendTrailer("grpc-message", message);
            response.AppendTrailer("grpc-status-details-bin", details);
        }
        else
        {
            // Nothing was sent yet: the headers are the trailers too.
            response.Headers["grpc-status"] = status;
            response.Headers["grpc-message"] = message;
            response.Headers["grpc-status-details-bin"] = details;
        }
    }

    private async Task<Failure?> AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (!methods.TryGetValue(path, out var method))
        {
            return Failure.Of(Detail(ErrorCode.ErrorUnimplemented, $"this usbhostd has no method {path}", "it may be older than its client"));
        }

        if (context.Features.Get<Caller>() is not { } caller)
        {
            return Failure.Of(Detail(ErrorCode.ErrorPermissionDenied, "the connection does not say who calls"));
        }

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping.Token);
        var hasDeadline = GrpcText.TryDecodeTimeout(context.Request.Headers["grpc-timeout"], out var timeout);
        if (hasDeadline)
        {
            cancel.CancelAfter(timeout.TotalMilliseconds < uint.MaxValue - 1 ? timeout : Timeout.InfiniteTimeSpan);
        }

        try
        {
            await method.InvokeAsync(caller, context.Request, context.Response, options, cancel.Token);
            return null;
        }
        catch (SlowReaderException slow)
        {
            GrpcLog.CutOff(logger, method.Path, caller, slow.Message);
            context.Abort();
            return null;
        }
        catch (Exception failure)
        {
            return Explain(failure, method, caller, context.RequestAborted);
        }
    }

    private Failure Explain(Exception failure, GrpcMethod method, Caller caller, CancellationToken gone)
    {
        switch (failure)
        {
            case HostException refused:
                GrpcLog.Refused(logger, method.Path, caller, refused.Code, refused.Message);
                return Failure.Of(refused.ToDetail());
            case GrpcRefusal refused:
                GrpcLog.Refused(logger, method.Path, caller, ErrorCodes.OfStatus(refused.Status), refused.Message);
                return new Failure(refused.Status, Detail(ErrorCodes.OfStatus(refused.Status), refused.Message));
            case GrpcException broken:
                GrpcLog.Broken(logger, caller, broken.Message);
                return new Failure(broken.Status, Detail(ErrorCodes.OfStatus(broken.Status), broken.Message));
            case OperationCanceledException or IOException or BadHttpRequestException when gone.IsCancellationRequested:
                return new Failure(GrpcStatusCode.Cancelled, Detail(ErrorCode.Unspecified, "the caller is gone"));
            case OperationCanceledException when stopping.IsCancellationRequested:
                return Failure.Of(Detail(ErrorCode.ErrorUnavailable, "usbhostd is stopping", "ask again when it is up"));
            case OperationCanceledException:
                return Failure.Of(Detail(ErrorCode.ErrorTimedOut, "the caller's deadline has passed"));
            case BadHttpRequestException or IOException:
                GrpcLog.Broken(logger, caller, failure.Message);
                return new Failure(GrpcStatusCode.Internal, Detail(ErrorCode.ErrorInternal, "the request can't be read"));
            default:
                GrpcLog.Failed(logger, failure, method.Path, caller);
                return Failure.Of(Detail(
                    ErrorCode.ErrorInternal, "an internal error of usbhostd", "see the details: journalctl -u usbhostd; please report them"));
        }
    }

    private sealed record Failure(GrpcStatusCode Status, ErrorDetail Detail)
    {
        public static Failure Of(ErrorDetail detail) => new(ErrorCodes.Of(detail.Code).Status, detail);
    }
}
