using System.Collections.Immutable;

namespace UsbHostd.Daemon.Service;

/// <summary>Who asks: a uid with the groups of its connection, or a certificate.</summary>
/// <param name="Gids">Primary and supplementary, as the kernel keeps them for the peer of the socket; no name-service look-up.</param>
/// <param name="Door">"grpc", "dbus", "tls".</param>
/// <param name="Pid">Of the process that connected; for the audit only, never for a decision: it may be gone or another by now.</param>
internal sealed record Caller(uint Uid, ImmutableArray<uint> Gids, string Door, int Pid)
{
    public const uint NoUid = Policy.Requests.ClaimRequest.NoUid;

    /// <summary>The peer of a TLS connection, verified; such a caller has no uid.</summary>
    public CertificateIdentity? Certificate { get; init; }

    /// <summary>Who may give this caller a right that its roles don't; null where nobody can.</summary>
    public IAuthority? Authority { get; init; }

    /// <summary>The name under which claims keep their owner, <c>uid:1000</c> or <c>cert:CN=erp, O=lab</c>.</summary>
    public string Owner => Certificate is { } certificate ? "cert:" + certificate.Subject : $"uid:{Uid}";

    public override string ToString() => Certificate is null ? $"{Owner} (pid {Pid}, {Door})" : $"{Owner} ({Door})";
}

/// <summary>What a client's certificate says of it.</summary>
/// <param name="Subject">As .NET prints it, <c>CN=erp, O=lab</c>.</param>
/// <param name="Names">subjectAltName: DNS names, URIs, mail and IP addresses.</param>
internal sealed record CertificateIdentity(string Subject, ImmutableArray<string> Names);

/// <summary>Somebody outside of the daemon who may say yes to one call: polkit.</summary>
internal interface IAuthority
{
    /// <param name="details">What the call is about, for the person who is asked: "device", "guest".</param>
    /// <exception cref="OperationCanceledException">The caller is gone.</exception>
    ValueTask<bool> GrantsAsync(Api.Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken);
}
