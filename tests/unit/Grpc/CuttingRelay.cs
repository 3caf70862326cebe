// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using UsbHostd.Api;

namespace UsbHostd.Tests.Grpc;

/// <summary>Relays connections to a daemon, and cuts one when it brings a request.</summary>
internal sealed class CuttingRelay : IAsyncDisposable
{
    private const int FrameHeader = 9;
    private const byte Headers = 1;

    // RFC 9113, 3.4: what each client begins with.
    private const int Preface = 24;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly UsbHostAddress target;
    private readonly Task accepting;
    private int toCut;
    private int connections;

    public CuttingRelay(UsbHostAddress target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Address => $"tcp:127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>How many were made until now.</summary>
    public int Connections => Volatile.Read(ref connections);

    /// <summary>Cuts the connections that bring the next requests.</summary>
    public void CutNext(int requests) => Volatile.Write(ref toCut, requests);

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Dispose();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private static bool HasRequest(ReadOnlySpan<byte> sent)
    {
        while (sent.Length >= FrameHeader)
        {
            if (sent[3] == Headers)
            {
                return true;
            }

            var frame = FrameHeader + ((sent[0] << 16) | (sent[1] << 8) | sent[2]);
            sent = sent[Math.Min(frame, sent.Length)..];
        }

        return false;
    }

    private async Task AcceptAsync()
    {
        List<Task> relayed = [];
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(ending.Token);
                Interlocked.Increment(ref connections);
                relayed.Add(RelayAsync(socket));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(relayed);
        }
    }

    private async Task RelayAsync(Socket socket)
    {
        try
        {
            await using var client = new NetworkStream(socket, ownsSocket: true);
            await using var daemon = await target.OpenAsync(ending.Token);
            await Task.WhenAny(daemon.CopyToAsync(client, ending.Token), PassOnAsync(client, daemon));
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or UsbHostException)
        {
            // Both ends are closed.
        }
    }

    /// <summary>Until the client goes, or a request is to be cut.</summary>
    private async Task PassOnAsync(Stream client, Stream daemon)
    {
        var buffer = new byte[64 * 1024];
        var isFirst = true;
        while (await client.ReadAsync(buffer, ending.Token) is > 0 and var read)
        {
            if (Volatile.Read(ref toCut) > 0 && HasRequest(buffer.AsSpan(isFirst ? Math.Min(Preface, read) : 0, read - (isFirst ? Math.Min(Preface, read) : 0))))
            {
                Interlocked.Decrement(ref toCut);
                return;
            }

            isFirst = false;
            await daemon.WriteAsync(buffer.AsMemory(0, read), ending.Token);
        }
    }
}
