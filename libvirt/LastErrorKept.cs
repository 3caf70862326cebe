// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>
/// Keeps the calling thread's last libvirt error over calls that reset it. A handle disposed by another thread during a call is released
/// on the calling thread when that call returns, which is before its caller can read the error.
/// </summary>
internal readonly unsafe ref struct LastErrorKept
{
    private readonly NativeLibvirt.VirError* _saved;

    public LastErrorKept() => _saved = NativeLibvirt.virSaveLastError();

    public void Dispose()
    {
        if (_saved is not null)
        {
            _ = NativeLibvirt.virSetError(_saved);
            NativeLibvirt.virFreeError(_saved);
        }
    }
}
