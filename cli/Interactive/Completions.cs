// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Cli.Interactive;

/// <summary>What the word before the cursor may become.</summary>
/// <param name="Start">Where in the line that word starts.</param>
/// <param name="Begun">What there is of it, without its quotes.</param>
/// <param name="Words">In order; each begins with <paramref name="Begun"/>.</param>
internal sealed record Completions(int Start, string Begun, IReadOnlyList<string> Words)
{
    /// <summary>What they all begin with.</summary>
    public string Common
    {
        get
        {
            var (first, last) = (Words[0], Words[^1]);
            // They are in ordinal order: what the first and the last share, all share.
            var length = first.AsSpan().CommonPrefixLength(last);
            return length > 0 && char.IsHighSurrogate(first[length - 1]) ? first[..(length - 1)] : first[..length];
        }
    }
}
