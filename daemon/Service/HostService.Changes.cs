// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using UsbHostd.Api;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Reconcile;
using Guest = UsbHostd.Api.V1.Guest;

namespace UsbHostd.Daemon.Service;

/// <summary>What else changes.</summary>
internal sealed partial class HostService
{
    private const int MostText = 256;

    public async ValueTask<Device> SetDeviceLabelAsync(Caller caller, SetDeviceLabelRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "device-label";
        var grant = await EnterAsync(caller, UsbHostMethods.SetDeviceLabel, cancellationToken, request.Device, verb: Verb).ConfigureAwait(false);
        var (state, syspath) = await AskAsync(caller, Verb, request.Device, (current, now) =>
        {
            if (request.Label.Length > 64 || request.Label.Any(char.IsControl))
            {
                throw Refusals.Invalid("a label has at most 64 characters and no control characters", "choose a shorter or plainer one");
            }

            var device = OneDevice(current, grant, request.Device);
            var (id, label) = (current.IdOf(device), request.Label.Length == 0 ? null : request.Label);
            return (new Decided(
                [new StoreChange.RememberLabel(id, label), Audit(caller, now, Verb, id.ToString(), "ok", request.Label)],
                [new HostEvent.LabelWritten(id, label)]), device.Syspath);
        }, cancellationToken).ConfigureAwait(false);
        return state.Devices.TryGetValue(syspath, out var labelled) ? WireDevices.Device(state, labelled) : throw Refusals.NoDevice(request.Device);
    }

    public async ValueTask<Device> TrustSerialAsync(Caller caller, TrustSerialRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "device-trust-serial";
        var grant = await EnterAsync(caller, UsbHostMethods.TrustSerial, cancellationToken, request.Device, verb: Verb).ConfigureAwait(false);
        var (state, syspath) = await AskAsync(caller, Verb, request.Device, (current, now) =>
        {
            var device = OneDevice(current, grant, request.Device);
            var serial = device.SerialKey ?? throw Refusals.Invalid(
                $"the device on {device.PortPath} has no serial that could tell it apart", $"claim it by its port: usbhostctl attach port:{device.PortPath} GUEST --by port");
            if (current.DevicesByKey[serial].Length > 1)
            {
                throw ToException(current, grant, StillShared(current, device, [.. current.DevicesWith(serial).OrderBy(d => d.PortPath)]), now);
            }

            return (new Decided(
                [Audit(caller, now, Verb, current.IdOf(device).ToString(), "ok", "")],
                [new HostEvent.SerialTrusted(serial)]), device.Syspath);
        }, cancellationToken).ConfigureAwait(false);
        return state.Devices.TryGetValue(syspath, out var trusted) ? WireDevices.Device(state, trusted) : throw Refusals.NoDevice(request.Device);
    }

    public async ValueTask<Guest> StartGuestAsync(Caller caller, StartGuestRequest request, CancellationToken cancellationToken)
    {
        const string Verb = "guest-start";
        var grant = await EnterAsync(caller, UsbHostMethods.StartGuest, cancellationToken, guest: request.Guest, verb: Verb).ConfigureAwait(false);
        using var changes = feed.Subscribe();
        var (state, id) = await AskAsync(caller, Verb, request.Guest, (current, now) =>
        {
            var guest = OneGuest(current, grant, request.Guest, mayBeUnknown: false);
            if (!current.IsLibvirtAnswering)
            {
                throw LibvirtUnavailable(current);
            }

            if (!current.Guests.TryGetValue(guest, out var known))
            {
                throw new HostException(ErrorCode.ErrorGuestNotFound, $"libvirt knows no guest {request.Guest} now", "define it again: virsh define FILE");
            }

            if (known.Run is not null)
            {
                throw new HostException(ErrorCode.ErrorGuestActive, $"guest {known.Name} is running already", "its claimed devices are attached as it is");
            }

            return (new Decided(
                [new StoreChange.PutGuestStart(guest, now), Audit(caller, now, Verb, guest.ToString(), "ok", "")],
                [new HostEvent.GuestStartRequested(guest)]), guest);
        }, cancellationToken).ConfigureAwait(false);
        while (state.GuestStarts.TryGetValue(id, out var start))
        {
            if (start.Failure is { } why)
            {
                throw new HostException(ErrorCode.ErrorInternal, $"guest {state.GuestName(id)} could not be started: {why}", "see libvirt's log for this guest, /var/log/libvirt/qemu");
            }

            if (state.LibvirtSilentSince is not null)
            {
                // The start goes on once libvirt answers, which may be never.
                throw LibvirtUnavailable(state);
            }

            await changes.NextAsync(cancellationToken).ConfigureAwait(false);
            state = feed.Current;
        }

        return state.Guests.TryGetValue(id, out var guest) ? WireDevices.Guest(state, guest) : WireDevices.Undefined(state, id);
    }

    /// <summary>Naming one of them by its port would not help: both show the serial now.</summary>
    private static ClaimDecision.Refused StillShared(HostState state, Policy.Devices.UsbDevice device, ImmutableArray<Policy.Devices.UsbDevice> twins) => new(
        Refusal.Ambiguous,
        $"the serial of {StatusText.NameOf(state, device)} on {device.PortPath} is that of {twins.Length} devices now: {string.Join(", ", twins.Select(t => $"port:{t.PortPath}"))}",
        $"claim each by its port: usbhostctl attach port:{device.PortPath} GUEST --by port")
    { Candidates = twins, Device = device };

    private static HostException ToException(HostState state, Grant? grant, ClaimDecision.Refused refused, DateTimeOffset now)
    {
        var claim = refused.OtherClaim is { } id ? state.Claims.GetValueOrDefault(id) : null;
        var isUnseen = grant is not null
            && ((claim is not null && !grant.Sees(claim)) || (refused.OtherGuest is { } guest && !grant.Sees(state, guest)));
        return isUnseen
            ? new HostException(
                WireClaims.ErrorCode(refused.Why),
                $"{(refused.Device is { } device ? $"{StatusText.NameOf(state, device)} on {device.PortPath}" : "the device")} is taken by another guest or caller",
                "wait until it is released, or ask an operator")
            : new HostException(WireClaims.ErrorCode(refused.Why), refused.Message, refused.Hint)
            {
                Candidates = [.. refused.Candidates.Where(c => grant is null || grant.Sees(state, c)).Select(c => WireDevices.Device(state, c, grant))],
                Claim = claim is null ? null : WireClaims.Claim(state, claim, now),
                Guest = refused.OtherGuest is { } other ? WireDevices.Guest(state, other) : null,
            };
    }
}
