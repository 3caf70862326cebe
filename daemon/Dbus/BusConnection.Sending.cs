// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>What others send over the connection.</summary>
internal sealed partial class BusConnection
{
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(25);

    /// <summary>Calls a method of somebody else's.</summary>
    /// <param name="signature">Of the arguments; empty for none.</param>
    /// <param name="read">Reads the answer. The connection reads on when it returns.</param>
    /// <param name="patience">How long to wait, 25 s where null; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <exception cref="BusException">It answered with an error or not at all, or too many calls are not answered.</exception>
    /// <exception cref="FormatException">What <paramref name="read"/> says of an answer that is none.</exception>
    public async Task<T> CallAsync<T>(
        BusTarget target, string member, string signature, BodyWriter write, Func<Message, T> read, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(patience ?? UsualPatience);
        try
        {
            await Window.EnterAsync(1, end.Token).ConfigureAwait(false);
            return await HandOver(1, () => Call(target, member, signature, write, read)).WaitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BusException(BusException.NoReply, $"{member} was not answered in time");
        }
    }

    /// <summary>Calls a method of somebody else's whose answer nobody wants: none is sent.</summary>
    /// <exception cref="BusException">The connection is over.</exception>
    public Task TellAsync(BusTarget target, string member, string signature, BodyWriter write, CancellationToken cancellationToken) =>
        PostAsync((ref to) => to.WriteMethodCallHeader(
            target.Name, target.Path, target.Interface, member, OrNull(signature), MessageFlags.NoReplyExpected), write, cancellationToken);

    /// <summary>Sends a signal; done when it is on its way.</summary>
    /// <param name="destination">A unique name.</param>
    /// <exception cref="BusException">The connection is over.</exception>
    public Task SignalAsync(
        string destination, string path, string @interface, string member, string signature, BodyWriter write, CancellationToken cancellationToken) =>
        PostAsync((ref to) => to.WriteSignalHeader(destination, path, @interface, member, OrNull(signature)), write, cancellationToken);

    /// <summary>Until the bus has taken what was sent before, so that an end loses nothing of it.</summary>
    /// <param name="patience">For a bus that does not.</param>
    public async Task DrainAsync(TimeSpan patience)
    {
        try
        {
            await CallAsync(BusTarget.Bus, "GetId", "", NoBody, _ => 0, CancellationToken.None, patience).ConfigureAwait(false);
        }
        catch (BusException)
        {
            // There is no bus any more, or one that stands still.
        }
    }

    /// <summary>Answers a call, and lets go of it. Keeps it where this throws: an error can still be its answer.</summary>
    /// <exception cref="BusException">The connection is over.</exception>
    internal async Task ReplyAsync(MethodContext call, string signature, BodyWriter write, int weight)
    {
        await Window.EnterAsync(weight, CancellationToken.None).ConfigureAwait(false);
        HandOver(weight, () =>
        {
            call.Reply(Make((ref to) => to.WriteMethodReturnHeader(call.Request.Serial, call.Request.Sender, OrNull(signature)), write));
            return true;
        });
        call.Dispose();
    }

    /// <summary>Answers a call with an error, and lets go of it; at once.</summary>
    internal void ReplyError(MethodContext call, string name, string text)
    {
        Owe();
        try
        {
            call.ReplyError(name, DbusText.Valid(text));
            call.Dispose();
        }
        catch (Exception e) when (e is DBusConnectionException or ObjectDisposedException)
        {
            // The bus is gone, and with it the caller.
        }
    }

    private static void NoBody(ref MessageWriter to)
    {
    }

    private static string? OrNull(string signature) => signature.Length > 0 ? signature : null;

    private MessageBuffer Make(BodyWriter header, BodyWriter body)
    {
        var to = bus.GetMessageWriter();
        try
        {
            header(ref to);
            body(ref to);
            return to.CreateMessage();
        }
        finally
        {
            to.Dispose();
        }
    }

    private async Task PostAsync(BodyWriter header, BodyWriter body, CancellationToken cancellationToken)
    {
        await Window.EnterAsync(1, cancellationToken).ConfigureAwait(false);
        HandOver(1, () => bus.TrySendMessage(Make(header, body)) ? true : throw BusException.Gone());
    }

    /// <summary>Hands a message to the library, whose place in the window is taken.</summary>
    private T HandOver<T>(int weight, Func<T> send)
    {
        T result;
        try
        {
            result = send();
        }
        catch (Exception e) when (e is DBusConnectionException or ObjectDisposedException)
        {
            Window.Leave(weight);
            throw BusException.Gone();
        }
        catch
        {
            Window.Leave(weight);
            throw;
        }

        Sent(weight);
        return result;
    }

    private Task<T> Call<T>(BusTarget target, string member, string signature, BodyWriter write, Func<Message, T> read)
    {
        var message = Make((ref to) => to.WriteMethodCallHeader(target.Name, target.Path, target.Interface, member, OrNull(signature)), write);
        return Pending.TryBegin(target.Name)
            ? AnswerAsync(target.Name, bus.CallMethodAsync(message, static (answer, read) => ((Func<Message, T>)read!)(answer), read))
            : throw new BusException(BusException.LimitsExceeded, $"too many calls of usbhostd's are not answered, and {member} is not called");
    }

    /// <summary>Counts a call until it is answered, whether or not anybody still waits.</summary>
    private async Task<T> AnswerAsync<T>(string name, Task<T> call)
    {
        try
        {
            await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            // Answers come in the middle of the library's reading: that goes on, and whoever waits for this one does so elsewhere.
            await Task.Yield();
            return await call.ConfigureAwait(false);
        }
        catch (DBusErrorReplyException e)
        {
            throw new BusException(e.ErrorName, e.ErrorMessage);
        }
        catch (DBusMessageException e)
        {
            throw new BusException(BusException.Failed, e.Message);
        }
        catch (Exception e) when (e is DBusConnectionException or ObjectDisposedException)
        {
            throw reason ?? BusException.Gone();
        }
        finally
        {
            Pending.End(name);
        }
    }

    /// <summary>Counts a message that can't wait.</summary>
    private void Owe()
    {
        if (Window.TryOwe())
        {
            Sent(1);
            return;
        }

        reason = new BusException(BusException.Failed, "the bus does not take what it is sent");
        Dispose();
    }

    private void Sent(int weight)
    {
        if (Window.Sent(weight) is > 0 and var about)
        {
            _ = AskAsync(about);
        }
    }

    /// <summary>Asks the bus something that costs it nothing. Its answer, an error too, comes after it took what was sent before.</summary>
    private async Task AskAsync(int about)
    {
        try
        {
            await bus.CallMethodAsync(Make(static (ref to) => to.WriteMethodCallHeader(
                BusTarget.Bus.Name, BusTarget.Bus.Path, BusTarget.Bus.Interface, "GetId"), NoBody)).ConfigureAwait(false);
        }
        catch (DBusErrorReplyException)
        {
            // An answer as well.
        }
        catch (Exception e) when (e is DBusConnectionException or ObjectDisposedException)
        {
            return;
        }

        Window.Leave(about);
    }
}
