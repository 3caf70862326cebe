// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;

namespace UsbHostd.Lab.Doors;

/// <summary>The guest's own definition, by virsh. It can only ask: what is there, and what came of it, is read over gRPC.</summary>
/// <param name="host">Where virsh runs.</param>
/// <param name="client">For reading.</param>
public sealed class MetadataDoor(HostVm host, ApiClient client) : IDoor
{
    private const string Uri = "urn:usbhostd:domain:1";

    private readonly GrpcDoor _reading = new(client);
    private string _guest = "";

    public Task<string> ListAsync(string serial) => _reading.ListAsync(serial);

    public Task<(bool Allowed, int Line)> ExplainAsync(string device, string guest) => _reading.ExplainAsync(device, guest);

    public Task ClaimAsync(string device, string guest)
    {
        _guest = guest;
        return SetAsync(device, guest, "--live --config");
    }

    public async Task AttachedAsync() => await _reading.AttachedAsync((await DecidedAsync(_guest)).ClaimId);

    public async Task<ErrorCode> RefusedAsync(string device, string guest)
    {
        await SetAsync(device, guest, "--config");
        try
        {
            return (await DecidedAsync(guest)).Code;
        }
        finally
        {
            await RemoveAsync(guest, "--config");
        }
    }

    public Task ReleaseAsync() => RemoveAsync(_guest, "--live --config");

    private Task<string> SetAsync(string device, string guest, string where) => host.DoAsync(
        $"virsh metadata {guest} {where} --key usbhostd --uri {Uri} --set '<usb><claim device=\"{device}\"/></usb>'");

    private Task<string> RemoveAsync(string guest, string where) => host.DoAsync($"virsh metadata {guest} {where} --uri {Uri} --remove");

    /// <summary>The guest's only wish, once it is met or refused.</summary>
    private async Task<GuestWish> DecidedAsync(string guest)
    {
        using var deadline = new CancellationTokenSource(Within.Moments);
        await foreach (var change in client.StreamAsync<WatchEvent>("Watch", new WatchRequest { Kinds = { Kind.Guests } }, deadline.Token))
        {
            if (change.Guest?.Name == guest && change.Guest.Wishes is [{ } wish] && (wish.ClaimId.Length > 0 || wish.Code != ErrorCode.Unspecified))
            {
                return wish;
            }
        }

        throw new LabException($"the wish of {guest} was never decided");
    }
}
