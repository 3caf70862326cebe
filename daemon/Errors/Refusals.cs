// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Daemon.Errors;

/// <summary>Refusals that more than one place makes, each with what to do now.</summary>
internal static class Refusals
{
    public static HostException Invalid(string message, string hint) => new(ErrorCode.ErrorInvalidArgument, message, hint);

    public static HostException Stopping() => new(ErrorCode.ErrorUnavailable, "usbhostd is stopping", "ask again when it runs; see whether it does: systemctl status usbhostd");

    public static HostException NotStored(StoreException why) => why.IsDiskFull
        ? new(ErrorCode.ErrorStorageFull, $"nothing was changed, because it could not be written down: {why.Message}", "make room on that file system, then ask again")
        : new(ErrorCode.ErrorInternal, $"nothing was changed, because it could not be written down: {why.Message}", "see why: journalctl -u usbhostd");

    public static HostException NotRead(StoreException why) => why.IsDiskFull
        ? new(ErrorCode.ErrorStorageFull, $"the database could not be copied: {why.Message}", "make room on that file system, then ask again")
        : new(ErrorCode.ErrorInternal, $"the database could not be read: {why.Message}", "see why: journalctl -u usbhostd");

    public static HostException NoClaim(string id) =>
        new(ErrorCode.ErrorClaimNotFound, $"there is no claim {id}", "see the claims that stand: usbhostctl claim-list; or all of them: usbhostctl claim-list --all");

    public static HostException NoDevice(string device) =>
        new(ErrorCode.ErrorDeviceNotFound, $"no device {device} is plugged in", "see what is there: usbhostctl device-list");
}
