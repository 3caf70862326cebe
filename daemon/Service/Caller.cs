// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace UsbHostd.Daemon.Service;

/// <summary>Who asks: a uid with the groups of its connection, or a certificate.</summary>
/// <param name="Gids">Primary and supplementary, as the kernel keeps them for the peer of the socket; no name-service look-up.</param>
/// <param name="Door">"grpc", "dbus", "tls".</param>
/// <param name="Pid">Of the process that connected; for the audit only, never for a decision: it may be gone or another by now.</param>
internal sealed record Caller(uint Uid, ImmutableArray<uint> Gids, string Door, int Pid)
{
    public const uint NoUid = Core.Claims.Claim.NoUid;

    /// <summary>The peer of a TLS connection, verified; such a caller has no uid.</summary>
    public CertificateIdentity? Certificate { get; init; }

    /// <summary>Who may give this caller a right that its roles don't; null where nobody can.</summary>
    public IAuthority? Authority { get; init; }

    /// <summary>The name under which claims keep their owner, <c>uid:1000</c>, <c>cert:CN=erp, O=lab</c> or <c>cert:name:spiffe://lab/erp</c>.</summary>
    public string Owner => Certificate is { } certificate ? "cert:" + certificate.Owner : $"uid:{Uid}";

    public override string ToString() => Certificate is null ? $"{Owner} (pid {Pid}, {Door})" : $"{Owner} ({Door})";
}

/// <summary>What a client's certificate says of it.</summary>
/// <param name="Subject">As <see cref="SubjectName"/> has it, <c>CN=erp, O=lab</c>.</param>
/// <param name="Names">subjectAltName: DNS names, URIs, mail and IP addresses.</param>
internal sealed record CertificateIdentity(string Subject, ImmutableArray<string> Names)
{
    /// <summary>What stands for the certificate where its subject is empty: its first URI, else its first DNS name; null where it has neither.</summary>
    public string? Name { get; init; }

    /// <summary>Whether it names anybody: all that do not would be one owner.</summary>
    public bool IsSomebody => Subject.Length > 0 || Name is { Length: > 0 };

    /// <summary>No subject looks like a name: each begins with the type of an attribute and <c>=</c>.</summary>
    public string Owner => Subject.Length > 0 ? Subject : "name:" + Name;
}

/// <summary>Somebody outside of the daemon who may say yes to one call: polkit.</summary>
internal interface IAuthority
{
    /// <param name="details">What the call is about, for the person who is asked: "device", "guest".</param>
    /// <exception cref="OperationCanceledException">The caller is gone.</exception>
    ValueTask<bool> GrantsAsync(Api.Right right, IReadOnlyDictionary<string, string> details, CancellationToken cancellationToken);
}
