// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace UsbHostd.Lab.Harness;

/// <summary>L1's QEMU: plugs and pulls L1's devices.</summary>
internal sealed class Qmp : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode>> _replies = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _deletions = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _writing = new(1);
    private int _lastId;

    private Qmp(Socket socket)
    {
        _socket = socket;
        var stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(stream);
        _writer = new StreamWriter(stream) { AutoFlush = true };
    }

    public static async Task<Qmp> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).ConfigureAwait(false);
        var qmp = new Qmp(socket);
        await qmp._reader.ReadLineAsync().ConfigureAwait(false); // the greeting
        _ = qmp.ReadAsync();
        await qmp.ExecuteAsync("qmp_capabilities", new JsonObject()).ConfigureAwait(false);
        return qmp;
    }

    public async Task<JsonNode> ExecuteAsync(string command, JsonObject arguments)
    {
        var id = Interlocked.Increment(ref _lastId).ToString(provider: null);
        var reply = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        _replies[id] = reply;
        var line = new JsonObject { ["execute"] = command, ["arguments"] = arguments, ["id"] = id }.ToJsonString();
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await _writer.WriteLineAsync(line).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }

        var answer = await reply.Task.WaitAsync(Within.Moments).ConfigureAwait(false);
        return answer["error"] is { } error
            ? throw new LabException($"QMP {line}: {error["desc"]}")
            : answer["return"] ?? new JsonObject();
    }

    /// <summary>Pulls a device and waits until QEMU has let go of it, so that its drive may be used again.</summary>
    public async Task DeleteDeviceAsync(string id)
    {
        var gone = _deletions.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await ExecuteAsync("device_del", new JsonObject { ["id"] = id }).ConfigureAwait(false);
        await gone.Task.WaitAsync(Within.Moments).ConfigureAwait(false);
        _deletions.TryRemove(id, out _);
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _writing.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                var message = JsonNode.Parse(line)!;
                if (message["id"] is { } id && _replies.TryRemove(id.GetValue<string>(), out var reply))
                {
                    reply.SetResult(message);
                }
                else if (message["event"]?.GetValue<string>() is "DEVICE_DELETED"
                    && message["data"]?["device"]?.GetValue<string>() is { } device
                    && _deletions.TryGetValue(device, out var gone))
                {
                    gone.TrySetResult();
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // Disposed, or L1 died; whoever waits is told below.
        }

        foreach (var reply in _replies.Values)
        {
            reply.TrySetException(new LabException("L1's QEMU has closed its QMP socket"));
        }
    }
}
