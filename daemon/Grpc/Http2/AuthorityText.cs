// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Grpc.Http2;

/// <summary>Which values of <c>:authority</c> Kestrel takes.</summary>
internal static class AuthorityText
{
    /// <summary>Octets of what may be a host at all.</summary>
    public const int Longest = 256;

    private const int LongestPort = 5;

    /// <summary>
    /// Nothing, a name or an address, IPv6 in brackets, with or without a port. What Kestrel would take beyond that is replaced
    /// too, which does no harm: nobody reads the host.
    /// </summary>
    public static bool IsHost(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > Longest)
        {
            return text.Length == 0;
        }

        var isAddress = text[0] == (byte)'[';
        var end = isAddress ? text.IndexOf((byte)']') + 1 : text.IndexOf((byte)':');
        var host = text[..(end < 0 ? text.Length : end)];
        return (isAddress ? IsAddress(host) : IsName(host)) && IsPort(text[host.Length..]);
    }

    private static bool IsName(ReadOnlySpan<byte> host)
    {
        foreach (var octet in host)
        {
            if (!char.IsAsciiLetterOrDigit((char)octet) && octet is not ((byte)'-' or (byte)'.' or (byte)'_'))
            {
                return false;
            }
        }

        return host.Length > 0;
    }

    private static bool IsAddress(ReadOnlySpan<byte> host)
    {
        if (host.Length < 4)
        {
            return false;
        }

        foreach (var octet in host[1..^1])
        {
            if (!char.IsAsciiHexDigit((char)octet) && octet is not ((byte)':' or (byte)'.'))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPort(ReadOnlySpan<byte> text) =>
        text.Length == 0 || (text[0] == (byte)':' && text.Length is > 1 and <= LongestPort + 1 && !text[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
}
