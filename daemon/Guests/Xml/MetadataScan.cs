// SPDX-License-Identifier: Apache-2.0

namespace UsbHostd.Daemon.Guests.Xml;

/// <summary>
/// Where a domain's metadata is in its text. libvirt keeps what applications put there as libxml2 reads it, which takes names of XML
/// 1.0's fifth edition and undeclared prefixes; .NET's reader refuses both, and with them the whole text. This looks at tags only.
/// </summary>
/// <param name="Start">Of the start tag.</param>
/// <param name="Inner">Behind the start tag.</param>
/// <param name="InnerEnd">Of the end tag.</param>
/// <param name="End">Behind the end tag.</param>
/// <param name="Children">The elements directly in it.</param>
internal sealed record MetadataScan(int Start, int Inner, int InnerEnd, int End, IReadOnlyList<Range> Children)
{
    private const string Name = "metadata";

    /// <summary>Null where the root element has none with content, or the text ends too soon.</summary>
    public static MetadataScan? Of(string text)
    {
        var (depth, start, inner, child) = (0, -1, -1, -1);
        var children = new List<Range>();
        foreach (var tag in Tags(text))
        {
            var (from, to) = (tag.Start.Value, tag.End.Value);
            var (closes, isEmpty) = (text[from + 1] == '/', text[to - 2] == '/');
            depth -= closes ? 1 : 0;
            switch (depth)
            {
                case 1 when start < 0 && !closes && !isEmpty && IsMetadata(text.AsSpan(from, to - from)):
                    (start, inner) = (from, to);
                    break;
                case 1 when start >= 0 && closes:
                    return new MetadataScan(start, inner, from, to, children);
                case 2 when start >= 0 && isEmpty:
                    children.Add(tag);
                    break;
                case 2 when start >= 0 && closes:
                    children.Add(child..to);
                    break;
                case 2 when start >= 0:
                    child = from;
                    break;
            }

            depth += closes || isEmpty ? 0 : 1;
        }

        return null;
    }

    private static bool IsMetadata(ReadOnlySpan<char> tag) =>
        tag[1..].StartsWith(Name, StringComparison.Ordinal) && (tag[Name.Length + 1] == '>' || char.IsWhiteSpace(tag[Name.Length + 1]));

    /// <summary>Start, end and empty tags, in order; what comments, CDATA and instructions say is passed over.</summary>
    private static IEnumerable<Range> Tags(string text)
    {
        var at = 0;
        while ((at = text.IndexOf('<', at)) >= 0)
        {
            var end = Skipped(text, at) ?? EndOfTag(text, at);
            if (end < 0)
            {
                yield break;
            }

            if (text[at + 1] is not ('!' or '?'))
            {
                yield return at..end;
            }

            at = end;
        }
    }

    /// <summary>Behind what begins here and is no element; null where an element's tag begins.</summary>
    private static int? Skipped(string text, int at)
    {
        foreach (var (begin, end) in (ReadOnlySpan<(string, string)>)[("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")])
        {
            if (string.CompareOrdinal(text, at, begin, 0, begin.Length) == 0)
            {
                var found = text.IndexOf(end, at + begin.Length, StringComparison.Ordinal);
                return found < 0 ? -1 : found + end.Length;
            }
        }

        return null;
    }

    /// <summary>Behind the tag's end, which is none within quotes; negative where there is none.</summary>
    private static int EndOfTag(string text, int at)
    {
        var quote = '\0';
        for (var i = at + 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '>' when quote == '\0':
                    return i + 1;
                case '"' or '\'' when quote == '\0':
                    quote = text[i];
                    break;
                case var c when c == quote:
                    quote = '\0';
                    break;
            }
        }

        return -1;
    }
}
