// SPDX-License-Identifier: Apache-2.0
using Grpc.Core;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// grpc.health.v1.Health, as probes ask it: whoever gets an answer knows that it serves. Whether libvirt is there is GetHealth's
/// to say: a daemon without it still answers, and starting it anew would not help. It answers whoever may connect, by the limits of
/// the service: a question counts as a call, what stays open as a watch.
/// </summary>
internal sealed class HealthService(CallerLimits limits) : Api.GrpcHealth.Health.HealthBase
{
    private static readonly string[] Services =
        ["", UsbhostdReflection.Descriptor.Services[0].FullName, HealthReflection.Descriptor.Services[0].FullName];

    /// <exception cref="GrpcRefusal">There is no such service (NotFound).</exception>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        limits.Count(GrpcCall.Of(context).Caller);
        return IsServed(request)
            ? Task.FromResult(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving })
            : throw new GrpcRefusal(StatusCode.NotFound, "this usbhostd serves no service of that name");
    }

    /// <summary>One answer, which holds until the server stops, and ends the call with Unavailable.</summary>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var caller = GrpcCall.Of(context).Caller;
        limits.Count(caller);
        using var open = limits.Watch(caller);
        await responseStream.WriteAsync(new HealthCheckResponse
        {
            Status = IsServed(request) ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.ServiceUnknown,
        });
        await new TaskCompletionSource().Task.WaitAsync(context.CancellationToken);
    }

    private static bool IsServed(HealthCheckRequest request) => Services.Contains(request.Service, StringComparer.Ordinal);
}
