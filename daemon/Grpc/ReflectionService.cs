// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using UsbHostd.Api.GrpcHealth;
using UsbHostd.Api.GrpcReflection;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>
/// grpc.reflection.v1.ServerReflection: the contract itself, for clients such as grpcurl that have no file of it. It says the same to
/// everybody and nothing about the host, so it asks for no right. A call counts as a watch while it is open, each question as a call.
/// </summary>
internal sealed class ReflectionService(CallerLimits limits) : ServerReflection.ServerReflectionBase
{
    private static readonly Lazy<Contract> Known = new(() => new Contract());

    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        var caller = GrpcCall.Of(context).Caller;
        using var open = limits.Watch(caller);
        await context.WriteResponseHeadersAsync([]);

        // Not by the call's token, for which the library would reset the call: the reader ends with the call by itself.
        while (await requestStream.MoveNext(CancellationToken.None))
        {
            limits.Count(caller);
            await responseStream.WriteAsync(Answer(requestStream.Current));
        }
    }

    /// <summary>Never throws: what isn't there is an answer too.</summary>
    private static ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var answer = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        var contract = Known.Value;
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename when contract.Files.TryGetValue(request.FileByFilename, out var file):
                answer.FileDescriptorResponse = WithImports(file);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol when contract.Symbols.TryGetValue(request.FileContainingSymbol, out var file):
                answer.FileDescriptorResponse = WithImports(file);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType when contract.Symbols.ContainsKey(request.AllExtensionNumbersOfType):
                // proto3 has no extensions.
                answer.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                answer.ListServicesResponse = new ListServiceResponse { Service = { Contract.Services.Select(name => new ServiceResponse { Name = name }) } };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.None:
                answer.ErrorResponse = Error(StatusCode.InvalidArgument, "the request asks for nothing");
                break;
            default:
                answer.ErrorResponse = Error(StatusCode.NotFound, "this server has no such file, symbol or extension");
                break;
        }

        return answer;
    }

    private static ErrorResponse Error(StatusCode status, string message) => new() { ErrorCode = (int)status, ErrorMessage = message };

    private static FileDescriptorResponse WithImports(FileDescriptor file) => new() { FileDescriptorProto = { Closure(file).Select(f => f.SerializedData) } };

    private static IEnumerable<FileDescriptor> Closure(FileDescriptor file) =>
        file.Dependencies.SelectMany(Closure).Prepend(file).DistinctBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>The services that are called here, and every type that an answer may hold, in an error's details too.</summary>
    private sealed class Contract
    {
        private static readonly FileDescriptor[] Served = [UsbhostdReflection.Descriptor, HealthReflection.Descriptor, ReflectionReflection.Descriptor];

        public Contract()
        {
            foreach (var file in Served.Concat([StatusReflection.Descriptor, ErrorDetailsReflection.Descriptor]).SelectMany(Closure))
            {
                Files[file.Name] = file;
                foreach (var name in file.Services.SelectMany(s => s.Methods.Select(m => m.FullName).Prepend(s.FullName))
                    .Concat(file.MessageTypes.SelectMany(Names)).Concat(file.EnumTypes.Select(e => e.FullName)))
                {
                    Symbols[name] = file;
                }
            }
        }

        public Dictionary<string, FileDescriptor> Files { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, FileDescriptor> Symbols { get; } = new(StringComparer.Ordinal);

        public static IEnumerable<string> Services => Served.SelectMany(f => f.Services).Select(s => s.FullName);

        private static IEnumerable<string> Names(MessageDescriptor message) =>
            message.NestedTypes.SelectMany(Names).Concat(message.EnumTypes.Select(e => e.FullName)).Prepend(message.FullName);
    }
}
