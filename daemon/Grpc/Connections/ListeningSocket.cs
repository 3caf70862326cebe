// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Grpc.Connections;

/// <summary>Makes the unix socket that a door listens on: one daemon, mode 0660, the right group, before anybody can connect.</summary>
internal static partial class ListeningSocket
{
    // rw-rw----
    private const uint Mode = 0x1b0;

    private const uint KeepOwner = uint.MaxValue;

    /// <summary>Binds, but does not listen: until somebody does, connecting is refused, so that mode and group are set in time.</summary>
    /// <param name="gid">Null leaves the group as it is.</param>
    /// <exception cref="IOException">Another daemon answers there, or the path can't be used; the message says which.</exception>
    public static Socket Bind(string path, uint? gid, ILogger logger)
    {
        RemoveStale(path, logger);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            Check(Chmod(path, Mode), $"can't set the mode of {path}");
            if (gid is { } group)
            {
                Check(Chown(path, KeepOwner, group), $"can't give {path} to group {group}, of which the daemon's user must be a member");
            }

            return socket;
        }
        catch (Exception failure)
        {
            socket.Dispose();
            if (failure is SocketException refused)
            {
                throw new IOException($"can't make the socket {path}: {refused.Message}", refused);
            }

            throw;
        }
    }

    private static void RemoveStale(string path, ILogger logger)
    {
        if (!Path.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            ConnectionLog.StaleSocket(logger, path);
            return;
        }
        catch (SocketException refused)
        {
            throw new IOException($"{path} is in the way: {refused.Message}", refused);
        }

        throw new IOException($"another usbhostd is running: it answers at {path}");
    }

    // Connecting to a file that is no socket is refused too, and such a file is not ours to delete.
    private static bool IsSocket(string path) =>
        new FileInfo(path) is { Length: 0, LinkTarget: null } file && !file.Attributes.HasFlag(FileAttributes.Directory);

    private static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw new IOException($"{what}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    [LibraryImport("libc", EntryPoint = "chmod", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Chmod(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Chown(string path, uint owner, uint group);
}
