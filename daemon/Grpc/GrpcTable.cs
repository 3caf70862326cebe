using System.Collections.Frozen;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.GrpcReflection;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>Every method that the door answers: the contract's, and the standard ones that a gRPC server has.</summary>
internal static class GrpcTable
{
    /// <summary>By path, <c>/usbhostd.v1.UsbHost/ListDevices</c>.</summary>
    public static FrozenDictionary<string, GrpcMethod> Of(IHostService service) =>
        UsbHostTable.Of(service).Values.Concat(Standard()).ToFrozenDictionary(method => method.Path, StringComparer.Ordinal);

    // They answer whoever may connect.
    private static GrpcMethod[] Standard() =>
    [
        GrpcMethod.Unary("/grpc.health.v1.Health/Check", HealthCheckRequest.Parser, (_, request, _) => ValueTask.FromResult(ServerHealth.Check(request))),
        GrpcMethod.Stream("/grpc.health.v1.Health/Watch", HealthCheckRequest.Parser, (_, request, token) => ServerHealth.Watch(request, token)),
        GrpcMethod.Dialogue("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ServerReflectionRequest.Parser, ServerReflection.Answer),

        // Tools from before version 1, such as grpc_cli, send the same messages there.
        GrpcMethod.Dialogue("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ServerReflectionRequest.Parser, ServerReflection.Answer),
    ];
}
