// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>One owned reference to a virConnectPtr.</summary>
internal sealed class ConnectHandle : SafeHandle
{
    public ConnectHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// Whether the connection was closed by either side. Asks this side only, and is safe against another thread disposing the handle.
    /// Resets the thread's last error. Source: virConnectIsAlive.
    /// </summary>
    internal bool IsDead()
    {
        var held = false;
        try
        {
            DangerousAddRef(ref held);
            return NativeLibvirt.virConnectIsAlive(handle) == 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        using var error = new LastErrorKept();
        return NativeLibvirt.virConnectClose(handle) >= 0;
    }
}
