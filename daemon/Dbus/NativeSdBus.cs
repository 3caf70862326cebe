using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// sd-bus of libsystemd.so.0, as sd-bus(3) and the pages it names describe it. A bus and its messages are not thread-safe: one thread uses all
/// that come from one bus. What returns int returns a negative errno on failure. Without the variadic functions, which differ by platform.
/// </summary>
internal static unsafe partial class NativeSdBus
{
    public const int Ebadmsg = 74;

    /// <summary>No timeout, for <see cref="CallAsync"/> and from <see cref="GetTimeout"/>.</summary>
    public const ulong Forever = ulong.MaxValue;

    private const string Library = "libsystemd.so.0";

    /// <summary>struct sd_bus_error of sd-bus.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BusError
    {
        public byte* Name;
        public byte* Message;
        public int NeedFree;
    }

    /// <summary>The caller owns one reference, in a bus that is not connected yet.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_new")]
    public static partial int New(out SdBusHandle bus);

    [LibraryImport(Library, EntryPoint = "sd_bus_set_address", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetAddress(SdBusHandle bus, string address);

    [LibraryImport(Library, EntryPoint = "sd_bus_set_bus_client")]
    public static partial int SetBusClient(SdBusHandle bus, int client);

    /// <summary>Whether file descriptors may be sent; before the bus is started.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_negotiate_fds")]
    public static partial int NegotiateFds(SdBusHandle bus, int yes);

    /// <summary>Begins to connect; <see cref="Process"/> goes on with it.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_start")]
    public static partial int Start(SdBusHandle bus);

    [LibraryImport(Library, EntryPoint = "sd_bus_close")]
    public static partial void Close(SdBusHandle bus);

    /// <summary>The descriptor stays the bus's.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_get_fd")]
    public static partial int GetFd(SdBusHandle bus);

    [LibraryImport(Library, EntryPoint = "sd_bus_get_events")]
    public static partial int GetEvents(SdBusHandle bus);

    /// <summary>Absolute, in µs of CLOCK_MONOTONIC.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_get_timeout")]
    public static partial int GetTimeout(SdBusHandle bus, out ulong microseconds);

    /// <summary>1 where it did something and there may be more to do.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_process")]
    public static partial int Process(SdBusHandle bus, nint none);

    [LibraryImport(Library, EntryPoint = "sd_bus_get_n_queued_write")]
    public static partial int GetQueuedWrite(SdBusHandle bus, out ulong messages);

    /// <summary>The slot is the bus's where none is asked for.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_add_fallback", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AddFallback(SdBusHandle bus, nint noSlot, string prefix, delegate* unmanaged[Cdecl]<nint, nint, nint, int> handler, nint userData);

    [LibraryImport(Library, EntryPoint = "sd_bus_add_filter")]
    public static partial int AddFilter(SdBusHandle bus, nint noSlot, delegate* unmanaged[Cdecl]<nint, nint, nint, int> handler, nint userData);

    /// <summary>The handler is called once, also where the bus goes away; not where it is freed before.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_call_async")]
    public static partial int CallAsync(
        SdBusHandle bus, nint noSlot, SdBusMessageHandle message, delegate* unmanaged[Cdecl]<nint, nint, nint, int> handler, nint userData, ulong microseconds);

    [LibraryImport(Library, EntryPoint = "sd_bus_send")]
    public static partial int Send(SdBusHandle bus, SdBusMessageHandle message, nint noCookie);

    /// <summary>The caller owns one reference.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_new_method_call", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int NewMethodCall(SdBusHandle bus, out SdBusMessageHandle message, string destination, string path, string @interface, string member);

    /// <summary>The caller owns one reference.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_new_method_return")]
    public static partial int NewMethodReturn(nint call, out SdBusMessageHandle message);

    /// <summary>The caller owns one reference.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_new_method_error")]
    public static partial int NewMethodError(nint call, out SdBusMessageHandle message, in BusError error);

    /// <summary>The caller owns one reference.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_new_signal", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int NewSignal(SdBusHandle bus, out SdBusMessageHandle message, string path, string @interface, string member);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_set_destination", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetDestination(SdBusMessageHandle message, string destination);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_ref")]
    public static partial nint Ref(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_unref")]
    public static partial nint Unref(nint message);

    /// <summary>_SD_BUS_MESSAGE_TYPE_: 1 call, 2 return, 3 error, 4 signal.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_type")]
    public static partial int GetType(nint message, out byte type);

    /// <summary>Borrowed, like the other strings of a message.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_sender")]
    public static partial nint GetSender(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_path")]
    public static partial nint GetPath(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_interface")]
    public static partial nint GetInterface(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_member")]
    public static partial nint GetMember(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_signature")]
    public static partial nint GetSignature(nint message, int complete);

    /// <summary>Borrowed; null where the message is no error.</summary>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_error")]
    public static partial BusError* GetError(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_expect_reply")]
    public static partial int GetExpectReply(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_get_allow_interactive_authorization")]
    public static partial int GetInteractive(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_read_basic")]
    public static partial int ReadBasic(nint message, byte type, void* value);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_peek_type")]
    public static partial int PeekType(nint message, out byte type, out nint contents);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_enter_container")]
    public static partial int EnterContainer(nint message, byte type, byte* contents);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_exit_container")]
    public static partial int ExitContainer(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_skip")]
    public static partial int Skip(nint message, byte* types);

    /// <param name="value">The value itself; for 's', 'o' and 'g' the char*.</param>
    [LibraryImport(Library, EntryPoint = "sd_bus_message_append_basic")]
    public static partial int AppendBasic(SdBusMessageHandle message, byte type, void* value);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_open_container", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenContainer(SdBusMessageHandle message, byte type, string contents);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_close_container")]
    public static partial int CloseContainer(SdBusMessageHandle message);

    /// <summary>The session that a process is in, sd_pid_get_session(3); the caller frees it with free(3).</summary>
    [LibraryImport(Library, EntryPoint = "sd_pid_get_session")]
    public static partial int PidGetSession(int pid, out nint session);

    [LibraryImport(Library, EntryPoint = "sd_bus_unref")]
    private static partial nint UnrefBus(nint bus);

    /// <summary>Copies a borrowed string; empty for none.</summary>
    public static string Text(nint borrowed) => Marshal.PtrToStringUTF8(borrowed) ?? "";

    /// <exception cref="BusException">The call failed.</exception>
    public static int Check(int result, string what) => result >= 0 ? result : throw BusException.OfErrno(-result, what);

    internal sealed class SdBusHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = UnrefBus(handle);
            return true;
        }
    }

    internal sealed class SdBusMessageHandle() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _ = Unref(handle);
            return true;
        }
    }
}
