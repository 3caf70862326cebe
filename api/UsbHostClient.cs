using UsbHostd.Api.Grpc;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>
/// Asks a usbhostd. Every method throws <see cref="UsbHostException"/> where the request is refused or the daemon can't be reached,
/// and <see cref="OperationCanceledException"/> where the caller cancels; cancelling a call does not take back what it asked for.
/// May be used by several threads at once.
/// </summary>
public sealed class UsbHostClient : IDisposable
{
    private readonly GrpcChannel channel;

    /// <param name="connect">Opens one connection to the daemon's socket; called again after a connection was lost.</param>
    public UsbHostClient(Func<CancellationToken, ValueTask<Stream>> connect) => channel = new GrpcChannel(connect, new Uri("http://localhost"));

    private UsbHostClient(UsbHostAddress address) => channel = new GrpcChannel(address.OpenAsync, address.Root);

    /// <summary>How long one call may take, connecting included; a watch may take forever.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A client for <c>unix:/path</c>, <c>tcp+tls://host:port</c> or <c>tcp:host:port</c>; the connection is made by the first call.</summary>
    /// <param name="tls">What a <c>tcp+tls</c> address needs.</param>
    /// <exception cref="UsbHostException">The address can't be read, or lacks its credentials.</exception>
    public static UsbHostClient Connect(string address, TlsCredentials? tls = null) => new(UsbHostAddress.Parse(address, tls));

    public void Dispose() => channel.Dispose();

    public Task<ListDevicesResponse> ListDevicesAsync(ListDevicesRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ListDevices, request, ListDevicesResponse.Parser, CallTimeout, cancellationToken);

    public Task<Device> GetDeviceAsync(GetDeviceRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetDevice, request, Device.Parser, CallTimeout, cancellationToken);

    public Task<Device> SetDeviceLabelAsync(SetDeviceLabelRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.SetDeviceLabel, request, Device.Parser, CallTimeout, cancellationToken);

    public Task<Device> TrustSerialAsync(TrustSerialRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.TrustSerial, request, Device.Parser, CallTimeout, cancellationToken);

    public Task<ListClaimsResponse> ListClaimsAsync(ListClaimsRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ListClaims, request, ListClaimsResponse.Parser, CallTimeout, cancellationToken);

    public Task<Claim> GetClaimAsync(GetClaimRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetClaim, request, Claim.Parser, CallTimeout, cancellationToken);

    public Task<Claim> CreateClaimAsync(CreateClaimRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.CreateClaim, request, Claim.Parser, CallTimeout, cancellationToken);

    public Task<Claim> MoveClaimAsync(MoveClaimRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.MoveClaim, request, Claim.Parser, CallTimeout, cancellationToken);

    public Task<Claim> ReleaseClaimAsync(ReleaseClaimRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ReleaseClaim, request, Claim.Parser, CallTimeout, cancellationToken);

    public Task<Claim> RetryClaimAsync(RetryClaimRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.RetryClaim, request, Claim.Parser, CallTimeout, cancellationToken);

    public Task<ListGuestsResponse> ListGuestsAsync(ListGuestsRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ListGuests, request, ListGuestsResponse.Parser, CallTimeout, cancellationToken);

    public Task<Guest> GetGuestAsync(GetGuestRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetGuest, request, Guest.Parser, CallTimeout, cancellationToken);

    public Task<Guest> StartGuestAsync(StartGuestRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.StartGuest, request, Guest.Parser, CallTimeout, cancellationToken);

    /// <summary>A snapshot, then changes, until cancelled or until the daemon stops (ERROR_UNAVAILABLE).</summary>
    public IAsyncEnumerable<WatchEvent> WatchAsync(WatchRequest request, CancellationToken cancellationToken = default) =>
        channel.StreamAsync(UsbHostMethods.Watch, request, WatchEvent.Parser, cancellationToken);

    public Task<V1.Policy> GetPolicyAsync(GetPolicyRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetPolicy, request, V1.Policy.Parser, CallTimeout, cancellationToken);

    public Task<Explanation> ExplainPolicyAsync(ExplainPolicyRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ExplainPolicy, request, Explanation.Parser, CallTimeout, cancellationToken);

    public Task<ReloadPolicyResponse> ReloadPolicyAsync(ReloadPolicyRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ReloadPolicy, request, ReloadPolicyResponse.Parser, CallTimeout, cancellationToken);

    public Task<GeneratePolicyResponse> GeneratePolicyAsync(GeneratePolicyRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GeneratePolicy, request, GeneratePolicyResponse.Parser, CallTimeout, cancellationToken);

    public Task<ListAnswersResponse> ListAnswersAsync(ListAnswersRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ListAnswers, request, ListAnswersResponse.Parser, CallTimeout, cancellationToken);

    public Task<DeviceAnswer> ForgetAnswerAsync(ForgetAnswerRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ForgetAnswer, request, DeviceAnswer.Parser, CallTimeout, cancellationToken);

    public Task<ListAuditResponse> ListAuditAsync(ListAuditRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.ListAudit, request, ListAuditResponse.Parser, CallTimeout, cancellationToken);

    /// <summary>A copy of the daemon's database in parts; whole where the stream ends without an exception.</summary>
    public IAsyncEnumerable<BackupPart> BackupAsync(BackupRequest request, CancellationToken cancellationToken = default) =>
        channel.StreamAsync(UsbHostMethods.Backup, request, BackupPart.Parser, cancellationToken);

    public Task<Statistics> GetStatisticsAsync(GetStatisticsRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetStatistics, request, Statistics.Parser, CallTimeout, cancellationToken);

    public Task<V1.Version> GetVersionAsync(GetVersionRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetVersion, request, V1.Version.Parser, CallTimeout, cancellationToken);

    public Task<Health> GetHealthAsync(GetHealthRequest request, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync(UsbHostMethods.GetHealth, request, Health.Parser, CallTimeout, cancellationToken);
}
