// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Daemon.Service;

/// <summary>
/// What every door offers, one method for each of the contract's; api/usbhostd.proto says what they mean. Each decides whether the
/// caller may, and throws <see cref="HostException"/> where it refuses. Cancelling a call stops the wait for its answer only. An answer may
/// be given to many callers, and is not to be changed.
/// </summary>
internal interface IHostService
{
    ValueTask<ListDevicesResponse> ListDevicesAsync(Caller caller, ListDevicesRequest request, CancellationToken cancellationToken);

    ValueTask<Device> GetDeviceAsync(Caller caller, GetDeviceRequest request, CancellationToken cancellationToken);

    ValueTask<Device> SetDeviceLabelAsync(Caller caller, SetDeviceLabelRequest request, CancellationToken cancellationToken);

    ValueTask<Device> TrustSerialAsync(Caller caller, TrustSerialRequest request, CancellationToken cancellationToken);

    ValueTask<ListClaimsResponse> ListClaimsAsync(Caller caller, ListClaimsRequest request, CancellationToken cancellationToken);

    ValueTask<Claim> GetClaimAsync(Caller caller, GetClaimRequest request, CancellationToken cancellationToken);

    ValueTask<Claim> CreateClaimAsync(Caller caller, CreateClaimRequest request, CancellationToken cancellationToken);

    ValueTask<Claim> MoveClaimAsync(Caller caller, MoveClaimRequest request, CancellationToken cancellationToken);

    ValueTask<Claim> ReleaseClaimAsync(Caller caller, ReleaseClaimRequest request, CancellationToken cancellationToken);

    ValueTask<Claim> RetryClaimAsync(Caller caller, RetryClaimRequest request, CancellationToken cancellationToken);

    ValueTask<ListGuestsResponse> ListGuestsAsync(Caller caller, ListGuestsRequest request, CancellationToken cancellationToken);

    ValueTask<Guest> GetGuestAsync(Caller caller, GetGuestRequest request, CancellationToken cancellationToken);

    ValueTask<Guest> StartGuestAsync(Caller caller, StartGuestRequest request, CancellationToken cancellationToken);

    ValueTask<Api.V1.Policy> GetPolicyAsync(Caller caller, GetPolicyRequest request, CancellationToken cancellationToken);

    ValueTask<Explanation> ExplainPolicyAsync(Caller caller, ExplainPolicyRequest request, CancellationToken cancellationToken);

    ValueTask<ReloadPolicyResponse> ReloadPolicyAsync(Caller caller, ReloadPolicyRequest request, CancellationToken cancellationToken);

    ValueTask<GeneratePolicyResponse> GeneratePolicyAsync(Caller caller, GeneratePolicyRequest request, CancellationToken cancellationToken);

    ValueTask<ListAnswersResponse> ListAnswersAsync(Caller caller, ListAnswersRequest request, CancellationToken cancellationToken);

    ValueTask<DeviceAnswer> ForgetAnswerAsync(Caller caller, ForgetAnswerRequest request, CancellationToken cancellationToken);

    ValueTask<ListAuditResponse> ListAuditAsync(Caller caller, ListAuditRequest request, CancellationToken cancellationToken);

    /// <summary>A copy of the database, open for reading from its beginning. It has no name any more: the caller disposes it, and it is gone.</summary>
    ValueTask<FileStream> BackupAsync(Caller caller, BackupRequest request, CancellationToken cancellationToken);

    ValueTask<Api.V1.Version> GetVersionAsync(Caller caller, GetVersionRequest request, CancellationToken cancellationToken);

    ValueTask<Health> GetHealthAsync(Caller caller, GetHealthRequest request, CancellationToken cancellationToken);

    ValueTask<Statistics> GetStatisticsAsync(Caller caller, GetStatisticsRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Has an agent asked, from when the function that is returned is run until its token is cancelled; it must be run. One agent a session,
    /// and with the right to claim: not in the contract, for each door asks in its own way.
    /// </summary>
    ValueTask<Func<CancellationToken, Task>> RegisterAgentAsync(Caller caller, IAgent agent, CancellationToken cancellationToken);

    /// <summary>
    /// A snapshot, then changes, until cancelled. The consumer may be slow: what is kept for it is bounded, and it is told to resync.
    /// </summary>
    IAsyncEnumerable<WatchEvent> Watch(Caller caller, WatchRequest request, CancellationToken cancellationToken);
}
