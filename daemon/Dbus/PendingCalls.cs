// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Counts the calls of ours that are not answered. The library has no way to give one up: it is kept until whoever was called answers or leaves
/// the bus, also where nobody waits for it any more. So it counts until then.
/// </summary>
internal sealed class PendingCalls
{
    /// <summary>As many as a bus lets one connection wait for (max_replies_per_connection of dbus-daemon(1)).</summary>
    public const int Most = 128;

    /// <summary>Of one connection of somebody's, so that one that never answers leaves room for others.</summary>
    public const int MostOfOne = 32;

    private readonly Lock gate = new();
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private int all;

    /// <summary>Calls that are counted now.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return all;
            }
        }
    }

    /// <summary>One more; those to the bus itself are not counted, as it answers each at once.</summary>
    /// <param name="name">Who is called: <c>:1.42</c>, or a well-known name.</param>
    /// <returns>False where there are too many.</returns>
    public bool TryBegin(string name)
    {
        if (name == BusTarget.Bus.Name)
        {
            return true;
        }

        lock (gate)
        {
            var before = names.GetValueOrDefault(name);
            if (all >= Most || (name.StartsWith(':') && before >= MostOfOne))
            {
                return false;
            }

            all++;
            names[name] = before + 1;
            return true;
        }
    }

    public void End(string name)
    {
        if (name == BusTarget.Bus.Name)
        {
            return;
        }

        lock (gate)
        {
            all--;
            if (names[name]-- == 1)
            {
                names.Remove(name);
            }
        }
    }
}
