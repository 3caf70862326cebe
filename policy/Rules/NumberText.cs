// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace UsbHostd.Policy.Rules;

/// <summary>
/// Numbers and times as the C library reads them for USBGuard, strtod(3) and strptime(3): as much of the text as fits, and what
/// follows is passed over. The seconds are what its man page says, where USBGuard's own code takes them for a time since 1970.
/// </summary>
internal static class NumberText
{
    /// <summary>The last second whose year fits an int.</summary>
    private const long LastSecond = 67_768_036_191_676_799;

    /// <summary>What a <see cref="TimeSpan"/> holds, in whole seconds.</summary>
    private const long MostSeconds = long.MaxValue / TimeSpan.TicksPerSecond;

    public static bool TryTimeOfDay(ReadOnlySpan<char> text, out TimeOnly time, out int read)
    {
        time = default;
        if (!TryClock(text, out var hours, out var minutes, out var seconds, out read))
        {
            return false;
        }

        time = new TimeOnly(hours, minutes, (int)Math.Min(seconds, 59));
        return true;
    }

    public static bool TryDuration(ReadOnlySpan<char> text, out TimeSpan duration, out int read)
    {
        if (TryClock(text, out var hours, out var minutes, out var seconds, out read))
        {
            seconds += (3600 * hours) + (60 * minutes);
        }
        else
        {
            read = 0;
            if (!TrySeconds(text, ref read, out seconds) || seconds > LastSecond)
            {
                duration = default;
                return false;
            }
        }

        duration = TimeSpan.FromSeconds(Math.Min(seconds, MostSeconds));
        return true;
    }

    /// <summary>strtod(3), and what std::stod refuses of it: a number too great or too small.</summary>
    public static bool TryDouble(ReadOnlySpan<char> text, out double number, out int read)
    {
        read = 0;
        while (read < text.Length && IsSpace(text[read]))
        {
            read++;
        }

        var negative = read < text.Length && text[read] == '-';
        read += read < text.Length && text[read] is '-' or '+' ? 1 : 0;
        var rest = text[read..];
        if (TryNamed(rest, out number, out var length))
        {
            read += length;
        }
        else
        {
            length = IsHex(rest) ? ReadHex(rest, out number) : ReadDecimal(rest, out number);
            read += length;
            if (length == 0 || double.IsInfinity(number) || double.IsSubnormal(number) || (number == 0 && !IsZero(rest[..length])))
            {
                return false;
            }
        }

        number = negative ? -number : number;
        return true;
    }

    /// <summary>%H:%M and perhaps :%s.</summary>
    private static bool TryClock(ReadOnlySpan<char> text, out int hours, out int minutes, out long seconds, out int read)
    {
        (read, minutes, seconds) = (0, 0, 0);
        if (!TryTwoDigits(text, ref read, 23, out hours) || read == text.Length || text[read++] != ':' || !TryTwoDigits(text, ref read, 59, out minutes))
        {
            return false;
        }

        var at = read + 1;
        if (read < text.Length && text[read] == ':' && TrySeconds(text, ref at, out seconds))
        {
            read = at;
        }

        return true;
    }

    /// <summary>One or two digits: a second one that would lead beyond what is allowed is left for what follows.</summary>
    private static bool TryTwoDigits(ReadOnlySpan<char> text, ref int at, int most, out int value)
    {
        value = 0;
        while (at < text.Length && IsSpace(text[at]))
        {
            at++;
        }

        if (at == text.Length || !char.IsAsciiDigit(text[at]))
        {
            return false;
        }

        value = text[at++] - '0';
        if (value * 10 <= most && at < text.Length && char.IsAsciiDigit(text[at]))
        {
            value = (value * 10) + text[at++] - '0';
        }

        return value <= most;
    }

    /// <summary>isspace(3).</summary>
    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');

    private static bool TrySeconds(ReadOnlySpan<char> text, ref int at, out long seconds)
    {
        var from = at;
        seconds = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            seconds = Math.Min((seconds * 10) + text[at++] - '0', long.MaxValue / 100);
        }

        return at > from;
    }

    private static bool TryNamed(ReadOnlySpan<char> text, out double number, out int length)
    {
        var isNan = text.StartsWith("nan", StringComparison.OrdinalIgnoreCase);
        var isInfinity = text.StartsWith("inf", StringComparison.OrdinalIgnoreCase);
        (number, length) = (isNan ? double.NaN : double.PositiveInfinity, text.StartsWith("infinity", StringComparison.OrdinalIgnoreCase) ? 8 : 3);
        return isNan || isInfinity;
    }

    /// <summary>Whether all digits before the exponent are 0.</summary>
    private static bool IsZero(ReadOnlySpan<char> number)
    {
        var isHex = IsHex(number);
        var digits = isHex ? number[2..] : number;
        var exponent = digits.IndexOfAny(isHex ? "pP" : "eE");
        return !(exponent < 0 ? digits : digits[..exponent]).ContainsAnyExcept('0', '.');
    }

    private static int ReadDecimal(ReadOnlySpan<char> text, out double number)
    {
        number = 0;
        var end = Digits(text, 0, char.IsAsciiDigit);
        var digits = end;
        if (end < text.Length && text[end] == '.')
        {
            var fraction = Digits(text, end + 1, char.IsAsciiDigit);
            digits += fraction - end - 1;
            end = fraction;
        }

        if (digits == 0)
        {
            return 0;
        }

        end = Exponent(text, end, 'e');
        return double.TryParse(text[..end], NumberStyles.Float, CultureInfo.InvariantCulture, out number) ? end : 0;
    }

    private static bool IsHex(ReadOnlySpan<char> text) =>
        text.Length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x' && (char.IsAsciiHexDigit(text[2]) || (text.Length > 3 && text[2] == '.' && char.IsAsciiHexDigit(text[3])));

    private static int ReadHex(ReadOnlySpan<char> text, out double number)
    {
        (number, var scale, var point) = (0, 0, false);
        var end = 2;
        for (; end < text.Length && (char.IsAsciiHexDigit(text[end]) || (text[end] == '.' && !point)); end++)
        {
            if (text[end] == '.')
            {
                point = true;
                continue;
            }

            number = (number * 16) + RuleScanner.HexValue(text[end]);
            scale -= point ? 4 : 0;
        }

        var from = end;
        end = Exponent(text, end, 'p');
        if (end > from)
        {
            scale += int.TryParse(text[(from + 1)..end], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power) ? power : text[from + 1] == '-' ? -100_000 : 100_000;
        }

        number = Math.ScaleB(number, scale);
        return end;
    }

    /// <summary>Where an exponent ends that begins here; here, where none does.</summary>
    private static int Exponent(ReadOnlySpan<char> text, int at, char letter)
    {
        if (at >= text.Length || (text[at] | 0x20) != letter)
        {
            return at;
        }

        var digits = at + 1 < text.Length && text[at + 1] is '+' or '-' ? at + 2 : at + 1;
        var end = Digits(text, digits, char.IsAsciiDigit);
        return end > digits ? end : at;
    }

    private static int Digits(ReadOnlySpan<char> text, int from, Func<char, bool> isDigit)
    {
        while (from < text.Length && isDigit(text[from]))
        {
            from++;
        }

        return from;
    }
}
