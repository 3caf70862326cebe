using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Service;

/// <summary>Orders chains of ports as people count: 4.2 before 4.10.</summary>
internal sealed class PortOrder : IComparer<string>
{
    public static readonly PortOrder Instance = new();

    public int Compare(string? x, string? y) => new UsbPortPath(0, x ?? "").CompareTo(new UsbPortPath(0, y ?? ""));
}
