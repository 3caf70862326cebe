// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc.Connections;

/// <summary>Who connected to a unix socket, as the kernel recorded it at that moment (unix(7), socket(7)).</summary>
internal static class PeerCredentials
{
    // asm-generic/socket.h; mips, parisc and sparc number them otherwise, and .NET runs on none of those.
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int SoPeerGroups = 59;

    /// <summary>NGROUPS_MAX is 65536 groups of four bytes.</summary>
    private const int MaxGroupBytes = 65536 * sizeof(uint);

    /// <exception cref="SocketException">It is no unix socket.</exception>
    public static Caller Read(Socket socket)
    {
        Span<uint> ucred = stackalloc uint[3];
        var length = socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(ucred));
        if (length != 3 * sizeof(uint) || ucred[0] == 0)
        {
            // pid 0 is a peer outside of our pid namespace, whose uid means nothing here either.
            throw new SocketException((int)SocketError.OperationNotSupported);
        }

        var groups = Groups(socket);
        return new Caller(ucred[1], groups.Contains(ucred[2]) ? groups : groups.Insert(0, ucred[2]), "grpc", (int)ucred[0]);
    }

    private static ImmutableArray<uint> Groups(Socket socket)
    {
        for (var bytes = 64 * sizeof(uint); ; bytes = Math.Min(bytes * 8, MaxGroupBytes))
        {
            var groups = new uint[bytes / sizeof(uint)];
            try
            {
                var length = socket.GetRawSocketOption(SolSocket, SoPeerGroups, MemoryMarshal.AsBytes(groups.AsSpan()));
                return [.. groups.AsSpan(0, length / sizeof(uint))];
            }
            catch (SocketException) when (bytes < MaxGroupBytes)
            {
                // ERANGE: the list is longer.
            }
        }
    }
}
