// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Rules;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Service;

/// <summary>What the rules say, and why.</summary>
internal sealed partial class HostService
{
    private const string Unrecorded =
        "the rules take rights away from now on, and give none that the ones before did not: nothing can be written. Free some space; it is tried again by itself";

    public async ValueTask<Api.V1.Policy> GetPolicyAsync(Caller caller, GetPolicyRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.GetPolicy, cancellationToken).ConfigureAwait(false);
        return WirePolicy.Policy(feed.Current);
    }

    public async ValueTask<Explanation> ExplainPolicyAsync(Caller caller, ExplainPolicyRequest request, CancellationToken cancellationToken)
    {
        var grant = await EnterAsync(caller, UsbHostMethods.ExplainPolicy, cancellationToken, request.Device, request.Guest).ConfigureAwait(false);
        var state = feed.Current;
        var device = OneDevice(state, grant, request.Device);
        var guest = request.Guest.Length == 0 ? (Policy.Identity.GuestId?)null : OneGuest(state, grant, request.Guest, mayBeUnknown: true);
        return WirePolicy.Explanation(state, device, guest, grant, time.GetUtcNow());
    }

    public async ValueTask<ReloadPolicyResponse> ReloadPolicyAsync(Caller caller, ReloadPolicyRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.ReloadPolicy, cancellationToken, verb: "policy-reload").ConfigureAwait(false);
        try
        {
            var (before, after) = await rules.RunAsync(caller.Owner, caller.Door, cancellationToken).ConfigureAwait(false);
            var response = new ReloadPolicyResponse { Files = (uint)after.Rules.Files.Length, Rules = (uint)after.Rules.Set.Rules.Length };
            response.Warnings.AddRange(after.Rules.Warnings);
            if (after.Earlier is not null)
            {
                response.Warnings.Add(Unrecorded);
            }

            response.Lost.AddRange(Permission.Lost(before, after).Select(e => WireClaims.Claim(after, e, time.GetUtcNow())));
            return response;
        }
        catch (RulesException e)
        {
            throw new HostException(
                ErrorCode.ErrorRulesRefused, $"the rules were not loaded, the old ones stay in force: {OneLine.Of(e.Message)}", e.File is { } file
                    ? $"mend the file; see whether it is in order: usbhostctl policy-check {CommandText.Typed(file, "FILE")}, then ask again"
                    : "mend that, then ask again");
        }
    }

    public async ValueTask<GeneratePolicyResponse> GeneratePolicyAsync(Caller caller, GeneratePolicyRequest request, CancellationToken cancellationToken)
    {
        await EnterAsync(caller, UsbHostMethods.GeneratePolicy, cancellationToken).ConfigureAwait(false);
        return new GeneratePolicyResponse { Rules = WirePolicy.Generated(feed.Current, request) };
    }

    /// <summary>Null where the rules as they are written are in force.</summary>
    private string? RulesWaiting(HostState state) =>
        rules.Fault is { } fault ? $"not loaded, the rules before stay in force: {fault} is not in order; the log says what is wrong" : state.Earlier is null ? null : Unrecorded;
}
