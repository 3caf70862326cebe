// SPDX-License-Identifier: Apache-2.0
using System.Xml.Linq;

namespace UsbHostd.Tests.Architecture;

/// <summary>The source tree that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Hand-written sources of a folder, with paths below the root.</summary>
    public static IEnumerable<(string Path, string Text)> Sources(params string[] folders) =>
        from folder in folders
        from file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Root, file)
        where !path.Split('/').Any(part => part is "obj" or "bin")
        select (path, File.ReadAllText(file));

    /// <summary>What a project's file refers to: <c>ProjectReference</c> as folders, or <c>PackageReference</c>.</summary>
    public static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(Directory.GetFiles(Path.Combine(Root, project), "*.csproj").Single()).Descendants(kind)
            .Select(r => (string)r.Attribute("Include")!)
            .Select(include => kind == "ProjectReference" ? Path.GetFileName(Path.GetDirectoryName(include))! : include);

    /// <summary>Where a project was built, as these tests were. A program stands there with all that it needs, which is not so beside the tests.</summary>
    public static string Built(string project) =>
        Path.GetFullPath(Path.Combine(Root, project, Path.GetRelativePath(Path.Combine(Root, "tests/unit"), AppContext.BaseDirectory)));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "UsbHostd.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("these tests must run inside the repository");
    }
}
