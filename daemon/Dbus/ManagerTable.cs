// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>The methods of org.usbhostd.UsbHost1.Manager but for Watch, each tied to the service's; those of the contract, by the same names.</summary>
internal static class ManagerTable
{
    public static FrozenDictionary<string, ManagerMethod> Of(IHostService service) =>
        Devices(service).Concat(Claims(service)).Concat(Guests(service)).Concat(Rest(service)).ToFrozenDictionary(m => m.Name, StringComparer.Ordinal);

    private static ManagerMethod[] Devices(IHostService service) =>
    [
        ManagerMethod.OfPaths<ListDevicesRequest, ListDevicesResponse>(
            "ListDevices", ListDevicesRequest.Descriptor, service.ListDevicesAsync, list => list.Devices.Select(PathOf)),
        ManagerMethod.OfObject<GetDeviceRequest, Device>("GetDevice", GetDeviceRequest.Descriptor, ["device"], service.GetDeviceAsync, PathOf),
        ManagerMethod.OfObject<SetDeviceLabelRequest, Device>(
            "SetDeviceLabel", SetDeviceLabelRequest.Descriptor, ["device", "label"], service.SetDeviceLabelAsync, PathOf),
        ManagerMethod.OfObject<TrustSerialRequest, Device>("TrustSerial", TrustSerialRequest.Descriptor, ["device"], service.TrustSerialAsync, PathOf),
    ];

    private static ManagerMethod[] Claims(IHostService service) =>
    [
        ManagerMethod.OfPaths<ListClaimsRequest, ListClaimsResponse>(
            "ListClaims", ListClaimsRequest.Descriptor, service.ListClaimsAsync, list => list.Claims.Select(PathOf)),
        ManagerMethod.OfObject<GetClaimRequest, Claim>("GetClaim", GetClaimRequest.Descriptor, ["id"], service.GetClaimAsync, PathOf),
        ManagerMethod.OfObject<CreateClaimRequest, Claim>(
            "CreateClaim", CreateClaimRequest.Descriptor, ["device", "guest"], service.CreateClaimAsync, PathOf),
        ManagerMethod.OfObject<MoveClaimRequest, Claim>("MoveClaim", MoveClaimRequest.Descriptor, ["id", "guest"], service.MoveClaimAsync, PathOf),
        ManagerMethod.OfObject<ReleaseClaimRequest, Claim>("ReleaseClaim", ReleaseClaimRequest.Descriptor, ["id"], service.ReleaseClaimAsync, PathOf),
        ManagerMethod.OfObject<RetryClaimRequest, Claim>("RetryClaim", RetryClaimRequest.Descriptor, ["id"], service.RetryClaimAsync, PathOf),
    ];

    private static ManagerMethod[] Guests(IHostService service) =>
    [
        ManagerMethod.OfPaths<ListGuestsRequest, ListGuestsResponse>(
            "ListGuests", ListGuestsRequest.Descriptor, service.ListGuestsAsync, list => list.Guests.Select(PathOf)),
        ManagerMethod.OfObject<GetGuestRequest, Guest>("GetGuest", GetGuestRequest.Descriptor, ["guest"], service.GetGuestAsync, PathOf),
        ManagerMethod.OfObject<StartGuestRequest, Guest>("StartGuest", StartGuestRequest.Descriptor, ["guest"], service.StartGuestAsync, PathOf),
    ];

    private static ManagerMethod[] Rest(IHostService service) =>
    [
        ManagerMethod.OfFields<GetPolicyRequest, Api.V1.Policy>("GetPolicy", GetPolicyRequest.Descriptor, [], service.GetPolicyAsync),
        ManagerMethod.OfFields<ExplainPolicyRequest, Explanation>(
            "ExplainPolicy", ExplainPolicyRequest.Descriptor, ["device", "guest"], service.ExplainPolicyAsync),
        ManagerMethod.OfFields<ReloadPolicyRequest, ReloadPolicyResponse>("ReloadPolicy", ReloadPolicyRequest.Descriptor, [], service.ReloadPolicyAsync),
        ManagerMethod.OfFields<GeneratePolicyRequest, GeneratePolicyResponse>(
            "GeneratePolicy", GeneratePolicyRequest.Descriptor, [], service.GeneratePolicyAsync),
        ManagerMethod.OfFields<ListAnswersRequest, ListAnswersResponse>("ListAnswers", ListAnswersRequest.Descriptor, [], service.ListAnswersAsync),
        ManagerMethod.OfFields<ForgetAnswerRequest, DeviceAnswer>("ForgetAnswer", ForgetAnswerRequest.Descriptor, ["id"], service.ForgetAnswerAsync),
        ManagerMethod.OfFields<ListAuditRequest, ListAuditResponse>("ListAudit", ListAuditRequest.Descriptor, [], service.ListAuditAsync),
        ManagerMethod.OfFile<BackupRequest>("Backup", BackupRequest.Descriptor, service.BackupAsync),
        ManagerMethod.OfFields<GetVersionRequest, Api.V1.Version>("GetVersion", GetVersionRequest.Descriptor, [], service.GetVersionAsync),
        ManagerMethod.OfFields<GetHealthRequest, Health>("GetHealth", GetHealthRequest.Descriptor, [], service.GetHealthAsync),
        ManagerMethod.OfFields<GetStatisticsRequest, Statistics>("GetStatistics", GetStatisticsRequest.Descriptor, [], service.GetStatisticsAsync),
    ];

    private static string PathOf(Device device) => ObjectPaths.OfDevice(device.Id);

    private static string PathOf(Claim claim) => ObjectPaths.OfClaim(claim.Id);

    private static string PathOf(Guest guest) => ObjectPaths.OfGuest(guest.Uuid);
}
