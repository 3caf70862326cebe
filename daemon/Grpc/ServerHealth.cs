using System.Runtime.CompilerServices;
using UsbHostd.Api.Grpc;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// grpc.health.v1.Health, as probes ask it: whoever gets an answer knows that it serves. Whether libvirt is there is GetHealth's
/// to say: a daemon without it still answers, and starting it anew would not help.
/// </summary>
internal static class ServerHealth
{
    private static readonly string[] Services =
        ["", UsbhostdReflection.Descriptor.Services[0].FullName, HealthReflection.Descriptor.Services[0].FullName];

    /// <exception cref="GrpcRefusal">There is no such service (NotFound).</exception>
    public static HealthCheckResponse Check(HealthCheckRequest request) => IsServed(request)
        ? new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving }
        : throw new GrpcRefusal(GrpcStatusCode.NotFound, "this usbhostd serves no service of that name");

    /// <summary>One answer, which holds until the server stops, and ends the call with Unavailable.</summary>
    public static async IAsyncEnumerable<HealthCheckResponse> Watch(HealthCheckRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new HealthCheckResponse
        {
            Status = IsServed(request) ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.ServiceUnknown,
        };
        await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
    }

    private static bool IsServed(HealthCheckRequest request) => Services.Contains(request.Service, StringComparer.Ordinal);
}
