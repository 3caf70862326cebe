// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace UsbHostd.Daemon.Grpc.Tls;

/// <summary>
/// Bounds the connections of which nobody knows yet whose they are, in all and for each address. Where there are too many, the oldest makes way:
/// a real client needs less than a second, so that the silent ones go first.
/// </summary>
/// <param name="most">Handshakes at once.</param>
internal sealed class HandshakeLimit(int most)
{
    /// <summary>Addresses of one IPv6 network are as many as its owner likes.</summary>
    private const int NetworkBytes = 8;

    private readonly int mostOfOne = Math.Max(1, most / 8);
    private readonly List<Handshake> open = [];

    /// <summary>One more handshake, which may end another one.</summary>
    public Handshake Begin(ConnectionContext connection)
    {
        var begun = new Handshake(this, connection, NetworkOf(connection.RemoteEndPoint));
        Handshake? ousted;
        lock (open)
        {
            ousted = OldestInTheWay(begun.Network);
            if (ousted is not null)
            {
                open.Remove(ousted);
            }

            open.Add(begun);
        }

        ousted?.Connection.Abort(new ConnectionAbortedException("too many handshakes are under way"));
        return begun;
    }

    /// <summary>The address; of an IPv6 one the network (64 bits).</summary>
    internal static string NetworkOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address })
        {
            return "";
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, NetworkBytes) : address.ToString();
    }

    private Handshake? OldestInTheWay(string network)
    {
        if (open.Count(h => h.Network == network) >= mostOfOne)
        {
            return open.Find(h => h.Network == network);
        }

        if (open.Count < most)
        {
            return null;
        }

        var largest = open.GroupBy(h => h.Network, StringComparer.Ordinal).MaxBy(g => g.Count())!.Key;
        return open.Find(h => h.Network == largest);
    }

    /// <summary>One that is under way.</summary>
    internal sealed class Handshake(HandshakeLimit limit, ConnectionContext connection, string network)
    {
        public ConnectionContext Connection => connection;

        public string Network => network;

        /// <summary>It is over; false where it had to make way.</summary>
        public bool End()
        {
            lock (limit.open)
            {
                return limit.open.Remove(this);
            }
        }
    }
}
