// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;

namespace UsbHostd.Tests.Architecture;

/// <summary>The folders of each project form layers, and docs/architecture.md shows them.</summary>
[TestFixture]
internal sealed class FolderGraphTests
{
    private const string Page = "docs/architecture.md";

    private static readonly (string Project, string Root)[] Projects =
        [("policy", "UsbHostd.Policy"), ("core", "UsbHostd.Core"), ("daemon", "UsbHostd.Daemon")];

    [TestCase("policy", "UsbHostd.Policy")]
    [TestCase("core", "UsbHostd.Core")]
    [TestCase("daemon", "UsbHostd.Daemon")]
    public void Folders_OfAProject_FormNoCycle(string project, string root) => Assert.That(FolderGraph.Of(project, root).Cycle(), Is.Null);

    [TestCase("using P.B;\nnamespace P.A;\ninternal class Left;", "using P.A;\nnamespace P.B;\ninternal class Right;", TestName = "Cycle_ByUsings_IsFound")]
    [TestCase("namespace P.A;\ninternal class Left { B.Right r; }", "namespace P.B;\ninternal class Right { A.Left l; }", TestName = "Cycle_ByQualifiedNames_IsFound")]
    [TestCase("namespace P.A;\ninternal class Left { B.Right r; }", "namespace P.A.B;\ninternal class Right { Left l; }", TestName = "Cycle_OfAFolderAndTheOneAroundIt_IsFound")]
    public void Cycle_IsFound(string left, string right) => Assert.That(FolderGraph.Of([left, right], "P").Cycle(), Is.Not.Null);

    [TestCase("using P.B;\nnamespace P.A;\ninternal class Left;", "namespace P.B;\n// Left\ninternal class Right { string s = \"A.Left\"; }", ExpectedResult = null)]
    public string? Cycle_ByACommentOrAString_IsNone(string left, string right) => FolderGraph.Of([left, right], "P").Cycle();

    /// <summary><c>./dev graph</c> sets USBHOSTD_DRAW_GRAPH, and the page is written anew.</summary>
    [Test]
    public void ArchitecturePage_ShowsTheFolders_AsTheyAre([ValueSource(nameof(Projects))] (string Project, string Root) project)
    {
        var page = Repository.Read(Page);
        var (before, after) = ($"<!-- folders of {project.Project}, drawn by ./dev graph -->\n\n```\n", "```\n");
        var from = page.IndexOf(before, StringComparison.Ordinal) + before.Length;
        Assert.That(from, Is.GreaterThanOrEqualTo(before.Length), $"{Page} has no place for the folders of {project.Project}");
        var to = page.IndexOf(after, from, StringComparison.Ordinal);
        var drawn = FolderGraph.Of(project.Project, project.Root).Draw();
        if (Environment.GetEnvironmentVariable("USBHOSTD_DRAW_GRAPH") is { Length: > 0 })
        {
            File.WriteAllText(Path.Combine(Repository.Root, Page), page[..from] + drawn + page[to..]);
            return;
        }

        Assert.That(page[from..to], Is.EqualTo(drawn), "run ./dev graph");
    }
}
