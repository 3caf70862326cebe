using System.Buffers;
using System.Globalization;
using System.Text;

namespace UsbHostd.Api.Grpc;

/// <summary>The text forms of gRPC's headers and trailers.</summary>
public static class GrpcText
{
    private const long TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;

    /// <summary>The largest number that <c>grpc-timeout</c> can carry: eight digits.</summary>
    private const long MaxTimeoutDigits = 99_999_999;

    /// <summary>
    /// <c>grpc-message</c>: UTF-8 in which every byte outside printable ASCII, and the percent sign, stands as <c>%XX</c>.
    /// </summary>
    /// <param name="limit">Bytes of the result; what is longer is cut between two characters.</param>
    public static string EncodeMessage(string message, int limit = 2048)
    {
        ArgumentNullException.ThrowIfNull(message);
        var text = new StringBuilder(Math.Min(limit, message.Length + 16));
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in message.EnumerateRunes())
        {
            var before = text.Length;
            foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                if (value is >= 0x20 and <= 0x7e and not (byte)'%')
                {
                    text.Append((char)value);
                }
                else
                {
                    text.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
                }
            }

            if (text.Length > limit)
            {
                text.Length = before;
                break;
            }
        }

        return text.ToString();
    }

    /// <summary>Undoes <see cref="EncodeMessage"/>; a percent sign that begins no code stands for itself. Never throws.</summary>
    public static string DecodeMessage(string encoded)
    {
        ArgumentNullException.ThrowIfNull(encoded);
        if (!encoded.Contains('%', StringComparison.Ordinal))
        {
            return encoded;
        }

        var utf8 = new ArrayBufferWriter<byte>(encoded.Length);
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length
                && byte.TryParse(encoded.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                utf8.Write([value]);
                i += 2;
            }
            else
            {
                Encoding.UTF8.GetBytes(encoded.AsSpan(i, 1), utf8);
            }
        }

        return Encoding.UTF8.GetString(utf8.WrittenSpan);
    }

    /// <summary><c>grpc-timeout</c>: at most eight digits and a unit, for example <c>1500m</c> for 1.5 s. Rounded up, never below 1 µs.</summary>
    public static string EncodeTimeout(TimeSpan timeout)
    {
        var micros = Math.Max(1, (timeout.Ticks + TicksPerMicrosecond - 1) / TicksPerMicrosecond);
        if (micros <= MaxTimeoutDigits)
        {
            return micros.ToString(CultureInfo.InvariantCulture) + "u";
        }

        var millis = (micros + 999) / 1000;
        return millis <= MaxTimeoutDigits
            ? millis.ToString(CultureInfo.InvariantCulture) + "m"
            : Math.Min(MaxTimeoutDigits, (millis + 999) / 1000).ToString(CultureInfo.InvariantCulture) + "S";
    }

    /// <summary>Reads <c>grpc-timeout</c>; false where it is not one.</summary>
    public static bool TryDecodeTimeout(string? text, out TimeSpan timeout)
    {
        timeout = default;
        if (text is not { Length: >= 2 and <= 9 }
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        // Eight digits of hours fit 64 bits of ticks: 1e8 × 3.6e10 = 3.6e18.
        long? ticks = text[^1] switch
        {
            'H' => value * TimeSpan.TicksPerHour,
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TicksPerMicrosecond,
            'n' => value / 100,
            _ => null,
        };
        timeout = TimeSpan.FromTicks(ticks ?? 0);
        return ticks is not null;
    }
}
