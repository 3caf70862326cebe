// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Grpc;

/// <summary>Answers each request type with what the test says, and keeps what it was asked.</summary>
internal sealed class FakeHostService : IHostService
{
    private readonly Dictionary<Type, Func<Caller, IMessage, CancellationToken, ValueTask<IMessage>>> answers = [];

    public List<(Caller Caller, IMessage Request)> Asked { get; } = [];

    public Func<Caller, WatchRequest, CancellationToken, IAsyncEnumerable<WatchEvent>> OnWatch { get; set; } =
        (_, _, _) => AsyncEnumerable.Empty<WatchEvent>();

    public Func<Caller, IAgent, CancellationToken, ValueTask<Func<CancellationToken, Task>>> OnAgent { get; set; } =
        (_, _, _) => ValueTask.FromResult<Func<CancellationToken, Task>>(_ => Task.CompletedTask);

    public void On<TRequest>(Func<TRequest, IMessage> answer)
        where TRequest : class, IMessage => On<TRequest>((_, request, _) => ValueTask.FromResult(answer(request)));

    public void On<TRequest>(Func<Caller, TRequest, CancellationToken, ValueTask<IMessage>> answer)
        where TRequest : class, IMessage =>
        answers[typeof(TRequest)] = (caller, request, cancellationToken) => answer(caller, (TRequest)request, cancellationToken);

    public IAsyncEnumerable<WatchEvent> Watch(Caller caller, WatchRequest request, CancellationToken cancellationToken)
    {
        Keep(caller, request);
        return OnWatch(caller, request, cancellationToken);
    }

    public ValueTask<Func<CancellationToken, Task>> RegisterAgentAsync(Caller caller, IAgent agent, CancellationToken cancellationToken) =>
        OnAgent(caller, agent, cancellationToken);

    public ValueTask<ListDevicesResponse> ListDevicesAsync(Caller caller, ListDevicesRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ListDevicesResponse>(caller, request, cancellationToken);

    public ValueTask<Device> GetDeviceAsync(Caller caller, GetDeviceRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Device>(caller, request, cancellationToken);

    public ValueTask<Device> SetDeviceLabelAsync(Caller caller, SetDeviceLabelRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Device>(caller, request, cancellationToken);

    public ValueTask<Device> TrustSerialAsync(Caller caller, TrustSerialRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Device>(caller, request, cancellationToken);

    public ValueTask<ListClaimsResponse> ListClaimsAsync(Caller caller, ListClaimsRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ListClaimsResponse>(caller, request, cancellationToken);

    public ValueTask<Claim> GetClaimAsync(Caller caller, GetClaimRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Claim>(caller, request, cancellationToken);

    public ValueTask<Claim> CreateClaimAsync(Caller caller, CreateClaimRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Claim>(caller, request, cancellationToken);

    public ValueTask<Claim> MoveClaimAsync(Caller caller, MoveClaimRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Claim>(caller, request, cancellationToken);

    public ValueTask<Claim> ReleaseClaimAsync(Caller caller, ReleaseClaimRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Claim>(caller, request, cancellationToken);

    public ValueTask<Claim> RetryClaimAsync(Caller caller, RetryClaimRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Claim>(caller, request, cancellationToken);

    public ValueTask<ListGuestsResponse> ListGuestsAsync(Caller caller, ListGuestsRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ListGuestsResponse>(caller, request, cancellationToken);

    public ValueTask<Guest> GetGuestAsync(Caller caller, GetGuestRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Guest>(caller, request, cancellationToken);

    public ValueTask<Guest> StartGuestAsync(Caller caller, StartGuestRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Guest>(caller, request, cancellationToken);

    public ValueTask<Api.V1.Policy> GetPolicyAsync(Caller caller, GetPolicyRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Api.V1.Policy>(caller, request, cancellationToken);

    public ValueTask<Explanation> ExplainPolicyAsync(Caller caller, ExplainPolicyRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Explanation>(caller, request, cancellationToken);

    public ValueTask<ReloadPolicyResponse> ReloadPolicyAsync(Caller caller, ReloadPolicyRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ReloadPolicyResponse>(caller, request, cancellationToken);

    public ValueTask<GeneratePolicyResponse> GeneratePolicyAsync(Caller caller, GeneratePolicyRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<GeneratePolicyResponse>(caller, request, cancellationToken);

    public ValueTask<ListAnswersResponse> ListAnswersAsync(Caller caller, ListAnswersRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ListAnswersResponse>(caller, request, cancellationToken);

    public ValueTask<DeviceAnswer> ForgetAnswerAsync(Caller caller, ForgetAnswerRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<DeviceAnswer>(caller, request, cancellationToken);

    public ValueTask<ListAuditResponse> ListAuditAsync(Caller caller, ListAuditRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<ListAuditResponse>(caller, request, cancellationToken);

    /// <summary>What a backup gives.</summary>
    public Func<FileStream> OnBackup { get; set; } = () => new FileStream("/dev/null", FileMode.Open, FileAccess.Read);

    public ValueTask<FileStream> BackupAsync(Caller caller, BackupRequest request, CancellationToken cancellationToken)
    {
        Keep(caller, request);
        return ValueTask.FromResult(OnBackup());
    }

    public ValueTask<Api.V1.Version> GetVersionAsync(Caller caller, GetVersionRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Api.V1.Version>(caller, request, cancellationToken);

    public ValueTask<Health> GetHealthAsync(Caller caller, GetHealthRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Health>(caller, request, cancellationToken);

    public ValueTask<Statistics> GetStatisticsAsync(Caller caller, GetStatisticsRequest request, CancellationToken cancellationToken) =>
        AnswerAsync<Statistics>(caller, request, cancellationToken);

    private async ValueTask<T> AnswerAsync<T>(Caller caller, IMessage request, CancellationToken cancellationToken)
        where T : class, IMessage
    {
        Keep(caller, request);
        return answers.TryGetValue(request.GetType(), out var answer)
            ? (T)await answer(caller, request, cancellationToken)
            : throw new InvalidOperationException($"the test has no answer to {request.GetType().Name}");
    }

    private void Keep(Caller caller, IMessage request)
    {
        lock (Asked)
        {
            Asked.Add((caller, request));
        }
    }
}
