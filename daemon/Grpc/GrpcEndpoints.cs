// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc;

/// <summary>Takes the endpoints that the gRPC library maps. Routing is not wanted: it takes paths in any case, and gRPC's are exact.</summary>
internal sealed class GrpcEndpoints(IServiceProvider services) : IEndpointRouteBuilder
{
    public IServiceProvider ServiceProvider => services;

    public ICollection<EndpointDataSource> DataSources { get; } = [];

    public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
}
