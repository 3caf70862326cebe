using Google.Protobuf;
using Grpc.Core;
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Grpc;

/// <summary>Takes the methods of generated services as the door serves them: what they throw is explained, and long lists are encoded once.</summary>
/// <param name="served">What the methods are added to.</param>
/// <param name="alias">A name for the service that is not its own; null for its own.</param>
internal sealed class ServedMethods(ServerServiceDefinition.Builder served, string? alias = null) : ServiceBinderBase
{
    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        served.AddMethod(Ours(method), (request, context) => ExplainedAsync(context, () => handler!(request, context)));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        served.AddMethod(Ours(method), (request, answers, context) => ExplainedAsync(context, async () =>
        {
            await handler!(request, answers, context);
            return true;
        }));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        served.AddMethod(Ours(method), (requests, answers, context) => ExplainedAsync(context, async () =>
        {
            await handler!(requests, answers, context);
            return true;
        }));

    private static async Task<T> ExplainedAsync<T>(ServerCallContext context, Func<Task<T>> method)
    {
        try
        {
            return await method();
        }
        catch (Exception failure)
        {
            throw GrpcCall.Of(context).Explain(failure);
        }
    }

    private Method<TRequest, TResponse> Ours<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => new(
            method.Type, alias ?? method.ServiceName, method.Name, Requests(method.RequestMarshaller),
            typeof(TResponse) == typeof(ListDevicesResponse) ? new RepeatedAnswer<TResponse>().Marshaller : method.ResponseMarshaller);

    /// <summary>A message that is none is the caller's fault, and not the unknown one that the library would tell.</summary>
    private static Marshaller<T> Requests<T>(Marshaller<T> generated)
        where T : class => new(generated.ContextualSerializer, context =>
    {
        try
        {
            return generated.ContextualDeserializer(context);
        }
        catch (InvalidProtocolBufferException broken)
        {
            throw GrpcFault.Of(StatusCode.InvalidArgument, "the message can't be read: " + broken.Message);
        }
    });
}
