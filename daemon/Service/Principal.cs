// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;

namespace UsbHostd.Daemon.Service;

internal enum PrincipalKind
{
    User,
    Group,
    Subject,
    Name,
}

/// <summary>One caller, or several, as the configuration names them: <c>user:alice</c>, <c>group:lab</c>, <c>"subject:CN=erp, O=lab"</c>, <c>name:erp.lab.example</c>.</summary>
/// <param name="Value">A name or number of the host's; an X.500 name; or one of a certificate's subjectAltName.</param>
internal readonly record struct Principal(PrincipalKind Kind, string Value)
{
    private static readonly (string Prefix, PrincipalKind Kind)[] Kinds =
    [
        ("user:", PrincipalKind.User), ("group:", PrincipalKind.Group), ("subject:", PrincipalKind.Subject), ("name:", PrincipalKind.Name),
    ];

    /// <summary>A list with blanks between; one that holds blanks stands in double quotes. Null where it is not in order.</summary>
    public static ImmutableArray<Principal>? ParseList(string text)
    {
        var list = ImmutableArray.CreateBuilder<Principal>();
        for (var rest = text.AsSpan().Trim(); !rest.IsEmpty; rest = rest.TrimStart())
        {
            var quoted = rest[0] == '"';
            var end = quoted ? rest[1..].IndexOf('"') + 1 : rest.IndexOfAny(' ', '\t');
            if (quoted && end == 0)
            {
                return null;
            }

            var word = quoted ? rest[1..end] : end < 0 ? rest : rest[..end];
            if (Parse(word) is not { } principal)
            {
                return null;
            }

            list.Add(principal);
            rest = end < 0 ? [] : rest[(quoted ? end + 1 : end)..];
            if (quoted && !rest.IsEmpty && rest[0] is not (' ' or '\t'))
            {
                return null;
            }
        }

        return list.ToImmutable();
    }

    public static string Show(IEnumerable<Principal> list) =>
        string.Join(' ', list.Select(p => p.ToString()).Select(p => p.Contains(' ', StringComparison.Ordinal) ? $"\"{p}\"" : p));

    public override string ToString() => Kinds[(int)Kind].Prefix + Value;

    private static Principal? Parse(ReadOnlySpan<char> word)
    {
        foreach (var (prefix, kind) in Kinds)
        {
            if (word.StartsWith(prefix, StringComparison.Ordinal) && word.Length > prefix.Length && word.IndexOf('"') < 0)
            {
                var value = word[prefix.Length..].ToString();

                // In the one form in which certificates are compared.
                return kind != PrincipalKind.Subject ? SubjectName.IsPlain(value) ? new Principal(kind, value) : null
                    : SubjectName.TextOf(value) is { } subject ? new Principal(kind, subject)
                    : null;
            }
        }

        return null;
    }

    /// <summary>The number, where it was written as one.</summary>
    public uint? Number => uint.TryParse(Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
