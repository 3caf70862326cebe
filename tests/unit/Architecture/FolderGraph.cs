// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.RegularExpressions;

namespace UsbHostd.Tests.Architecture;

/// <summary>
/// Which folder of one project uses which other one, as the sources say: by a <c>using</c>, by a name with its namespace, or by a type of a namespace
/// around its own. Each namespace is one folder.
/// </summary>
internal sealed partial class FolderGraph
{
    private const int MaxMilliseconds = 5000;

    private readonly SortedDictionary<string, SortedSet<string>> uses = new(StringComparer.Ordinal);

    private FolderGraph()
    {
    }

    /// <summary>Reads the sources of a project.</summary>
    /// <param name="project">The project's folder, for example <c>core</c>.</param>
    /// <param name="root">The project's root namespace, for example <c>UsbHostd.Core</c>.</param>
    public static FolderGraph Of(string project, string root) => Of(Repository.Sources(project).Select(s => s.Text), root);

    /// <inheritdoc cref="Of(string, string)"/>
    public static FolderGraph Of(IEnumerable<string> texts, string root)
    {
        var sources = texts.Select(Source.Parse).Where(s => s.Namespace.StartsWith(root, StringComparison.Ordinal)).ToList();
        var types = sources.GroupBy(s => s.Namespace, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.SelectMany(s => s.Types).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        var graph = new FolderGraph();
        foreach (var source in sources)
        {
            var from = Folder(source.Namespace, root);
            graph.uses.TryAdd(from, new(StringComparer.Ordinal));
            graph.uses[from].UnionWith(types.Keys.Where(n => n != source.Namespace && source.Uses(n, types[n])).Select(n => Folder(n, root)));
        }

        return graph;
    }

    /// <summary>A way that leads back to where it began, for example <c>State → Evaluation → State</c>; null where there is none.</summary>
    public string? Cycle()
    {
        HashSet<string> done = new(StringComparer.Ordinal);
        return uses.Keys.Select(folder => Back(folder, [], done)).FirstOrDefault(way => way is not null);
    }

    /// <summary>One line a folder, those first that use no other: <c>Claims      → Guests</c>.</summary>
    public string Draw()
    {
        var text = new StringBuilder();
        var width = uses.Keys.Max(f => f.Length);
        foreach (var folder in uses.Keys.OrderBy(f => Depth(f, 0)).ThenBy(f => f, StringComparer.Ordinal))
        {
            text.Append(uses[folder].Count == 0 ? folder : $"{folder.PadRight(width)} → {string.Join(", ", uses[folder])}").Append('\n');
        }

        return text.ToString();
    }

    private static string Folder(string space, string root) => space == root ? "(root)" : space[(root.Length + 1)..].Replace('.', '/');

    private string? Back(string folder, List<string> way, HashSet<string> done)
    {
        var at = way.IndexOf(folder);
        if (at >= 0)
        {
            return string.Join(" → ", way.Skip(at).Append(folder));
        }

        if (done.Contains(folder))
        {
            return null;
        }

        way.Add(folder);
        var back = uses[folder].Select(next => Back(next, way, done)).FirstOrDefault(found => found is not null);
        way.RemoveAt(way.Count - 1);
        done.Add(folder);
        return back;
    }

    /// <summary>The longest way down from a folder. In a cycle it ends once it is longer than there are folders.</summary>
    private int Depth(string folder, int above) =>
        above > uses.Count ? 0 : uses[folder].Select(next => 1 + Depth(next, above + 1)).DefaultIfEmpty(0).Max();

    /// <summary>One file: its namespace, the types that it declares, and its text without comments and strings.</summary>
    private sealed record Source(string Namespace, IReadOnlyList<string> Types, HashSet<string> Usings, string Code)
    {
        public static Source Parse(string text)
        {
            var code = NotCode().Replace(text, " ");
            return new(
                NamespaceLine().Match(code).Groups["name"].Value, [.. Declaration().Matches(code).Select(m => m.Groups["name"].Value)],
                Using().Matches(code).Select(m => m.Groups["name"].Value).ToHashSet(StringComparer.Ordinal), code);
        }

        /// <summary>Whether this file uses a namespace that declares these types.</summary>
        public bool Uses(string space, HashSet<string> types) =>
            Usings.Any(u => u == space || (u.StartsWith(space + ".", StringComparison.Ordinal) && types.Contains(u[(space.Length + 1)..])))
            || (Namespace.StartsWith(space + ".", StringComparison.Ordinal) && types.Any(t => Mentions(t)))
            || Around().Any(outer => space.StartsWith(outer + ".", StringComparison.Ordinal) && types.Any(t => Mentions($"{space[(outer.Length + 1)..]}.{t}")));

        /// <summary>The namespaces around this file's own, and its own.</summary>
        private IEnumerable<string> Around()
        {
            var parts = Namespace.Split('.');
            return Enumerable.Range(1, parts.Length).Select(n => string.Join('.', parts.Take(n)));
        }

        private bool Mentions(string name)
        {
            for (var at = Code.IndexOf(name, StringComparison.Ordinal); at >= 0; at = Code.IndexOf(name, at + 1, StringComparison.Ordinal))
            {
                if ((at == 0 || !IsPartOfName(Code[at - 1])) && (at + name.Length == Code.Length || !char.IsAsciiLetterOrDigit(Code[at + name.Length])))
                {
                    return true;
                }
            }

            return false;
        }

        private static bool IsPartOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_';
    }

    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|"{3}.*?"{3}|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])'""", RegexOptions.Singleline | RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex NotCode();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using (static )?(\w+ = )?(?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Using();

    [GeneratedRegex(@"^(public|internal)[\w ]*? (record struct|record|class|struct|enum|interface) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, MaxMilliseconds)]
    private static partial Regex Declaration();
}
