using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Policy.Rules.Import;

/// <summary>
/// The whitelist that OpenStack Nova's proposal of USB passthrough has in nova.conf: <c>usb_passthrough_whitelist = [{"vendor":
/// "0x136b", "product": "0x0003", "bus": "2", "device": "2"}]</c>, with <c>usb_passthrough = on</c>, off by default, as its switch.
/// </summary>
public static class OpenStackWhitelist
{
    private const string Switch = "usb_passthrough";
    private const string List = "usb_passthrough_whitelist";
    private const int MostDevices = 10_000;

    /// <summary>
    /// Makes a rule of each entry: <c>allow id 136b:0003 via-port "2-1.4"</c>. A device number means the device that has it now, so it
    /// becomes the port that this is plugged into; a bus alone becomes <c>on-bus</c>. Off imports nothing, and a note says so.
    /// </summary>
    /// <param name="text">nova.conf, or just these lines of it.</param>
    /// <param name="at">The device with this bus and device number: its port, <c>2-1.4</c>, and its id; null where there is none now.</param>
    public static bool TryImport(
        string text, Func<int, int, (string Port, UsbId Id)?> at, [NotNullWhen(true)] out Imported? imported, [NotNullWhen(false)] out string? error)
    {
        imported = null;
        if (!TrySettings(text, out var isOn, out var lists, out error))
        {
            return false;
        }

        if (!isOn)
        {
            imported = new Imported([], [$"{Switch} is off, as it is where nothing is said: nothing is imported; write '{Switch} = on' to import the list"]);
            return true;
        }

        var rules = ImmutableArray.CreateBuilder<Rule>();
        foreach (var (line, list) in lists)
        {
            if (!TryList(list, at, rules, out error))
            {
                error = $"line {line}: {List}: {error}";
                return false;
            }
        }

        imported = new Imported(rules.DrainToImmutable(), lists.Count == 0 ? [$"there is no {List}: nothing is imported"] : []);
        return true;
    }

    /// <summary>As oslo.config reads them: <c>key = value</c>, <c>#</c> and <c>;</c> begin a comment, an indented line goes on with the value.</summary>
    private static bool TrySettings(string text, out bool isOn, out List<(int Line, string Value)> lists, [NotNullWhen(false)] out string? error)
    {
        (isOn, lists, error) = (false, [], null);
        foreach (var (line, key, value) in Settings(text))
        {
            if (key == List)
            {
                lists.Add((line, value));
            }
            else if (key == Switch && Truth(value) is { } told)
            {
                isOn = told;
            }
            else if (key == Switch)
            {
                error = $"line {line}: {Switch} is '{Short(value)}', expected on or off";
                return false;
            }
        }

        return true;
    }

