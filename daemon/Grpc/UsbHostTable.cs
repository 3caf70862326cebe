using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>The methods of usbhostd.v1.UsbHost, each tied to the service's.</summary>
internal static class UsbHostTable
{
    private const int BackupPartBytes = 64 * 1024;

    /// <summary>By path, <c>/usbhostd.v1.UsbHost/ListDevices</c>.</summary>
    public static FrozenDictionary<string, GrpcMethod> Of(IHostService service) => Methods(service).ToFrozenDictionary(
        method => method.Path, StringComparer.Ordinal);

    private static GrpcMethod[] Methods(IHostService service) =>
    [
        GrpcMethod.Unary(UsbHostMethods.ListDevices, ListDevicesRequest.Parser, service.ListDevicesAsync, isRepeated: true),
        GrpcMethod.Unary(UsbHostMethods.GetDevice, GetDeviceRequest.Parser, service.GetDeviceAsync),
        GrpcMethod.Unary(UsbHostMethods.SetDeviceLabel, SetDeviceLabelRequest.Parser, service.SetDeviceLabelAsync),
        GrpcMethod.Unary(UsbHostMethods.TrustSerial, TrustSerialRequest.Parser, service.TrustSerialAsync),
        GrpcMethod.Unary(UsbHostMethods.ListClaims, ListClaimsRequest.Parser, service.ListClaimsAsync),
        GrpcMethod.Unary(UsbHostMethods.GetClaim, GetClaimRequest.Parser, service.GetClaimAsync),
        GrpcMethod.Unary(UsbHostMethods.CreateClaim, CreateClaimRequest.Parser, service.CreateClaimAsync),
        GrpcMethod.Unary(UsbHostMethods.MoveClaim, MoveClaimRequest.Parser, service.MoveClaimAsync),
        GrpcMethod.Unary(UsbHostMethods.ReleaseClaim, ReleaseClaimRequest.Parser, service.ReleaseClaimAsync),
        GrpcMethod.Unary(UsbHostMethods.RetryClaim, RetryClaimRequest.Parser, service.RetryClaimAsync),
        GrpcMethod.Unary(UsbHostMethods.ListGuests, ListGuestsRequest.Parser, service.ListGuestsAsync),
        GrpcMethod.Unary(UsbHostMethods.GetGuest, GetGuestRequest.Parser, service.GetGuestAsync),
        GrpcMethod.Unary(UsbHostMethods.StartGuest, StartGuestRequest.Parser, service.StartGuestAsync),
        GrpcMethod.Unary(UsbHostMethods.GetPolicy, GetPolicyRequest.Parser, service.GetPolicyAsync),
        GrpcMethod.Unary(UsbHostMethods.ExplainPolicy, ExplainPolicyRequest.Parser, service.ExplainPolicyAsync),
        GrpcMethod.Unary(UsbHostMethods.ReloadPolicy, ReloadPolicyRequest.Parser, service.ReloadPolicyAsync),
        GrpcMethod.Unary(UsbHostMethods.GeneratePolicy, GeneratePolicyRequest.Parser, service.GeneratePolicyAsync),
        GrpcMethod.Unary(UsbHostMethods.ListAnswers, ListAnswersRequest.Parser, service.ListAnswersAsync),
        GrpcMethod.Unary(UsbHostMethods.ForgetAnswer, ForgetAnswerRequest.Parser, service.ForgetAnswerAsync),
        GrpcMethod.Unary(UsbHostMethods.GetVersion, GetVersionRequest.Parser, service.GetVersionAsync),
        GrpcMethod.Unary(UsbHostMethods.GetHealth, GetHealthRequest.Parser, service.GetHealthAsync),
        GrpcMethod.Unary(UsbHostMethods.GetStatistics, GetStatisticsRequest.Parser, service.GetStatisticsAsync),
        GrpcMethod.Unary(UsbHostMethods.ListAudit, ListAuditRequest.Parser, service.ListAuditAsync),
        GrpcMethod.Stream(UsbHostMethods.Backup, BackupRequest.Parser, (Caller caller, BackupRequest request, CancellationToken cancellationToken) =>
            BackupPartsAsync(service, caller, request, cancellationToken)),
        GrpcMethod.Stream(UsbHostMethods.Watch, WatchRequest.Parser, service.Watch),
    ];

    private static async IAsyncEnumerable<BackupPart> BackupPartsAsync(
        IHostService service, Caller caller, BackupRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var copy = await service.BackupAsync(caller, request, cancellationToken);
        var buffer = new byte[BackupPartBytes];
        while (await copy.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            yield return new BackupPart { Data = ByteString.CopyFrom(buffer, 0, count) };
        }
    }
}
