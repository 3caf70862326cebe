// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using UsbHostd.Api.GrpcReflection;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// Hands each request to the gRPC library's endpoint for its method, by its exact path, and puts around it what the library has not: patience with
/// what does not arrive and with who does not read, the end of calls when the server stops, and refusals with details.
/// </summary>
internal sealed class GrpcDoor : IDisposable
{
    private const string OldReflection = "grpc.reflection.v1alpha.ServerReflection";

    /// <summary>No service of the contract, and so not to be called by its name.</summary>
    private const string Refusing = "-";

    private readonly ServiceProvider services;
    private readonly FrozenDictionary<string, Served> methods;
    private readonly Served refusing;
    private readonly GrpcOptions options;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();

    public GrpcDoor(IHostService service, CallerLimits limits, GrpcOptions options, ILogger logger)
    {
        this.options = options;
        this.logger = logger;

        // What the library has to say of a call is logged here, bounded and with its caller.
        services = new ServiceCollection().AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddLogging()
            .AddGrpc().Services.PostConfigure<GrpcServiceOptions>(library =>
            {
                library.MaxReceiveMessageSize = options.MaxRequestBytes;
                library.CompressionProviders.Clear();
            })
            .BuildServiceProvider();
        var endpoints = new GrpcEndpoints(services);
        endpoints.MapGrpcService(Definition(service, limits));
        var all = endpoints.DataSources.SelectMany(source => source.Endpoints)
            .Select(endpoint => (endpoint.RequestDelegate, endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method))
            .Where(endpoint => endpoint.Method is not null)
            .ToDictionary(endpoint => endpoint.Method!.FullName, endpoint => new Served(endpoint.RequestDelegate!, endpoint.Method!.Type), StringComparer.Ordinal);
        all.Remove($"/{Refusing}/{Refusing}", out refusing!);
        methods = all.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Ends every call with Unavailable, so that watches don't keep a stopping daemon.</summary>
    public void Stop() => stopping.Cancel();

    public void Dispose()
    {
        services.Dispose();
        stopping.Dispose();
    }

    /// <summary>Answers one request. Never throws: what a method throws is told to the caller, and logged where it is a fault of ours.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        var path = context.Request.Path.Value ?? "";
        var caller = context.Features.GetRequiredFeature<Caller>();
        var gone = context.RequestAborted;
        var call = new GrpcCall(caller, path, logger, gone, stopping.Token) { Refusal = RefusalOf(path, context.Request) };
        var method = call.Refusal is null ? methods[path] : refusing;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping.Token);
        using var request = new RequestReader(context.Request.BodyReader, call, options, method.Type == MethodType.DuplexStreaming, ended.Token);
        var answer = new AnswerWriter(context.Features.GetRequiredFeature<IHttpResponseBodyFeature>(), call, options, context.Abort, ended.Token);
        context.RequestAborted = ended.Token;
        context.RequestServices = services;
        context.Features.Set(call);
        context.Features.Set<IRequestBodyPipeFeature>(request);
        context.Features.Set<IHttpResponseBodyFeature>(answer);
        context.Response.Headers["grpc-accept-encoding"] = "identity";
        await method.Endpoint(context);
        try
        {
            await answer.EndAsync();
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Cut off, gone, or past its deadline: it has no use for the rest.
        }

        if (context.Features.Get<IServerCallContextFeature>() is { } library)
        {
            call.End(library.ServerCallContext.Status);
        }
    }

    private HostException? RefusalOf(string path, HttpRequest request)
    {
        if (!methods.ContainsKey(path))
        {
            return new HostException(ErrorCode.ErrorUnimplemented, $"this usbhostd has no method {path}", "it may be older than its client");
        }

        // To the library no time is any time.
        return request.Headers["grpc-timeout"].ToString() is { Length: > 1 } timeout && !timeout.AsSpan(0, timeout.Length - 1).ContainsAnyExcept('0')
            ? new HostException(ErrorCode.ErrorTimedOut, "the caller's deadline has passed")
            : null;
    }

    private static ServerServiceDefinition Definition(IHostService service, CallerLimits limits)
    {
        var definition = ServerServiceDefinition.CreateBuilder();
        var served = new ServedMethods(definition);
        var reflection = new ReflectionService(limits);
        UsbHost.BindService(served, new UsbHostService(service));
        Api.GrpcHealth.Health.BindService(served, new HealthService(limits));
        ServerReflection.BindService(served, reflection);

        // Tools from before version 1, such as grpc_cli, send the same messages there.
        ServerReflection.BindService(new ServedMethods(definition, OldReflection), reflection);

        // It reads nothing, and has the library write what a call is refused with.
        served.AddMethod(
            new Method<string, string>(MethodType.DuplexStreaming, Refusing, Refusing, Marshallers.StringMarshaller, Marshallers.StringMarshaller),
            new DuplexStreamingServerMethod<string, string>((_, _, context) => throw GrpcCall.Of(context).Refusal!));
        return definition.Build();
    }

    private sealed record Served(RequestDelegate Endpoint, MethodType Type);
}
