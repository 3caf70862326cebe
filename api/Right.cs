// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;

namespace UsbHostd.Api;

/// <summary>What a caller may do; each is also the polkit action <c>org.usbhostd.usbhost1.NAME</c> of its name in lower case.</summary>
[Flags]
public enum Right
{
    None = 0,

    /// <summary>See every device, guest and claim, and the rules.</summary>
    List = 1,

    /// <summary>Claim what the rules let the caller have, see that, and see and end claims of one's own.</summary>
    Attach = 2,

    /// <summary>See and end the claims of others, name devices, start guests.</summary>
    Manage = 4,

    /// <summary>Have the rules read anew, and say that a serial tells devices apart again.</summary>
    Policy = 8,

    /// <summary>Pass the guard or the rules with a reason.</summary>
    Force = 16,

    /// <summary>Read the audit, which says who asked for what, and copy the database, which has it.</summary>
    Audit = 32,
}

/// <summary>The right that each method asks for. A method of the contract without one is refused to everybody, and a test fails.</summary>
public static class UsbHostRights
{
    private const Right Read = Right.List | Right.Attach;
    private const Right Change = Right.Attach | Right.Manage;

    /// <summary>By the method's path; any one of the rights will do. With <see cref="Right.Attach"/> alone it concerns only what is the caller's.</summary>
    public static FrozenDictionary<string, Right> OfMethod { get; } = new Dictionary<string, Right>(StringComparer.Ordinal)
    {
        [UsbHostMethods.ListDevices] = Read,
        [UsbHostMethods.GetDevice] = Read,
        [UsbHostMethods.SetDeviceLabel] = Right.Manage,
        [UsbHostMethods.TrustSerial] = Right.Policy,
        [UsbHostMethods.ListClaims] = Read,
        [UsbHostMethods.GetClaim] = Read,
        [UsbHostMethods.CreateClaim] = Change,
        [UsbHostMethods.MoveClaim] = Change,
        [UsbHostMethods.ReleaseClaim] = Change,
        [UsbHostMethods.RetryClaim] = Change,
        [UsbHostMethods.ListGuests] = Read,
        [UsbHostMethods.GetGuest] = Read,
        [UsbHostMethods.StartGuest] = Right.Manage,
        [UsbHostMethods.Watch] = Read,
        [UsbHostMethods.GetPolicy] = Right.List,
        [UsbHostMethods.ExplainPolicy] = Read,
        [UsbHostMethods.ReloadPolicy] = Right.Policy,
        [UsbHostMethods.GeneratePolicy] = Right.List,
        [UsbHostMethods.ListAnswers] = Read,
        [UsbHostMethods.ForgetAnswer] = Change,
        [UsbHostMethods.ListAudit] = Right.Audit,
        [UsbHostMethods.Backup] = Right.Audit,
        [UsbHostMethods.GetVersion] = Read,
        [UsbHostMethods.GetHealth] = Read,
        [UsbHostMethods.GetStatistics] = Right.List,
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
