// SPDX-License-Identifier: Apache-2.0
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
/// The proposal also spells them <c>usb_white_list</c> and <c>usb_white_list_switch</c>. All spellings mean the same.
/// </summary>
public static class OpenStackWhitelist
{
    private const int MostDevices = 10_000;

    private static readonly string[] Switches = ["usb_passthrough", "usb_white_list_switch"];
    private static readonly string[] Lists = ["usb_passthrough_whitelist", "usb_white_list"];

    /// <summary>
    /// Makes a rule of each entry: <c>allow id 136b:0003 via-port "2-1.4"</c>. A device number means the device that has it now, so it
    /// becomes the port that this is plugged into; a bus alone becomes <c>on-bus</c>. Where there is no rule, a note says why.
    /// </summary>
    /// <param name="text">nova.conf, or just these lines of it.</param>
    /// <param name="at">The device with this bus and device number: its port, <c>2-1.4</c>, and its id; null where there is none now.</param>
    public static bool TryImport(
        string text, Func<int, int, (string Port, UsbId Id)?> at, [NotNullWhen(true)] out Imported? imported, [NotNullWhen(false)] out string? error)
    {
        imported = null;
        var settings = Settings(text);
        if (!TrySwitch(settings, out var isOn, out error))
        {
            return false;
        }

        var lists = settings.Where(setting => Lists.Contains(setting.Key)).ToList();
        if (lists.Count == 0 || !isOn)
        {
            imported = new Imported([], [WhyNothing(lists)]);
            return true;
        }

        var rules = ImmutableArray.CreateBuilder<Rule>();
        foreach (var (line, key, list) in lists)
        {
            if (!TryList(list, at, rules, out error))
            {
                error = $"line {line}: {key}: {error}";
                return false;
            }
        }

        ImmutableArray<string> notes = rules.Count == 0 ? ["the list is empty"] : [];
        imported = new Imported(rules.DrainToImmutable(), notes);
        return true;
    }

    private static string WhyNothing(List<(int Line, string Key, string Value)> lists) => lists switch
    {
        [] => $"there is no list: neither {Lists[0]} nor {Lists[1]} is set",
        [var (line, key, _), ..] =>
            $"the list {key} in line {line} is switched off, as it is where no switch is set; write '{(key == Lists[1] ? Switches[1] : Switches[0])} = on' to import it",
    };

    /// <summary>Off where nothing is said. One key may be set again, as oslo.config takes the last; two keys must agree.</summary>
    private static bool TrySwitch(List<(int Line, string Key, string Value)> settings, out bool isOn, [NotNullWhen(false)] out string? error)
    {
        (isOn, error) = (false, null);
        var told = new Dictionary<string, (int Line, bool IsOn)>(StringComparer.Ordinal);
        foreach (var (line, key, value) in settings.Where(setting => Switches.Contains(setting.Key)))
        {
            if (Truth(value) is not { } truth)
            {
                error = $"line {line}: {key} is '{Short(value)}', expected on or off";
                return false;
            }

            told[key] = (line, truth);
        }

        isOn = told.Values.Any(t => t.IsOn);
        if (isOn && told.FirstOrDefault(t => !t.Value.IsOn) is { Key: { } off } other)
        {
            error = $"line {other.Value.Line}: {off} is off, and the other switch is on; leave one of them out";
            return false;
        }

        return true;
    }

    /// <summary>As oslo.config reads them: <c>key = value</c>, <c>#</c> and <c>;</c> begin a comment, an indented line goes on with the value.</summary>
    private static List<(int Line, string Key, string Value)> Settings(string text)
    {
        List<(int, string, string)> settings = [];
        var (number, began, key, value) = (0, 0, "", new StringBuilder());
        // Editors of other systems put a byte order mark before the first key.
        foreach (var line in text.TrimStart('\ufeff').Split('\n').Append("end ="))
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
