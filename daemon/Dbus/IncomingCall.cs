using static UsbHostd.Daemon.Dbus.NativeSdBus;

namespace UsbHostd.Daemon.Dbus;

/// <summary>A call to an object of ours, kept until it is answered. Its strings are what the bus let pass: well-formed, else hostile.</summary>
internal sealed class IncomingCall(BusConnection connection, nint message)
{
    /// <summary>The unique name of the connection that called, <c>:1.42</c>; the bus vouches for it.</summary>
    public string Sender { get; } = Text(GetSender(message));

    public string Path { get; } = Text(GetPath(message));

    /// <summary>Empty where the caller left it out, as it may.</summary>
    public string Interface { get; } = Text(GetInterface(message));

    public string Member { get; } = Text(GetMember(message));

    /// <summary>Whether a person may be asked while the caller waits.</summary>
    public bool IsInteractive { get; } = GetInteractive(message) > 0;

    public BusConnection Connection => connection;

    /// <summary>The arguments; on the connection's thread only, and once.</summary>
    public MessageReader Body => new(message);

    /// <summary>At once, on the connection's thread.</summary>
    public void Refuse(string name, string text) => connection.ReplyError(message, name, text);

    public Task ReplyAsync(Action<MessageWriter> write) => connection.ReplyAsync(message, write);

    public Task RefuseAsync(string name, string text) => connection.ReplyErrorAsync(message, name, text);

    /// <summary>Whoever called is gone: nothing is sent.</summary>
    public Task DropAsync() => connection.DropAsync(message);
}
