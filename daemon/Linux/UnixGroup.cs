// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;

namespace UsbHostd.Daemon.Linux;

/// <summary>A group of the host by its name in the configuration.</summary>
internal static unsafe partial class UnixGroup
{
    /// <summary>Null for an empty name. Called at start-up only: getgrnam(3) is not for several threads.</summary>
    /// <exception cref="IOException">There is no such group.</exception>
    public static uint? Find(string name)
    {
        if (name.Length == 0)
        {
            return null;
        }

        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var gid))
        {
            return gid;
        }

        var group = GetGrNam(name);
        return group != null ? group->Gid : throw new IOException($"there is no group {name}: sudo groupadd --system {name}");
    }

    [LibraryImport("libc", EntryPoint = "getgrnam", StringMarshalling = StringMarshalling.Utf8)]
    private static partial Group* GetGrNam(string name);

    // The beginning of struct group (getgrnam(3)).
    [StructLayout(LayoutKind.Sequential)]
    private struct Group
    {
        public nint Name;
        public nint Password;
        public uint Gid;
    }
}
