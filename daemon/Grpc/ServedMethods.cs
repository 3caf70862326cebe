// SPDX-License-Identifier: Apache-2.0
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
        served.AddMethod(Erased(method), (object request, ServerCallContext context) => ExplainedAsync<object>(context, async () => await handler!((TRequest)request, context)));

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        served.AddMethod(Erased(method), (object request, IServerStreamWriter<object> answers, ServerCallContext context) => ExplainedAsync(context, async () =>
        {
            await handler!((TRequest)request, answers, context);
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
        where TResponse : class =>
        new(method.Type, alias ?? method.ServiceName, method.Name, Requests<TRequest, TRequest>(method.RequestMarshaller), method.ResponseMarshaller);

    /// <summary>
    /// The same for the library whatever its messages are: it is generic, and a native program would make each of its types anew for each method at
    /// every start, in 45 ms and 6 MiB for all of them.
    /// </summary>
    private Method<object, object> Erased<TRequest, TResponse>(Method<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class
    {
        var repeated = typeof(TResponse) == typeof(ListDevicesResponse) ? new RepeatedAnswer() : null;
        var encode = method.ResponseMarshaller.ContextualSerializer;
        var answers = new Marshaller<object>(
            repeated is null ? (answer, context) => encode((TResponse)answer, context) : (answer, context) => context.Complete(repeated.Bytes((IMessage)answer)),
            _ => throw new NotSupportedException("a server reads no answers"));
        return new(method.Type, alias ?? method.ServiceName, method.Name, Requests<TRequest, object>(method.RequestMarshaller), answers);
    }

    /// <summary>A message that is none is the caller's fault, and not the unknown one that the library would tell.</summary>
    private static Marshaller<TAs> Requests<T, TAs>(Marshaller<T> generated)
        where T : class, TAs => new((_, _) => throw new NotSupportedException("a server writes no requests"), context =>
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
