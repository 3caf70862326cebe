// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Daemon.Linux;

/// <summary>
/// Looks up the users and groups that rules name, once, when they are read: a caller is later held against numbers only. A name that
/// the host does not know lets nobody in.
/// </summary>
internal static unsafe partial class AccountNames
{
    private const int LargestEntry = 1 << 20;

    // <errno.h>
    private const int Erange = 34;

    public static ImmutableDictionary<string, uint> Users(IEnumerable<Rule> rules) =>
        Found(rules.SelectMany(r => r.Owners), static (string name, Account* account, byte* buffer, nuint size, Account** found) => GetPwNam(name, account, buffer, size, found));

    public static ImmutableDictionary<string, uint> Groups(IEnumerable<Rule> rules) =>
        Found(rules.SelectMany(r => r.Groups), static (string name, Account* account, byte* buffer, nuint size, Account** found) => GetGrNam(name, account, buffer, size, found));

    /// <summary>Null where the host knows no such user.</summary>
    public static uint? User(string name) => IdOf(name, static (name, account, buffer, size, found) => GetPwNam(name, account, buffer, size, found));

    /// <summary>Null where the host knows no such group.</summary>
    public static uint? Group(string name) => IdOf(name, static (name, account, buffer, size, found) => GetGrNam(name, account, buffer, size, found));

    private delegate int LookUp(string name, Account* account, byte* buffer, nuint size, Account** found);

    private static ImmutableDictionary<string, uint> Found(IEnumerable<string> names, LookUp lookUp)
    {
        var found = ImmutableDictionary.CreateBuilder<string, uint>(StringComparer.Ordinal);
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            if (IdOf(name, lookUp) is { } id)
            {
                found[name] = id;
            }
        }

        return found.ToImmutable();
    }

    private static uint? IdOf(string name, LookUp lookUp)
    {
        // The C library would look up what stands before a NUL.
        if (name.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        for (var size = 4096; size <= LargestEntry; size *= 4)
        {
            var buffer = new byte[size];
            Account account;
            Account* found;
            fixed (byte* start = buffer)
            {
                if (lookUp(name, &account, start, (nuint)size, &found) != Erange)
                {
                    return found is null ? null : found->Id;
                }
            }
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetPwNam(string name, Account* account, byte* buffer, nuint size, Account** found);

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetGrNam(string name, Account* account, byte* buffer, nuint size, Account** found);

    // struct passwd and struct group begin alike (getpwnam(3), getgrnam(3)); the rest is room for the longer one.
    [StructLayout(LayoutKind.Sequential)]
    private struct Account
    {
        public nint Name;
        public nint Password;
        public uint Id;
        public uint Padding;
        public fixed ulong Rest[5];
    }
}
