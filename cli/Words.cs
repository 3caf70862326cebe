// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli;

/// <summary>How the contract's values read in tables. Nothing here is escaped, but what is named "shown".</summary>
internal static class Words
{
    public const string None = "-";

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The user's own name for it, else what it says it is, else its id pair.</summary>
    public static string Name(Device device)
    {
        if (device.Label.Length > 0)
        {
            return device.Label;
        }

        var (vendor, product) = (device.VendorName.Trim(), device.ProductName.Trim());
        var name = BeginsWith(product, vendor) ? product : $"{vendor} {product}".Trim();
        return name.Length > 0 ? name : UsbId(device);
    }

    /// <summary>Many products begin with their vendor's name, which is then said once, as the daemon's messages do.</summary>
    private static bool BeginsWith(string product, string vendor) =>
        product.StartsWith(vendor, StringComparison.OrdinalIgnoreCase)
        && (product.Length == vendor.Length || !char.IsLetterOrDigit(product[vendor.Length]));

    public static string UsbId(Device device) => $"{device.VendorId}:{device.ProductId}";

    public static string Serial(Device device) => (device.Serial.Length, device.SerialUnique) switch
    {
        (0, _) => None,
        (_, true) => device.Serial,
        _ => device.Serial + " (not unique)",
    };

    /// <summary>Who has the device, in few words.</summary>
    public static string State(Device device)
    {
        if (device.Guest is { } guest)
        {
            return "in " + Name(guest);
        }

        if (device.ClaimId.Length > 0)
        {
            return "claimed";
        }

        if (device.Hub)
        {
            return "hub";
        }

        var use = device.Uses.FirstOrDefault(use => use.Guarded);
        return use is not null ? "host: " + Use(use) : device.Authorized ? "free" : "not authorized";
    }

    /// <summary>What for, where the detail alone does not say so.</summary>
    private static string Use(HostUse use) => use.Kind switch
    {
        HostUse.Types.Kind.Swap => $"swap on {use.Detail}",
        HostUse.Types.Kind.DefaultRoute => $"default route, {use.Detail}",
        HostUse.Types.Kind.LastKeyboard => $"last keyboard, {use.Detail}",
        HostUse.Types.Kind.Exclusive => $"held by the kernel, {use.Detail}",
        _ => use.Detail,
    };

    public static string Name(GuestRef? guest) =>
        guest is null ? None : guest.Name.Length > 0 ? guest.Name : guest.Uuid.Length > 0 ? guest.Uuid : None;

    public static string Shown(GuestRef? guest) => TerminalText.Escape(Name(guest));

    public static string Name(Claim claim) =>
        claim.DeviceName.Length > 0 ? claim.DeviceName : claim.DeviceId.Length > 0 ? claim.DeviceId : claim.Key;

    /// <summary>A claim's device with what tells it apart from others of its kind: <c>DataTraveler 3.0 (serial 4C53…, port 1-4.2)</c>.</summary>
    public static string Named(Claim claim) => Marks(claim.Serial, claim.Port) is { Length: > 0 } marks ? $"{Name(claim)} ({marks})" : Name(claim);

    /// <summary>As <see cref="Named(Claim)"/>, to stand in parentheses itself.</summary>
    public static string Listed(Device device) => Listed(Name(device), Marks(device.Serial, device.Port));

    public static string Listed(DeviceAnswer answer) => Listed(answer.DeviceName, Marks(answer.Serial, answer.Port));

    /// <summary>A value, or a hyphen in a table where there is none.</summary>
    public static string OrNone(string value) => value.Length > 0 ? value : None;

    private static string Listed(string name, string marks) => marks.Length > 0 ? $"{name}, {marks}" : name;

    private static string Marks(string serial, string port) => string.Join(
        ", ", new[] { serial.Length > 0 ? "serial " + serial : "", port.Length > 0 ? "port " + port : "" }.Where(mark => mark.Length > 0));

    public static string Phase(Claim claim) => Kebab(claim.Phase.ToString());

    /// <summary>Whether a claim in this phase has what it wants.</summary>
    public static Tone Tone(Phase phase) => phase switch
    {
        Api.V1.Phase.Attached => Cli.Tone.Good,
        Api.V1.Phase.Held or Api.V1.Phase.Failed => Cli.Tone.Bad,
        Api.V1.Phase.Released => Cli.Tone.Plain,
        _ => Cli.Tone.Pending,
    };

    public static string Reason(Claim claim) =>
        claim.Reason == Api.V1.Reason.Unspecified ? None : Kebab(claim.Reason.ToString());

    /// <summary>"attached" or "held, detached-by-other".</summary>
    public static string Standing(Claim claim) =>
        claim.Reason == Api.V1.Reason.Unspecified ? Phase(claim) : $"{Phase(claim)}, {Reason(claim)}";

    /// <summary>As virsh says it.</summary>
    public static string State(Guest guest) => guest.State switch
    {
        Guest.Types.State.Shutoff => "shut off",
        Guest.Types.State.Running => "running",
        Guest.Types.State.Paused => guest.Starting ? "starting" : "paused",
        Guest.Types.State.Suspended => "pmsuspended",
        Guest.Types.State.ShuttingDown => "in shutdown",
        Guest.Types.State.Crashed => "crashed",
        Guest.Types.State.Undefined => "undefined",
        _ => None,
    };

    public static string Speed(double mbps) => mbps switch
    {
        <= 0 => "",
        >= 1000 => (mbps / 1000).ToString("0.#", CultureInfo.InvariantCulture) + " Gb/s",
        _ => mbps.ToString("0.#", CultureInfo.InvariantCulture) + " Mb/s",
    };

    public static string Time(Timestamp? time) =>
        time?.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    public static string YesNo(bool value) => value ? "yes" : "no";

    /// <summary>"WaitingForDevice" as "waiting-for-device".</summary>
    public static string Kebab(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
