// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Runs a call whose arguments are read.</summary>
/// <param name="cancellationToken">Cancelled where the caller is gone or the daemon stops.</param>
internal delegate ValueTask<BusAnswer> Invocation(Caller caller, CancellationToken cancellationToken);

/// <param name="Then">Run after the answer was sent, or could not be.</param>
internal sealed record BusAnswer(string Signature, BodyWriter Write, Action? Then = null)
{
    /// <summary>Bytes that count as one message among those on their way to the bus.</summary>
    private const int BytesOfOne = 4096;

    /// <summary>An answer without arguments.</summary>
    public static BusAnswer Nothing { get; } = new("", static (ref _) => { });

    /// <summary>Of what it tells, in bytes: as characters or in protobuf's encoding, beside which the bus's is some times as long.</summary>
    public long Size { get; init; }

    /// <summary>See <see cref="IncomingCall.ReplyAsync"/>.</summary>
    public int Weight => (int)Math.Clamp(Size / BytesOfOne, 1, SendWindow.MostOfOne);
}

/// <summary>
/// One method of the manager: some fields of its request are arguments, all others are options. Decoding knows the contract only by its
/// descriptors, so that a field that is added there is an option here.
/// </summary>
/// <param name="Arguments">Fields of the request, all strings, in the order of the arguments.</param>
/// <param name="Answer">The signature of the answer.</param>
internal sealed record ManagerMethod(string Name, MessageDescriptor Request, string[] Arguments, string Answer, Func<IMessage, Invocation> Bind)
{
    /// <summary>Each argument, and the options: <c>ssa{sv}</c>.</summary>
    public string Signature { get; } = new string('s', Arguments.Length) + "a{sv}";

    /// <summary>Fields that mean nothing on the bus.</summary>
    public string[] LeftOut { get; init; } = [];

    /// <summary>The fields that are options.</summary>
    public IEnumerable<FieldDescriptor> Options =>
        Request.Fields.InDeclarationOrder().Where(f => !Arguments.Contains(f.Name, StringComparer.Ordinal) && !LeftOut.Contains(f.Name, StringComparer.Ordinal));

    /// <exception cref="FormatException">What is found is not what the method takes; the message says both.</exception>
    public Invocation Decode(Message body) => Bind(Read(body));

    /// <summary>The request that the arguments and options make.</summary>
    /// <exception cref="FormatException">As <see cref="Decode"/>.</exception>
    public IMessage Read(Message body)
    {
        var found = body.SignatureAsString;
        if (found != Signature)
        {
            throw new FormatException($"found arguments of type {DbusTypes.Show(found)}, expected type {DbusTypes.Show(Signature)}");
        }

        var from = body.GetBodyReader();
        var request = Request.Parser.ParseFrom(ByteString.Empty);
        foreach (var name in Arguments)
        {
            ProtoFields.Set(request, Request.FindFieldByName(name), new DbusVariant("s", from.ReadString()));
        }

        foreach (var (key, value) in from.Options())
        {
            var field = Options.FirstOrDefault(f => ProtoFields.NameOf(f) == key) ?? throw new FormatException(
                $"found option \"{DbusTypes.Cut(key)}\", expected {(Options.Any() ? string.Join(", ", Options.Select(ProtoFields.NameOf)) : "no options")}");
            ProtoFields.Set(request, field, value);
        }

        return request;
    }

    /// <summary>Answers with a{sv}: the fields of the answer.</summary>
    public static ManagerMethod OfFields<TRequest, TAnswer>(
        string name, MessageDescriptor request, string[] arguments, Func<Caller, TRequest, CancellationToken, ValueTask<TAnswer>> handler)
        where TRequest : IMessage
        where TAnswer : IMessage => new(name, request, arguments, "a{sv}", message => async (caller, cancellationToken) =>
        {
            var answer = await handler(caller, (TRequest)message, cancellationToken).ConfigureAwait(false);
            return new BusAnswer("a{sv}", (ref to) => ProtoFields.Write(ref to, answer)) { Size = answer.CalculateSize() };
        });

    /// <summary>Answers with one object: its path, and its properties as they are at once.</summary>
    public static ManagerMethod OfObject<TRequest, TAnswer>(
        string name, MessageDescriptor request, string[] arguments, Func<Caller, TRequest, CancellationToken, ValueTask<TAnswer>> handler,
        Func<TAnswer, string> path)
        where TRequest : IMessage
        where TAnswer : IMessage => new(name, request, arguments, "oa{sv}", message => async (caller, cancellationToken) =>
        {
            var answer = await handler(caller, (TRequest)message, cancellationToken).ConfigureAwait(false);
            return new BusAnswer("oa{sv}", (ref to) =>
            {
                to.WriteObjectPath(path(answer));
                ProtoFields.Write(ref to, answer);
            });
        });

    /// <summary>Answers with a file, open for reading; the caller has a descriptor of its own of it.</summary>
    public static ManagerMethod OfFile<TRequest>(
        string name, MessageDescriptor request, Func<Caller, TRequest, CancellationToken, ValueTask<FileStream>> handler)
        where TRequest : IMessage => new(name, request, [], "h", message => async (caller, cancellationToken) =>
        {
            var file = await handler(caller, (TRequest)message, cancellationToken).ConfigureAwait(false);
            return new BusAnswer("h", (ref to) => to.WriteHandle(file.SafeFileHandle), file.Dispose);
        });

    /// <summary>Answers with the paths of objects.</summary>
    public static ManagerMethod OfPaths<TRequest, TAnswer>(
        string name, MessageDescriptor request, Func<Caller, TRequest, CancellationToken, ValueTask<TAnswer>> handler, Func<TAnswer, IEnumerable<string>> paths)
        where TRequest : IMessage => new(name, request, [], "ao", message => async (caller, cancellationToken) =>
        {
            var answer = await handler(caller, (TRequest)message, cancellationToken).ConfigureAwait(false);
            var all = paths(answer).ToList();
            return new BusAnswer("ao", (ref to) =>
            {
                var start = to.WriteArrayStart(DBusType.ObjectPath);
                foreach (var path in all)
                {
                    to.WriteObjectPath(path);
                }

                to.WriteArrayEnd(start);
            })
            {
                Size = all.Sum(p => (long)p.Length),
            };
        });
}
