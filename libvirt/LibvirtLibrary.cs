// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>The loaded libvirt client library of this process.</summary>
public static unsafe class LibvirtLibrary
{
    private static readonly Lock Gate = new();
    private static bool s_initialized;

    /// <summary>Version of the client library, for example 9.0.0. Source: virGetVersion.</summary>
    /// <exception cref="DllNotFoundException">The library isn't installed.</exception>
    public static Version Version
    {
        get
        {
            Initialize();
            return NativeLibvirt.virGetVersion(out var version, 0, 0) < 0
                ? throw LibvirtException.FromLastError("virGetVersion")
                : Unpack(version);
        }
    }

    /// <summary>
    /// Loads and initialises the library; every call but the first does nothing. The event implementation is registered here because
    /// libvirt wants it before the first connection: one opened earlier would never deliver an event.
    /// </summary>
    /// <exception cref="DllNotFoundException">The library isn't installed; the message names the package.</exception>
    internal static void Initialize()
    {
        lock (Gate)
        {
            if (s_initialized)
            {
                return;
            }

            Load(NativeLibvirt.Library);
            if (NativeLibvirt.virInitialize() < 0)
            {
                throw LibvirtException.FromLastError("virInitialize");
            }

            // Without a handler libvirt prints every error on stderr, also those that are expected and handled.
            NativeLibvirt.virSetErrorFunc(0, &IgnoreError);
            if (NativeLibvirt.virEventRegisterDefaultImpl() < 0)
            {
                throw LibvirtException.FromLastError("virEventRegisterDefaultImpl");
            }

            s_initialized = true;
        }
    }

    /// <summary>Loads a shared library, or says which package brings libvirt's.</summary>
    internal static void Load(string name)
    {
        try
        {
            _ = NativeLibrary.Load(name, typeof(LibvirtLibrary).Assembly, searchPath: null);
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException(
                $"{name} cannot be loaded. Install libvirt's client library: package libvirt0 (Debian, Ubuntu) or libvirt-libs (Fedora, RHEL).", e);
        }
    }

    /// <summary>Splits libvirt's packed version number, major * 1,000,000 + minor * 1,000 + release.</summary>
    internal static Version Unpack(CULong packed)
    {
        var value = (long)packed.Value;
        return new Version((int)(value / 1_000_000), (int)(value / 1_000 % 1_000), (int)(value % 1_000));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void IgnoreError(nint userData, NativeLibvirt.VirError* error)
    {
    }
}
