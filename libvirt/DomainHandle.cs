// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>One owned reference to a virDomainPtr, which itself holds a reference to its connection.</summary>
internal sealed class DomainHandle : SafeHandle
{
    public DomainHandle()
        : base(0, ownsHandle: true)
    {
    }

    /// <summary>Takes over a reference that the caller owns.</summary>
    internal DomainHandle(nint owned)
        : base(0, ownsHandle: true) => SetHandle(owned);

    public override bool IsInvalid => handle == 0;

    /// <summary>As <see cref="ConnectHandle.IsDead"/>, of the domain's connection; false if the domain handle itself was disposed.</summary>
    internal bool IsConnectionDead()
    {
        var held = false;
        try
        {
            DangerousAddRef(ref held);
            return NativeLibvirt.virConnectIsAlive(NativeLibvirt.virDomainGetConnect(handle)) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
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
        return NativeLibvirt.virDomainFree(handle) >= 0;
    }
}
