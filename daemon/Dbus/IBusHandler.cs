// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Who is told what comes over a connection, one thing after the other. The connection reads on when this returns.</summary>
internal interface IBusHandler
{
    /// <summary>A call to an object of ours. It is answered now or later, once.</summary>
    void OnCall(IncomingCall call);

    /// <summary>A signal that a match asked for, or that was sent to this connection.</summary>
    /// <param name="signal">Valid until this returns.</param>
    void OnSignal(Message signal);
}
