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

    /// <summary>The environment that the systemd unit gives the daemon.</summary>
    public static IEnumerable<(string Name, string Value)> UnitEnvironment() =>
        from line in File.ReadLines(Path.Combine(Root, "contrib", "systemd", "usbhostd.service"))
        where line.StartsWith("Environment=", StringComparison.Ordinal)
        let pair = line["Environment=".Length..].Split('=', 2)
        select (pair[0], pair[1]);

    private static string Published(string name) => Path.Combine(Root, "out", name, name);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
