// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc;

/// <summary>Where the gRPC door listens, and what one caller may use of the daemon.</summary>
internal sealed record GrpcOptions
{
    public string SocketPath { get; init; } = "/run/usbhostd/api.sock";

    /// <summary>Name or number of the group that may connect; empty leaves the socket to the daemon's own group.</summary>
    public string SocketGroup { get; init; } = "";

    /// <summary>Bytes of one request message. It is held in memory before anybody knows whether its caller may; none of the contract's needs a tenth of this.</summary>
    public int MaxRequestBytes { get; init; } = 64 * 1024;

    /// <summary>How long a request message may take to arrive.</summary>
    public TimeSpan RequestPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of one call's headers.</summary>
    public int MaxHeaderBytes { get; init; } = 16 * 1024;

    /// <summary>
    /// Connections at once to the socket, and as many over TCP; the next one is closed. One caller has a quarter of them at most, and a
    /// quarter is kept for administrators. Root is not counted.
    /// </summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>Calls at once on one connection.</summary>
    public int MaxStreamsPerConnection { get; init; } = 100;

    /// <summary>How long a connection without a call stays open.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an answer may wait for a reader that takes nothing of it, before its call is reset.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>By which patience is measured.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>After how long without a frame a peer is asked whether it is there: over TCP one may vanish without a word, watches and all.</summary>
    public TimeSpan PingDelay { get; init; } = TimeSpan.FromMinutes(1);
}
