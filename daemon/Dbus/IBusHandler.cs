namespace UsbHostd.Daemon.Dbus;

/// <summary>Who is told what comes over a connection. Called on its thread, which must not be kept waiting.</summary>
internal interface IBusHandler
{
    /// <summary>A call to an object of ours. It is answered now or later, once.</summary>
    void OnCall(IncomingCall call);

    /// <summary>A signal that a match asked for, or that was sent to this connection.</summary>
    /// <param name="body">Valid until this returns.</param>
    void OnSignal(SignalHeader signal, MessageReader body);
}

internal sealed record SignalHeader(string Sender, string Path, string Interface, string Member);
