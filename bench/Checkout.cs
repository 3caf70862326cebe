// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace UsbHostd.Bench;

/// <summary>Where things are in the checkout that this was built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, ".."));

    public static string Daemon => Published("usbhostd");

    public static string Cli => Published("usbhostctl");

    public static string BareKestrel => Published("bare-kestrel");

    public static string GrpcGo => Published("grpc-go");

    private static string Published(string name) => Path.Combine(Root, "out", name, name);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
