using static UsbHostd.Daemon.Dbus.NativeSdBus;

namespace UsbHostd.Daemon.Dbus;

/// <summary>A value of a variant: its signature, and what it holds where it is a basic type or an array of strings; null for all others.</summary>
internal sealed record DbusVariant(string Signature, object? Value);

/// <summary>Reads a message's body in order; on the bus's thread only, in a callback or on a message that is kept.</summary>
internal readonly unsafe struct MessageReader(nint message)
{
    /// <summary>More than any call of ours has, and few enough to cost nothing.</summary>
    public const int MostEntries = 1024;

    public string Signature => NativeSdBus.Text(GetSignature(message, 1));

    public string String() => Bytes('s');

    /// <summary>A string or a path, whichever is next.</summary>
    public string Text()
    {
        Check(PeekType(message, out var type, out _), "reading a text");
        return Bytes((char)type);
    }

    /// <summary>The same, in an array of them; false at its end.</summary>
    public bool TryText(out string text)
    {
        text = Check(PeekType(message, out _, out _), "reading a text") > 0 ? Text() : "";
        return text.Length > 0;
    }

    public bool Bool()
    {
        int value;
        Read('b', &value);
        return value != 0;
    }

    public uint UInt32()
    {
        uint value;
        Read('u', &value);
        return value;
    }

    public ulong UInt64()
    {
        ulong value;
        Read('t', &value);
        return value;
    }

    /// <summary>Enters a container; false at the end of the one it is in.</summary>
    /// <param name="contents">Of the container: <c>{sv}</c> for an array of such entries.</param>
    public bool Enter(char type, string contents)
    {
        fixed (byte* signature = System.Text.Encoding.ASCII.GetBytes(contents + '\0'))
        {
            return Check(EnterContainer(message, (byte)type, signature), "entering a container") > 0;
        }
    }

    public void Exit() => Check(ExitContainer(message), "leaving a container");

    /// <summary>a{sv}, each as far as it is of a type that any option of ours has.</summary>
    /// <exception cref="FormatException">A key is there twice, or there are too many.</exception>
    public Dictionary<string, DbusVariant> Options()
    {
        var options = new Dictionary<string, DbusVariant>(StringComparer.Ordinal);
        Enter('a', "{sv}");
        while (Enter('e', "sv"))
        {
            var key = String();
            if (options.Count == MostEntries)
            {
                throw new FormatException($"found more than {MostEntries} options");
            }

            if (!options.TryAdd(key, Variant()))
            {
                throw new FormatException("found an option twice");
            }

            Exit();
        }

        Exit();
        return options;
    }

    public DbusVariant Variant()
    {
        Check(PeekType(message, out _, out var contents), "reading a variant");
        var signature = NativeSdBus.Text(contents);
        Enter('v', signature);
        object? value = signature switch
        {
            "s" or "o" or "g" => Bytes(signature[0]),
            "b" => Bool(),
            "u" => UInt32(),
            "t" => UInt64(),
            "as" => Strings(),
            _ => SkipOne(signature),
        };
        Exit();
        return new DbusVariant(signature, value);
    }

    /// <exception cref="FormatException">There are too many.</exception>
    public List<string> Strings()
    {
        var strings = new List<string>();
        Enter('a', "s");
        nint text;
        while (Check(ReadBasic(message, (byte)'s', &text), "reading a string") > 0)
        {
            if (strings.Count == MostEntries)
            {
                throw new FormatException($"found more than {MostEntries} strings in one option");
            }

            strings.Add(NativeSdBus.Text(text));
        }

        Exit();
        return strings;
    }

    /// <summary>The numbers of an au; for credentials.</summary>
    public List<uint> Numbers()
    {
        var numbers = new List<uint>();
        Enter('a', "u");
        uint number;
        while (Check(ReadBasic(message, (byte)'u', &number), "reading a number") > 0)
        {
            numbers.Add(number);
        }

        Exit();
        return numbers;
    }

    /// <summary>Passes over a value.</summary>
    /// <returns>null.</returns>
    public object? SkipOne(string signature)
    {
        fixed (byte* types = System.Text.Encoding.ASCII.GetBytes(signature + '\0'))
        {
            Check(Skip(message, types), "passing over a value");
        }

        return null;
    }

    /// <summary>Of the next value; of a variant, that of what is in it.</summary>
    public string PeekVariant()
    {
        Check(PeekType(message, out _, out var contents), "reading a variant");
        return NativeSdBus.Text(contents);
    }

    private string Bytes(char type)
    {
        nint text;
        Read(type, &text);
        return NativeSdBus.Text(text);
    }

    private void Read(char type, void* value)
    {
        if (Check(ReadBasic(message, (byte)type, value), "reading a value") == 0)
        {
            throw BusException.OfErrno(Ebadmsg, "reading a value");
        }
    }
}
