// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Api;

/// <summary>The HTTP/2 paths of the methods of usbhostd.v1.UsbHost.</summary>
public static class UsbHostMethods
{
    public const string ListDevices = Service + "ListDevices";
    public const string GetDevice = Service + "GetDevice";
    public const string SetDeviceLabel = Service + "SetDeviceLabel";
    public const string TrustSerial = Service + "TrustSerial";
    public const string ListClaims = Service + "ListClaims";
    public const string GetClaim = Service + "GetClaim";
    public const string CreateClaim = Service + "CreateClaim";
    public const string MoveClaim = Service + "MoveClaim";
    public const string ReleaseClaim = Service + "ReleaseClaim";
    public const string RetryClaim = Service + "RetryClaim";
    public const string ListGuests = Service + "ListGuests";
    public const string GetGuest = Service + "GetGuest";
    public const string StartGuest = Service + "StartGuest";
    public const string Watch = Service + "Watch";
    public const string GetPolicy = Service + "GetPolicy";
    public const string ExplainPolicy = Service + "ExplainPolicy";
    public const string ReloadPolicy = Service + "ReloadPolicy";
    public const string GeneratePolicy = Service + "GeneratePolicy";
    public const string ListAnswers = Service + "ListAnswers";
    public const string ForgetAnswer = Service + "ForgetAnswer";
    public const string ListAudit = Service + "ListAudit";
    public const string Backup = Service + "Backup";
    public const string GetVersion = Service + "GetVersion";
    public const string GetHealth = Service + "GetHealth";
    public const string GetStatistics = Service + "GetStatistics";

    private const string Service = "/usbhostd.v1.UsbHost/";
}
