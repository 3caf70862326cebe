// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace UsbHostd.Lab.Harness;

/// <summary>What a command in L1 printed, and its exit status.</summary>
public sealed record Output(int ExitCode, string Text);

/// <summary>Speaks to L1's agent: one connection a question.</summary>
/// <param name="port">The agent's, on 127.0.0.1.</param>
/// <param name="died">Fails when L1 does.</param>
/// <param name="hangs">Told, with the question, when L1 runs and its agent does not answer; ends with <paramref name="died"/> failed.</param>
internal sealed class AgentClient(int port, Task died, Func<string, Task> hangs)
{
    // Over the agent's own deadline, so that its answer (what was last seen) wins over ours.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async Task<Output> ExecAsync(string command, TimeSpan within, string? user)
    {
        var query = new JsonObject { ["verb"] = "exec", ["cmd"] = command, ["timeout"] = within.TotalSeconds, ["user"] = user };
        var answer = await AskAsync(query, within, command).ConfigureAwait(false);
        var end = answer.LastIndexOf('\0');
        if (end < 0 || !answer.AsSpan(end + 1).StartsWith("rc=", StringComparison.Ordinal))
        {
            throw new LabException($"L1's agent broke off in: {command}\n{answer}");
        }

        var code = answer.AsSpan(end + 4);
        return new Output(int.Parse(code[..code.IndexOf(' ')], provider: null), answer[..end]);
    }

    public async Task<JsonNode> AskJsonAsync(JsonObject query, TimeSpan within)
    {
        query["timeout"] = within.TotalSeconds;
        var text = query.ToJsonString();
        var answer = await AskAsync(query, within, text).ConfigureAwait(false);
        return JsonNode.Parse(answer) ?? throw new LabException($"L1's agent gave no answer to {text}");
    }

    /// <summary>A raw stream to a unix socket in L1, connected there as root.</summary>
    public Task<NetworkStream> RelayAsync(string path, CancellationToken cancellation) => RelayAsync(new JsonObject { ["path"] = path }, path, cancellation);

    /// <summary>A raw stream to a port of L1's loopback interface.</summary>
    public Task<NetworkStream> RelayAsync(int tcpPort, CancellationToken cancellation) =>
        RelayAsync(new JsonObject { ["port"] = tcpPort }, $"port {tcpPort}", cancellation);

    private async Task<NetworkStream> RelayAsync(JsonObject query, string to, CancellationToken cancellation)
    {
        query["verb"] = "relay";
        var stream = await ConnectAsync(cancellation).ConfigureAwait(false);
        try
        {
            await SendAsync(stream, query, cancellation).ConfigureAwait(false);
            // One byte at a time: what follows the line is the peer's.
            var line = new StringBuilder();
            var one = new byte[1];
            while (await stream.ReadAsync(one, cancellation).ConfigureAwait(false) == 1 && one[0] != '\n')
            {
                line.Append((char)one[0]);
            }

            return line.ToString() is "ok" ? stream : throw new IOException($"relay to {to} in L1: {line}");
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<string> AskAsync(JsonObject query, TimeSpan within, string what)
    {
        using var deadline = new CancellationTokenSource(within + Grace);
        var exchange = ExchangeAsync(query, deadline.Token);
        if (await Task.WhenAny(exchange, died).ConfigureAwait(false) == died)
        {
            await deadline.CancelAsync().ConfigureAwait(false);
            await died.ConfigureAwait(false);
        }

        try
        {
            var answer = await exchange.ConfigureAwait(false);
            return answer.Length > 0 ? answer : throw new IOException("no answer");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // A dying L1 resets its connections before its process has ended: its own last words say more.
            await died.WaitAsync(Patience).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            if (!died.IsFaulted)
            {
                await hangs(e is OperationCanceledException ? $"no answer within {within + Grace} to: {what}" : $"{e.Message} in: {what}").ConfigureAwait(false);
            }

            await died.ConfigureAwait(false);
            throw;
        }
    }

    private async Task<string> ExchangeAsync(JsonObject query, CancellationToken cancellation)
    {
        await using var stream = await ConnectAsync(cancellation).ConfigureAwait(false);
        await SendAsync(stream, query, cancellation).ConfigureAwait(false);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(cancellation).ConfigureAwait(false);
    }

    private async Task<NetworkStream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync("127.0.0.1", port, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task SendAsync(NetworkStream stream, JsonObject query, CancellationToken cancellation) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(query.ToJsonString(JsonSerializerOptions.Default) + "\n"), cancellation).ConfigureAwait(false);
}
