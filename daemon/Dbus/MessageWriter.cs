using System.Text;
using Microsoft.Win32.SafeHandles;
using static UsbHostd.Daemon.Dbus.NativeSdBus;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Appends to a message that is not sent yet; on the bus's thread only.</summary>
internal readonly unsafe struct MessageWriter(SdBusMessageHandle message)
{
    /// <summary>Any text: what the bus would refuse is replaced.</summary>
    public void String(string text) => Bytes((byte)'s', DbusText.Valid(text));

    /// <param name="path">Made of ids of ours: always valid.</param>
    public void Path(string path) => Bytes((byte)'o', path);

    public void Bool(bool value)
    {
        var four = value ? 1 : 0;
        Basic('b', &four);
    }

    public void UInt32(uint value) => Basic('u', &value);

    public void UInt64(ulong value) => Basic('t', &value);

    public void Double(double value) => Basic('d', &value);

    /// <summary>The message has a duplicate of its own.</summary>
    public void Descriptor(SafeFileHandle file)
    {
        var number = (int)file.DangerousGetHandle();
        Basic('h', &number);
        GC.KeepAlive(file);
    }

    /// <param name="type">'a', 'r' for a struct, 'e' for an entry of a dictionary, or 'v'.</param>
    public void Container(char type, string contents, Action<MessageWriter> write)
    {
        Open(type, contents);
        write(this);
        Close();
    }

    public void Open(char type, string contents) => Check(OpenContainer(message, (byte)type, contents), $"opening {type} of {contents}");

    public void Close() => Check(CloseContainer(message), "closing a container");

    /// <summary>An entry of a{sv} with a string.</summary>
    public void Entry(string key, string text) => Entry(key, "s", w => w.String(text));

    public void Entry(string key, string signature, Action<MessageWriter> write)
    {
        Open('e', "sv");
        String(key);
        Open('v', signature);
        write(this);
        Close();
        Close();
    }

    private void Bytes(byte type, string text)
    {
        // Closed by a NUL, as the char* that sd-bus wants.
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        fixed (byte* pointer = bytes)
        {
            Check(AppendBasic(message, type, pointer), "appending a string");
        }
    }

    private void Basic(char type, void* value) => Check(AppendBasic(message, (byte)type, value), "appending a value");
}
