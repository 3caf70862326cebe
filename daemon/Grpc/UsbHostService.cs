// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using Grpc.Core;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Grpc;

/// <summary>usbhostd.v1.UsbHost: each method asks the service's of the same name.</summary>
internal sealed class UsbHostService(IHostService service) : UsbHost.UsbHostBase
{
    private const int BackupPartBytes = 64 * 1024;

    public override Task<ListDevicesResponse> ListDevices(ListDevicesRequest request, ServerCallContext context) =>
        service.ListDevicesAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Device> GetDevice(GetDeviceRequest request, ServerCallContext context) =>
        service.GetDeviceAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Device> SetDeviceLabel(SetDeviceLabelRequest request, ServerCallContext context) =>
        service.SetDeviceLabelAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Device> TrustSerial(TrustSerialRequest request, ServerCallContext context) =>
        service.TrustSerialAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<ListClaimsResponse> ListClaims(ListClaimsRequest request, ServerCallContext context) =>
        service.ListClaimsAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Claim> GetClaim(GetClaimRequest request, ServerCallContext context) =>
        service.GetClaimAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Claim> CreateClaim(CreateClaimRequest request, ServerCallContext context) =>
        service.CreateClaimAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Claim> MoveClaim(MoveClaimRequest request, ServerCallContext context) =>
        service.MoveClaimAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Claim> ReleaseClaim(ReleaseClaimRequest request, ServerCallContext context) =>
        service.ReleaseClaimAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Claim> RetryClaim(RetryClaimRequest request, ServerCallContext context) =>
        service.RetryClaimAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<ListGuestsResponse> ListGuests(ListGuestsRequest request, ServerCallContext context) =>
        service.ListGuestsAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Guest> GetGuest(GetGuestRequest request, ServerCallContext context) =>
        service.GetGuestAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Guest> StartGuest(StartGuestRequest request, ServerCallContext context) =>
        service.StartGuestAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Api.V1.Policy> GetPolicy(GetPolicyRequest request, ServerCallContext context) =>
        service.GetPolicyAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Explanation> ExplainPolicy(ExplainPolicyRequest request, ServerCallContext context) =>
        service.ExplainPolicyAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<ReloadPolicyResponse> ReloadPolicy(ReloadPolicyRequest request, ServerCallContext context) =>
        service.ReloadPolicyAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<GeneratePolicyResponse> GeneratePolicy(GeneratePolicyRequest request, ServerCallContext context) =>
        service.GeneratePolicyAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<ListAnswersResponse> ListAnswers(ListAnswersRequest request, ServerCallContext context) =>
        service.ListAnswersAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<DeviceAnswer> ForgetAnswer(ForgetAnswerRequest request, ServerCallContext context) =>
        service.ForgetAnswerAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Api.V1.Version> GetVersion(GetVersionRequest request, ServerCallContext context) =>
        service.GetVersionAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Health> GetHealth(GetHealthRequest request, ServerCallContext context) =>
        service.GetHealthAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<ListAuditResponse> ListAudit(ListAuditRequest request, ServerCallContext context) =>
        service.ListAuditAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override Task<Statistics> GetStatistics(GetStatisticsRequest request, ServerCallContext context) =>
        service.GetStatisticsAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken).AsTask();

    public override async Task Backup(BackupRequest request, IServerStreamWriter<BackupPart> responseStream, ServerCallContext context)
    {
        await context.WriteResponseHeadersAsync([]);
        await using var copy = await service.BackupAsync(GrpcCall.Of(context).Caller, request, context.CancellationToken);
        var buffer = new byte[BackupPartBytes];
        while (await copy.ReadAsync(buffer, context.CancellationToken) is > 0 and var count)
        {
            await responseStream.WriteAsync(new BackupPart { Data = ByteString.CopyFrom(buffer, 0, count) });
        }
    }

    public override async Task Watch(WatchRequest request, IServerStreamWriter<WatchEvent> responseStream, ServerCallContext context)
    {
        // A client that waits for headers must not wait for the first event, which may be hours away.
        await context.WriteResponseHeadersAsync([]);
        await foreach (var change in service.Watch(GrpcCall.Of(context).Caller, request, context.CancellationToken))
        {
            // What a slow reader has not taken stays with the service, which bounds it.
            await responseStream.WriteAsync(change);
        }
    }
}
