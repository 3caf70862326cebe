// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>A call to an object of ours, kept until it is answered. Its strings are what the bus let pass: well-formed, else hostile.</summary>
internal sealed class IncomingCall(BusConnection connection, MethodContext context)
{
    /// <summary>The unique name of the connection that called, <c>:1.42</c>; the bus vouches for it.</summary>
    public string Sender { get; } = context.Request.SenderAsString ?? "";

    public string Path { get; } = context.Request.PathAsString ?? "";

    /// <summary>Empty where the caller left it out, as it may.</summary>
    public string Interface { get; } = context.Request.InterfaceAsString ?? "";

    public string Member { get; } = context.Request.MemberAsString ?? "";

    /// <summary>Whether a person may be asked while the caller waits.</summary>
    public bool IsInteractive { get; } = context.Request.MessageFlags.HasFlag(MessageFlags.AllowInteractiveAuthorization);

    public BusConnection Connection => connection;

    /// <summary>With the arguments; until it is answered.</summary>
    public Message Request => context.Request;

    /// <summary>At once, without waiting for the bus.</summary>
    public void Refuse(string name, string text) => connection.ReplyError(context, name, text);

    /// <param name="weight">What the answer counts among those that are on their way, from 1 to <see cref="SendWindow.MostOfOne"/>.</param>
    /// <exception cref="BusException">The connection is over.</exception>
    public Task ReplyAsync(string signature, BodyWriter write, int weight = 1) => connection.ReplyAsync(context, signature, write, weight);
}
