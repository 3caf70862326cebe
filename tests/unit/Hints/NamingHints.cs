// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Core.Guests;
using UsbHostd.Tests.Reconcile.Sim;
using static UsbHostd.Tests.Hints.RefusalHints;

namespace UsbHostd.Tests.Hints;

/// <summary>Refusals because of what was named, or how, or by whom.</summary>
internal static class NamingHints
{
    public static IReadOnlyDictionary<ErrorCode, HintCase[]> All { get; } = new Dictionary<ErrorCode, HintCase[]>
    {
        [ErrorCode.ErrorInvalidArgument] =
        [
            Of("SerialWithIds", b => b.Plug(), $"{AttachLine} --by serial --follow 303a:1001"),
            Of("SerialOfAnEmptyPort", _ => { }, $"usbhostctl attach port:1-4 {GuestWord} --by serial", ("plug it in once", b => ThenAsk(b, null))) with
            {
                Chosen = Ids,
                Cured = b => PluggedIn(b),
            },
            Of("PortOfASerialNeverSeen", _ => { }, $"usbhostctl attach {Stick} {GuestWord} --by port", ("plug it in once", b => ThenAsk(b, null))) with { Cured = b => PluggedIn(b) },
            Of("PortOfASerialNeverSeenByIds", _ => { }, $"usbhostctl attach {Stick} {GuestWord} --follow 303a:1001", ("plug it in once", b => ThenAsk(b, null))) with { Cured = b => PluggedIn(b) },
            Of("EmptyPort", _ => { }, AttachLine) with { Chosen = Ids, Cured = b => PluggedIn(b) },
            Of("NoSerialToTrust", b =>
            {
                b.Device = Some.Stick(serial: null);
                b.Plug();
            }, "usbhostctl device-trust-serial port:1-4") with { Chosen = new(StringComparer.Ordinal) { ["GUEST"] = HintBed.GuestName } },
            Of("IdThatIsNone", b => b.Plug(), $"{AttachLine} --follow nonsense", ("write it as VENDOR:PRODUCT in hex, for example 0951:1666", b => b.AskAgain($"{AttachLine} --follow 0951:1667"))),
            Of("LongLabel", b => b.ClaimPlugged(), $"usbhostctl device-label port:1-4 {new string('x', 65)}", ("choose a shorter or plainer one", b => b.AskAgain("usbhostctl device-label port:1-4 x"))),
            Of("NoAnswer", b => b.ClaimPlugged(), "usbhostctl answer-forget aaaaaaaaaaaaa"),
        ],
        [ErrorCode.ErrorPermissionDenied] =
        [
            Of("", b =>
            {
                b.Plug();
                b.Caller = World.Nobody;
            }, AttachLine, ("roles are given under [roles] in usbhostd.conf(5)", b => b.Caller = World.Member), ("unless it says otherwise", b => b.AskAgain())),
        ],
        [ErrorCode.ErrorDeviceNotFound] =
        [
            Of("", _ => { }, $"usbhostctl attach id:daaaaaaaaaaaa {GuestWord}") with
            {
                Chosen = new(StringComparer.Ordinal) { ["serial:VENDOR:PRODUCT:SERIAL"] = Stick, ["port:PORT"] = "port:1-4", ["VENDOR:PRODUCT"] = "0951:1666" },
                Cured = b => PluggedIn(b),
            },
            Of("OfAUser", b => b.Caller = World.User, AttachLine,
                ("plug it in first", b => ThenAsk(b, null)), ("only an operator may claim a device that is away", _ => { })),
            Of("Info", b => b.ClaimPlugged(), "usbhostctl device-info id:daaaaaaaaaaaa"),
        ],
        [ErrorCode.ErrorGuestNotFound] =
        [
            Of("", b => b.Plug(), "usbhostctl attach port:1-4 nobody", ("a guest to come is named by its UUID", b => b.AskAgain($"usbhostctl attach port:1-4 {b.Guest.Id}"))),
        ],
        [ErrorCode.ErrorClaimNotFound] =
        [
            Of("", b => b.ClaimPlugged(), "usbhostctl claim-info caaaaaaaaaaaa"),
            Of("OfADevice", b =>
            {
                b.ClaimPlugged();
                b.World.Plugged(Some.Dongle(), "1-5");
            }, "usbhostctl detach port:1-5"),
            Of("OfAnotherGuest", b => b.ClaimPlugged(), "usbhostctl detach port:1-4 other"),
            Released("Released", b => b.ClaimPlugged()),
            Released("ReleasedOnce", b =>
            {
                b.Plug();
                b.Claim = b.World.Claim(b.Device, b.Guest, r => (r.Lifetime, r.Follow) = (Lifetime.UntilUnplug, Follow.Port));
            }),
            Released("ReleasedAndAway", b =>
            {
                b.ClaimPlugged();
                b.World.Do(h => h.Pull(b.Device));
            }),
            Released("ReleasedAndAwayByPort", b =>
            {
                b.Device = Some.Stick(serial: null);
                b.ClaimPlugged();
                b.World.Do(h => h.Pull(b.Device));
            }),
        ],
        [ErrorCode.ErrorAmbiguous] =
        [
            Of("Twins", b => TwinsThere(b), $"usbhostctl attach {Stick} {GuestWord}", ("name one of them: port:1-4, port:1-5", b => b.AskAgain(AttachLine))),
            Of("SerialOfATwin", b => TwinsThere(b), $"{AttachLine} --by serial"),
            Of("OneOfAKind", b =>
            {
                b.Device = Some.Stick(serial: null);
                b.Plug();
                b.World.Plugged(Some.Stick(serial: null), "1-5");
            }, $"usbhostctl attach usb:0951:1666 {GuestWord}", ("name one of them: port:1-4, port:1-5", b => b.AskAgain(AttachLine))),
            Of("TrustOfATwin", b => TwinsThere(b), "usbhostctl device-trust-serial port:1-4") with { Chosen = new(StringComparer.Ordinal) { ["GUEST"] = HintBed.GuestName } },
            Of("Guests", b =>
            {
                b.World.Claim(Stick, b.Other);
                b.World.Do(h => h.Undefine(b.Other));
                b.World.Do(h => h.Define(new FakeGuest { Id = new(new Guid(77, 0, 0, new byte[8])), Name = "other", State = GuestState.Running, DomainId = 77 }));
                b.Plug();
            }, "usbhostctl attach port:1-4 other --move", ("name one by its UUID: uuid:", b =>
            {
                b.AskAgain($"usbhostctl attach port:1-4 uuid:{b.World.Host.Guests[^1].Id} --move");
                b.AskAgain($"{AttachLine} --move");
            })),
        ],
    };
}
