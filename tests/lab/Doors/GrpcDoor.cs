// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Doors;

/// <summary>gRPC, on the unix socket or on TCP with a certificate: that is the client's.</summary>
public sealed class GrpcDoor(ApiClient client) : IDoor
{
    private string _claim = "";

    public async Task<string> ListAsync(string serial) =>
        (await client.CallAsync<ListDevicesResponse>("ListDevices", new ListDevicesRequest())).Devices.Single(d => d.Serial == serial).Port;

    public async Task<(bool Allowed, int Line)> ExplainAsync(string device, string guest)
    {
        var why = await client.CallAsync<Explanation>("ExplainPolicy", new ExplainPolicyRequest { Device = device, Guest = guest });
        return (why.Allowed, (int)why.Rule.Line);
    }

    public async Task ClaimAsync(string device, string guest) =>
        _claim = (await client.CallAsync<Claim>("CreateClaim", new CreateClaimRequest { Device = device, Guest = guest })).Id;

    public Task AttachedAsync() => AttachedAsync(_claim);

    /// <summary>Waits for any claim.</summary>
    public async Task AttachedAsync(string claim)
    {
        using var deadline = new CancellationTokenSource(Within.Moments);
        var request = new WatchRequest { Kinds = { Kind.Claims }, ClaimId = claim };
        await foreach (var change in client.StreamAsync<WatchEvent>("Watch", request, deadline.Token))
        {
            if (change.Claim?.Phase == Phase.Attached)
            {
                return;
            }
        }

        throw new LabException($"the watch ended before claim {claim} was attached");
    }

    public async Task<ErrorCode> RefusedAsync(string device, string guest)
    {
        try
        {
            await client.CallAsync<Claim>("CreateClaim", new CreateClaimRequest { Device = device, Guest = guest });
            return ErrorCode.Unspecified;
        }
        catch (ApiRefusedException refusal)
        {
            return refusal.Code;
        }
    }

    public Task ReleaseAsync() => client.CallAsync<Claim>("ReleaseClaim", new ReleaseClaimRequest { Id = _claim });
}
