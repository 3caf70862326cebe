using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.GrpcReflection;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>Every method that the door answers: the contract's, and the standard ones that a gRPC server has.</summary>
internal static class GrpcTable
{
    /// <summary>By path, <c>/usbhostd.v1.UsbHost/ListDevices</c>.</summary>
    public static FrozenDictionary<string, GrpcMethod> Of(IHostService service, CallerLimits limits) =>
        UsbHostTable.Of(service).Values.Concat(Standard(limits)).ToFrozenDictionary(method => method.Path, StringComparer.Ordinal);

    // They answer whoever may connect, by the same limits as the service does: a question counts as a call, what stays open as a watch.
    private static GrpcMethod[] Standard(CallerLimits limits)
    {
        return
        [
            GrpcMethod.Unary("/grpc.health.v1.Health/Check", HealthCheckRequest.Parser, Check),
            GrpcMethod.Stream("/grpc.health.v1.Health/Watch", HealthCheckRequest.Parser, Watch),
            GrpcMethod.Dialogue("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ServerReflectionRequest.Parser, limits.Watch, Reflect),

            // Tools from before version 1, such as grpc_cli, send the same messages there.
            GrpcMethod.Dialogue("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ServerReflectionRequest.Parser, limits.Watch, Reflect),
        ];

        ValueTask<HealthCheckResponse> Check(Caller caller, HealthCheckRequest request, CancellationToken cancellationToken)
        {
            limits.Count(caller);
            return ValueTask.FromResult(ServerHealth.Check(request));
        }

        async IAsyncEnumerable<HealthCheckResponse> Watch(Caller caller, HealthCheckRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            limits.Count(caller);
            using var open = limits.Watch(caller);
            await foreach (var answer in ServerHealth.Watch(request, cancellationToken))
            {
                yield return answer;
            }
        }

        ServerReflectionResponse Reflect(Caller caller, ServerReflectionRequest request)
        {
            limits.Count(caller);
            return ServerReflection.Answer(request);
        }
    }
}
