// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace UsbHostd.Libvirt;

/// <summary>
/// One libvirt domain. Safe for use from many threads; each call blocks until the daemon has answered. Every member throws
/// <see cref="LibvirtException"/> when the daemon refuses or doesn't answer: NoSuchDomain once the domain is undefined and off.
/// </summary>
public sealed unsafe class LibvirtDomain : IDisposable
{
    private const uint NoId = uint.MaxValue;

    private readonly DomainHandle _domain;
    private readonly CallGate _calls;

    /// <summary>Takes over the handle.</summary>
    internal LibvirtDomain(DomainHandle domain, CallGate calls)
    {
        _domain = domain;
        _calls = calls;
        Span<byte> uuid = stackalloc byte[16];
        fixed (byte* pointer = uuid)
        {
            _ = Check(NativeLibvirt.virDomainGetUUID(_domain, pointer), "virDomainGetUUID");
        }

        // libvirt's 16 bytes are in the order in which the text is read.
        Uuid = new Guid(uuid, bigEndian: true);
        Name = Marshal.PtrToStringUTF8(NativeLibvirt.virDomainGetName(_domain)) ?? "";
    }

    /// <summary>The UUID, which survives a rename; <c>ToString("D")</c> is libvirt's text. Source: virDomainGetUUID.</summary>
    public Guid Uuid { get; }

    /// <summary>The name when the domain was looked up. Source: virDomainGetName.</summary>
    public string Name { get; }

    /// <summary>
    /// Number of this run of the domain, or null if it was off when looked up; another run has another number until the daemon's host
    /// reboots. Source: virDomainGetID.
    /// </summary>
    public int? Id => NativeLibvirt.virDomainGetID(_domain) is var id && id != NoId ? (int)id : null;

    /// <summary>Whether the domain runs, paused or not. Source: virDomainIsActive.</summary>
    public bool IsActive
    {
        get
        {
            using var turn = _calls.Enter();
            return Check(NativeLibvirt.virDomainIsActive(_domain), "virDomainIsActive") == 1;
        }
    }

    /// <summary>Whether a configuration stays when the domain stops. Source: virDomainIsPersistent.</summary>
    public bool IsPersistent
    {
        get
        {
            using var turn = _calls.Enter();
            return Check(NativeLibvirt.virDomainIsPersistent(_domain), "virDomainIsPersistent") == 1;
        }
    }

    /// <summary>Whether the next start restores a managed save. Source: virDomainHasManagedSaveImage.</summary>
    public bool HasManagedSave
    {
        get
        {
            using var turn = _calls.Enter();
            return Check(NativeLibvirt.virDomainHasManagedSaveImage(_domain, 0), "virDomainHasManagedSaveImage") == 1;
        }
    }

    /// <summary>The state and the reason for it. Source: virDomainGetState.</summary>
    public DomainStatus GetState()
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainGetState(_domain, out var state, out var reason, 0), "virDomainGetState");
        return new DomainStatus((DomainState)state, reason);
    }

    /// <summary>The domain's XML: of the running domain, or of the configuration if it is off. Source: virDomainGetXMLDesc.</summary>
    public string GetXml(DomainXmlFlags flags = DomainXmlFlags.None)
    {
        using var turn = _calls.Enter();
        var xml = NativeLibvirt.virDomainGetXMLDesc(_domain, (uint)flags);
        if (xml == 0)
        {
            throw Failed("virDomainGetXMLDesc");
        }

        try
        {
            return Marshal.PtrToStringUTF8(xml) ?? "";
        }
        finally
        {
            NativeMemory.Free((void*)xml);
        }
    }

    /// <summary>Attaches a device; when this returns, the running domain has it. Source: virDomainAttachDeviceFlags.</summary>
    /// <param name="xml">One device element.</param>
    /// <param name="flags">Running domain, configuration or both.</param>
    /// <exception cref="LibvirtException">Kind DeviceNotFound, DeviceInUse, AmbiguousDevice, NoUsbController, NoFreePort,
    /// DuplicateAddress, DuplicateAlias, DomainNotRunning, NoSupport and others.</exception>
    public void AttachDevice(string xml, DomainDeviceModifyFlags flags)
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainAttachDeviceFlags(_domain, xml, (uint)flags), "virDomainAttachDeviceFlags");
    }

    /// <summary>Detaches the device that the element describes. Source: virDomainDetachDeviceFlags.</summary>
    /// <param name="xml">One device element, with what is needed to find the device.</param>
    /// <param name="flags">Running domain, configuration or both.</param>
    /// <exception cref="LibvirtException">Kind DeviceMissingInGuest: the domain has no such device.</exception>
    public void DetachDevice(string xml, DomainDeviceModifyFlags flags)
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainDetachDeviceFlags(_domain, xml, (uint)flags), "virDomainDetachDeviceFlags");
    }

    /// <summary>
    /// Asks for the removal of the device with the alias. It is gone with <see cref="LibvirtEvent.DeviceRemoved"/>, not when this returns.
    /// Source: virDomainDetachDeviceAlias.
    /// </summary>
    /// <param name="alias">For example <c>ua-example</c>.</param>
    /// <param name="flags">Running domain, configuration or both.</param>
    /// <exception cref="LibvirtException">Kind DeviceMissingInGuest: no device has the alias.</exception>
    public void DetachDeviceAlias(string alias, DomainDeviceModifyFlags flags)
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainDetachDeviceAlias(_domain, alias, (uint)flags), "virDomainDetachDeviceAlias");
    }

    /// <summary>Changes a device that the domain has. Source: virDomainUpdateDeviceFlags.</summary>
    /// <param name="xml">The device element as it shall be.</param>
    /// <param name="flags">Running domain, configuration or both.</param>
    public void UpdateDevice(string xml, DomainDeviceModifyFlags flags)
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainUpdateDeviceFlags(_domain, xml, (uint)flags), "virDomainUpdateDeviceFlags");
    }

    /// <summary>Starts the domain, or restores its managed save. Source: virDomainCreateWithFlags.</summary>
    /// <exception cref="LibvirtException">Kind DomainAlreadyRunning: it runs.</exception>
    public void Create(DomainCreateFlags flags = DomainCreateFlags.None)
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainCreateWithFlags(_domain, (uint)flags), "virDomainCreateWithFlags");
    }

    /// <summary>Lets a paused domain run. Source: virDomainResume.</summary>
    /// <exception cref="LibvirtException">Kind DomainNotRunning: it is off.</exception>
    public void Resume()
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainResume(_domain), "virDomainResume");
    }

    /// <summary>Stops the domain at once, as pulling the plug does; its configuration stays. Source: virDomainDestroy.</summary>
    /// <exception cref="LibvirtException">Kind DomainNotRunning: it is off.</exception>
    public void Destroy()
    {
        using var turn = _calls.Enter();
        _ = Check(NativeLibvirt.virDomainDestroy(_domain), "virDomainDestroy");
    }

    /// <summary>Gives back the reference; the domain itself is not touched.</summary>
    public void Dispose() => _domain.Dispose();

    private int Check(int result, string function) => result < 0 ? throw Failed(function) : result;

    private LibvirtException Failed(string function) => LibvirtException.FromLastError(function, _domain);
}
