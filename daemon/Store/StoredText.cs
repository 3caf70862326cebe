// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Guests;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Store;

/// <summary>
/// How values stand in the database. The names of enum members there are a format of their own: renaming a member in the code
/// must not change what is on disk, so each has its name written out. Reading throws FormatException for anything else.
/// </summary>
internal static class StoredText
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    public static readonly EnumNames<ClaimTarget> Target = new("target",
        (ClaimTarget.Guest, "guest"), (ClaimTarget.Pod, "pod"), (ClaimTarget.Export, "export"));

    public static readonly EnumNames<ClaimMode> Mode = new("mode",
        (ClaimMode.Hostdev, "hostdev"), (ClaimMode.Spicevmc, "spicevmc"), (ClaimMode.Usbredir, "usbredir"));

    public static readonly EnumNames<ClaimLifetime> Lifetime = new("lifetime",
        (ClaimLifetime.Forever, "forever"), (ClaimLifetime.UntilUnplug, "until-unplug"),
        (ClaimLifetime.UntilGuestStops, "until-guest-stops"));

    public static readonly EnumNames<ClaimOrigin> Origin = new("origin",
        (ClaimOrigin.Explicit, "explicit"), (ClaimOrigin.Rule, "rule"), (ClaimOrigin.Metadata, "metadata"),
        (ClaimOrigin.Kubelet, "kubelet"), (ClaimOrigin.Recovered, "recovered"));

    public static readonly EnumNames<GuestReset> GuestReset = new("guest_reset",
        (Policy.Rules.GuestReset.Off, "off"), (Policy.Rules.GuestReset.Uninitialized, "uninitialized"),
        (Policy.Rules.GuestReset.On, "on"));

    public static readonly EnumNames<ClaimHold> Hold = new("hold",
        (ClaimHold.None, "none"), (ClaimHold.DetachedByOther, "detached-by-other"), (ClaimHold.Recovered, "recovered"),
        (ClaimHold.Withheld, "withheld"));

    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new FormatException($"not a time: {text}");

    public static string Of(ImmutableArray<UsbId> ids) => string.Join(',', ids);

    public static ImmutableArray<UsbId> UsbIds(string text) => [.. text.Split(',').Select(UsbIdOf)];

    public static UsbId UsbIdOf(string text) =>
        UsbId.TryParse(text, out var id) ? id : throw new FormatException($"not a vendor:product: {text}");

    public static string Of(uint number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Of(ImmutableArray<uint> numbers) => string.Join(' ', numbers.Select(Of));

    public static uint Number(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"not a uid or gid: {text}");

    public static ImmutableArray<uint> Numbers(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Number)];

    public static GuestId Guest(string text) =>
        Guid.TryParseExact(text, "D", out var uuid) ? new GuestId(uuid) : throw new FormatException($"not a UUID: {text}");

    public static DeviceId Device(string text) =>
        DeviceId.TryParse(text, out var id) ? id : throw new FormatException($"not a device id: {text}");

    public static PlugToken Plug(string text) =>
        PlugToken.TryParse(text, out var token) ? token : throw new FormatException($"not a plug token: {text}");

    public static GuestRun Run(string text) => GuestRun.Parse(text) ?? throw new FormatException($"not a guest's run: {text}");
}

/// <summary>The stored names of one enum, both ways.</summary>
internal sealed class EnumNames<T>
    where T : struct, Enum
{
    private readonly string column;
    private readonly (T Value, string Name)[] names;

    /// <summary>Throws where a member has no name: found at start, not when such a claim is first stored.</summary>
    public EnumNames(string column, params (T Value, string Name)[] names)
    {
        this.column = column;
        this.names = names;
        foreach (var value in Enum.GetValues<T>())
        {
            _ = Of(value);
        }
    }

    public string Of(T value)
    {
        foreach (var name in names)
        {
            if (EqualityComparer<T>.Default.Equals(name.Value, value))
            {
                return name.Name;
            }
        }

        throw new InvalidOperationException($"{typeof(T).Name}.{value} has no stored name");
    }

    public T Read(string text)
    {
        foreach (var name in names)
        {
            if (string.Equals(name.Name, text, StringComparison.Ordinal))
            {
                return name.Value;
            }
        }

        throw new FormatException($"{column} \"{text}\" is not one of {string.Join(", ", names.Select(n => n.Name))}");
    }
}
