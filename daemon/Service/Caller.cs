using System.Collections.Immutable;

namespace UsbHostd.Daemon.Service;

/// <summary>Who asks: a uid with the groups of its connection.</summary>
/// <param name="Gids">Primary and supplementary, as the kernel keeps them for the peer of the socket; no name-service look-up.</param>
/// <param name="Door">"grpc".</param>
/// <param name="Pid">Of the process that connected; for the audit only, never for a decision: it may be gone or another by now.</param>
internal sealed record Caller(uint Uid, ImmutableArray<uint> Gids, string Door, int Pid)
{
    /// <summary>The name under which claims keep their owner, <c>uid:1000</c>.</summary>
    public string Owner => $"uid:{Uid}";

    public override string ToString() => $"{Owner} (pid {Pid}, {Door})";
}
