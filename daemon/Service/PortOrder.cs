namespace UsbHostd.Daemon.Service;

/// <summary>Orders chains of ports as people count: 4.2 before 4.10.</summary>
internal sealed class PortOrder : IComparer<string>
{
    public static readonly PortOrder Instance = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (x?.Split('.') ?? [], y?.Split('.') ?? []);
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            var order = a[i].Length != b[i].Length ? a[i].Length.CompareTo(b[i].Length) : string.CompareOrdinal(a[i], b[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return a.Length.CompareTo(b.Length);
    }
}