    private static List<(int Line, string Key, string Value)> Settings(string text)
    {
        List<(int, string, string)> settings = [];
        var (number, began, key, value) = (0, 0, "", new StringBuilder());
        foreach (var line in text.Split('\n').Append("end ="))
        {
            number++;
            if (line.TrimStart() is "" or ['#' or ';', ..])
            {
                continue;
            }

            if (line[0] is ' ' or '\t' && key.Length > 0)
            {
                value.Append(' ').Append(line.Trim());
                continue;
            }

            if (key.Length > 0)
            {
                settings.Add((began, key, value.ToString()));
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            (began, key) = (number, equals < 0 ? "" : line[..equals].Trim());
            value.Clear().Append(equals < 0 ? "" : line[(equals + 1)..].Trim());
        }

        return settings;
    }

    private static bool? Truth(string value) => value.ToUpperInvariant() switch
    {
        "ON" or "TRUE" or "YES" or "1" => true,
        "OFF" or "FALSE" or "NO" or "0" => false,
        _ => null,
    };

    private static bool TryList(string json, Func<int, int, (string Port, UsbId Id)?> at, ImmutableArray<Rule>.Builder rules, [NotNullWhen(false)] out string? error)
    {
        error = null;
        try
        {
            using var list = JsonDocument.Parse(json);
            if (list.RootElement.ValueKind != JsonValueKind.Array || list.RootElement.GetArrayLength() > MostDevices)
            {
                error = $"expected a list of at most {MostDevices} devices: [{{\"vendor\": \"0x136b\", \"product\": \"0x0003\"}}]";
                return false;
            }

            foreach (var entry in list.RootElement.EnumerateArray())
            {
                if (!TryEntry(entry, at, out var rule, out var fault))
                {
                    error = $"entry {entry.GetRawText() switch { { Length: > 120 } raw => raw[..120] + "...", var raw => raw }}: {fault}";
                    return false;
                }

                rules.Add(rule);
            }

            return true;
        }
        catch (JsonException malformed)
        {
            error = $"not JSON: {malformed.Message}";
            return false;
        }
    }

    private static bool TryEntry(
        JsonElement entry, Func<int, int, (string Port, UsbId Id)?> at, [NotNullWhen(true)] out Rule? rule, [NotNullWhen(false)] out string? fault)
    {
        rule = null;
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        if (!TryNumbers(entry, numbers, out fault))
        {
            return false;
        }

        if (!numbers.TryGetValue("vendor", out var vendor))
        {
            fault = "has no vendor, and would allow whatever anybody makes; name it";
            return false;
        }

        var made = new Rule
        {
            Target = RuleTarget.Allow,
            Id = One(new UsbIdPattern((ushort)vendor, numbers.TryGetValue("product", out var product) ? (ushort)product : null)),
        };
        var hasBus = numbers.TryGetValue("bus", out var bus);
        if (!numbers.TryGetValue("device", out var device))
        {
            rule = hasBus ? made with { OnBus = One(bus) } : made;
            return true;
        }

        if (!hasBus)
        {
            fault = "has a device number without a bus number, which is half of an address; give both or neither";
            return false;
        }

        if (at(bus, device) is not { } found)
        {
            fault = $"there is no device {device} on bus {bus} now, and its number will be another one when it comes; plug it in and import again, or name it without device";
            return false;
        }

        if (!made.Id!.Values[0].Matches(found.Id))
        {
            fault = $"device {device} on bus {bus} is {found.Id} now, not the device that the list means; plug that one in and give its number, or name it without device";
            return false;
        }

        rule = made with { ViaPort = One(found.Port) };
        return true;
    }

    private static bool TryNumbers(JsonElement entry, Dictionary<string, int> numbers, [NotNullWhen(false)] out string? fault)
    {
        fault = entry.ValueKind == JsonValueKind.Object ? null : "expected an object with vendor, product, bus and device";
        if (fault is not null)
        {
            return false;
        }

        foreach (var property in entry.EnumerateObject())
        {
            var isHex = property.Name is "vendor" or "product";
            var text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : "";
            if (!isHex && property.Name is not ("bus" or "device"))
            {
                fault = $"has '{Short(property.Name)}', expected only vendor, product, bus and device";
            }
            else if (!TryNumber(text, isHex, out var number))
            {
                fault = $"{property.Name} is {Short(property.Value.GetRawText())}, expected {(isHex ? "four hex digits as a string, \"0x136b\"" : "a decimal number from 1 to 999 as a string, \"2\"")}";
            }
            else if (!numbers.TryAdd(property.Name, number))
            {
                fault = $"has {property.Name} twice";
            }

            if (fault is not null)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryNumber(string text, bool isHex, out int number)
    {
        if (!isHex)
        {
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is >= 1 and <= 999;
        }

        var digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) && digits.Length is >= 1 and <= 4;
    }

    private static string Short(string text) => text.Length <= 80 ? text : text[..80] + "...";

    private static RuleAttribute<T> One<T>(T value) => new(SetOperator.Equals, [value], IsSet: false);
}
