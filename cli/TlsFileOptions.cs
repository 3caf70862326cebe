// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using UsbHostd.Api;

namespace UsbHostd.Cli;

/// <summary>The options for a daemon on TCP: --tls-certificate, --tls-key and --tls-ca, or variables in their place.</summary>
internal sealed class TlsFileOptions
{
    private readonly Option<string?> certificate = File("--tls-certificate", "The client's certificate for a tcp+tls ADDRESS");
    private readonly Option<string?> key = File("--tls-key", "The private key of that certificate");
    private readonly Option<string?> authorities = File("--tls-ca", "The authorities that the daemon's certificate may be of");

    public void AddTo(RootCommand root)
    {
        root.Add(certificate);
        root.Add(key);
        root.Add(authorities);
    }

    /// <summary>Null unless all three are said.</summary>
    public TlsCredentials? Credentials(ParseResult parsed, CliTerminal terminal) =>
        Value(certificate, parsed, terminal) is { } ours && Value(key, parsed, terminal) is { } itsKey && Value(authorities, parsed, terminal) is { } theirs
            ? new TlsCredentials(ours, itsKey, theirs) : null;

    private static string? Value(Option<string?> option, ParseResult parsed, CliTerminal terminal) =>
        parsed.GetValue(option) ?? (terminal.Environment(Variable(option.Name)) is { Length: > 0 } variable ? variable : null);

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = $"{description}, PEM; or {Variable(name)} says which",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary><c>USBHOSTD_TLS_CA</c> for <c>--tls-ca</c>.</summary>
    private static string Variable(string option) => "USBHOSTD" + option[1..].Replace('-', '_').ToUpperInvariant();
}
