// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>virDomainXMLFlags.</summary>
[Flags]
public enum DomainXmlFlags
{
    None = 0,

    /// <summary>With passwords.</summary>
    Secure = 1,

    /// <summary>The configuration for the next start, also while the domain runs.</summary>
    Inactive = 2,
    UpdateCpu = 4,
    Migratable = 8,
}

/// <summary>virDomainDeviceModifyFlags.</summary>
[Flags]
public enum DomainDeviceModifyFlags
{
    /// <summary>The running domain if it runs, else its configuration.</summary>
    Current = 0,

    /// <summary>The running domain.</summary>
    Live = 1,

    /// <summary>The configuration for the next start.</summary>
    Config = 2,
    Force = 4,
}

/// <summary>virDomainCreateFlags.</summary>
[Flags]
public enum DomainCreateFlags
{
    None = 0,

    /// <summary>The CPUs stand still until Resume.</summary>
    StartPaused = 1,
    AutoDestroy = 2,
    BypassCache = 4,

    /// <summary>Boots, and throws away a managed save.</summary>
    ForceBoot = 8,
    Validate = 16,
    ResetNvram = 32,
}
