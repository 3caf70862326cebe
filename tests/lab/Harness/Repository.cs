// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace UsbHostd.Lab.Harness;

/// <summary>Where the checkout lies; L1 sees it at the same path.</summary>
public static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", ".."));

    /// <summary>The bed's scripts.</summary>
    public static string Bed { get; } = Path.Combine(Root, "tests", "lab", "bed");

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
