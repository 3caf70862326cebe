// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using UsbHostd.Api.V1;

namespace UsbHostd.Api;

/// <summary>
/// Asks a usbhostd. Every method throws <see cref="UsbHostException"/> where the request is refused or the daemon can't be reached,
/// and <see cref="OperationCanceledException"/> where the caller cancels; cancelling a call does not take back what it asked for.
/// May be used by several threads at once.
/// </summary>
public sealed class UsbHostClient : IDisposable
{
    /// <summary>A host's whole inventory comes in one answer: 5,000 devices are some 6 MiB.</summary>
    private const int AnswerLimit = 64 << 20;

    private readonly GrpcChannel channel;
    private readonly UsbHost.UsbHostClient host;
    private volatile bool hasAnswered;

    /// <param name="connect">Opens one connection to the daemon's socket; called again after a connection was lost.</param>
    public UsbHostClient(Func<CancellationToken, ValueTask<Stream>> connect)
        : this(connect, new Uri("http://localhost"))
    {
    }

    /// <param name="connect">Opens a connection; an SslStream, past its handshake, where <paramref name="root"/> is https.</param>
    /// <param name="root">Scheme and host for each request's headers; nothing is looked up by it.</param>
    private UsbHostClient(Func<CancellationToken, ValueTask<Stream>> connect, Uri root)
    {
        channel = GrpcChannel.ForAddress(root, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = (_, cancellationToken) => connect(cancellationToken),
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                ActivityHeadersPropagator = null,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = AnswerLimit,
            CompressionProviders = [],
        });
        host = new UsbHost.UsbHostClient(channel);
    }

    /// <summary>How long one call may take, connecting included; a watch may take forever.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A client for <c>unix:/path</c>, <c>tcp+tls://host:port</c> or <c>tcp:host:port</c>; the connection is made by the first call.</summary>
    /// <param name="tls">What a <c>tcp+tls</c> address needs.</param>
    /// <exception cref="UsbHostException">The address can't be read, or lacks its credentials.</exception>
    public static UsbHostClient Connect(string address, TlsCredentials? tls = null) => Connect(UsbHostAddress.Parse(address, tls));

    public void Dispose() => channel.Dispose();

    public Task<ListDevicesResponse> ListDevicesAsync(ListDevicesRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ListDevicesAsync, request, cancellationToken);

    public Task<Device> GetDeviceAsync(GetDeviceRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetDeviceAsync, request, cancellationToken);

    public Task<Device> SetDeviceLabelAsync(SetDeviceLabelRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.SetDeviceLabelAsync, request, cancellationToken);

    public Task<Device> TrustSerialAsync(TrustSerialRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.TrustSerialAsync, request, cancellationToken);

    public Task<ListClaimsResponse> ListClaimsAsync(ListClaimsRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ListClaimsAsync, request, cancellationToken);

    public Task<Claim> GetClaimAsync(GetClaimRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetClaimAsync, request, cancellationToken);

    public Task<Claim> CreateClaimAsync(CreateClaimRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.CreateClaimAsync, request, cancellationToken);

    public Task<Claim> MoveClaimAsync(MoveClaimRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.MoveClaimAsync, request, cancellationToken);

    public Task<Claim> ReleaseClaimAsync(ReleaseClaimRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.ReleaseClaimAsync, request, cancellationToken);

    public Task<Claim> RetryClaimAsync(RetryClaimRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.RetryClaimAsync, request, cancellationToken);

    public Task<ListGuestsResponse> ListGuestsAsync(ListGuestsRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ListGuestsAsync, request, cancellationToken);

    public Task<Guest> GetGuestAsync(GetGuestRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetGuestAsync, request, cancellationToken);

    public Task<Guest> StartGuestAsync(StartGuestRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.StartGuestAsync, request, cancellationToken);

    /// <summary>A snapshot, then changes, until cancelled or until the daemon stops (ERROR_UNAVAILABLE).</summary>
    public IAsyncEnumerable<WatchEvent> WatchAsync(WatchRequest request, CancellationToken cancellationToken = default) =>
        StreamAsync(host.Watch, request, cancellationToken);

    public Task<V1.Policy> GetPolicyAsync(GetPolicyRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetPolicyAsync, request, cancellationToken);

    public Task<Explanation> ExplainPolicyAsync(ExplainPolicyRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ExplainPolicyAsync, request, cancellationToken);

    public Task<ReloadPolicyResponse> ReloadPolicyAsync(ReloadPolicyRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.ReloadPolicyAsync, request, cancellationToken);

    public Task<GeneratePolicyResponse> GeneratePolicyAsync(GeneratePolicyRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.GeneratePolicyAsync, request, cancellationToken);

    public Task<ListAnswersResponse> ListAnswersAsync(ListAnswersRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ListAnswersAsync, request, cancellationToken);

    public Task<DeviceAnswer> ForgetAnswerAsync(ForgetAnswerRequest request, CancellationToken cancellationToken = default) =>
        AskAsync(host.ForgetAnswerAsync, request, cancellationToken);

    public Task<ListAuditResponse> ListAuditAsync(ListAuditRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.ListAuditAsync, request, cancellationToken);

    /// <summary>A copy of the daemon's database in parts; whole where the stream ends without an exception.</summary>
    public IAsyncEnumerable<BackupPart> BackupAsync(BackupRequest request, CancellationToken cancellationToken = default) =>
        StreamAsync(host.Backup, request, cancellationToken);

    public Task<Statistics> GetStatisticsAsync(GetStatisticsRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetStatisticsAsync, request, cancellationToken);

    public Task<V1.Version> GetVersionAsync(GetVersionRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetVersionAsync, request, cancellationToken);

    public Task<Health> GetHealthAsync(GetHealthRequest request, CancellationToken cancellationToken = default) =>
        ReadAsync(host.GetHealthAsync, request, cancellationToken);

    private static UsbHostClient Connect(UsbHostAddress address) => new(address.OpenAsync, address.Root);

    /// <summary>
    /// Asks what changes nothing. Where a connection breaks that answered before, it asks once more: a daemon that was started anew has closed the kept
    /// connection, and this client may not have noticed yet.
    /// </summary>
    private async Task<TResponse> ReadAsync<TRequest, TResponse>(
        Func<TRequest, CallOptions, AsyncUnaryCall<TResponse>> ask, TRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(ask, request, cancellationToken);
        }
        catch (UsbHostException lost) when (hasAnswered && lost.InnerException is RpcException failure && CallFailure.IsLostConnection(failure))
        {
            return await AskAsync(ask, request, cancellationToken);
        }
    }

    private async Task<TResponse> AskAsync<TRequest, TResponse>(
        Func<TRequest, CallOptions, AsyncUnaryCall<TResponse>> ask, TRequest request, CancellationToken cancellationToken)
    {
        var deadline = CallTimeout == Timeout.InfiniteTimeSpan ? (DateTime?)null : TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout;
        try
        {
            using var call = ask(request, new CallOptions(deadline: deadline, cancellationToken: cancellationToken));
            var answer = await call.ResponseAsync;
            hasAnswered = true;
            return answer;
        }
        catch (RpcException failure)
        {
            throw CallFailure.Of(failure, cancellationToken);
        }
    }

    /// <summary>Yields messages until the other side ends the stream well.</summary>
    private static async IAsyncEnumerable<TResponse> StreamAsync<TRequest, TResponse>(
        Func<TRequest, CallOptions, AsyncServerStreamingCall<TResponse>> ask, TRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = ask(request, new CallOptions(cancellationToken: cancellationToken));
        while (await IsNextAsync(call.ResponseStream, cancellationToken))
        {
            yield return call.ResponseStream.Current;
        }
    }

    private static async Task<bool> IsNextAsync<T>(IAsyncStreamReader<T> answers, CancellationToken cancellationToken)
    {
        try
        {
            return await answers.MoveNext(cancellationToken);
        }
        catch (RpcException failure)
        {
            throw CallFailure.Of(failure, cancellationToken);
        }
    }
}
