// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf.WellKnownTypes;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Guests;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using V1 = UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Devices and guests as the contract shows them. The core knows nothing of the contract.</summary>
internal static class WireDevices
{
    /// <summary>A device is free where a claim for some guest would not be refused for the device's sake.</summary>
    public static V1.Statistics Statistics(HostState state)
    {
        var statistics = new V1.Statistics();
        foreach (var pair in state.Devices.Values.Where(d => !d.IsHub).GroupBy(d => d.UsbId).OrderBy(g => g.Key.Vendor).ThenBy(g => g.Key.Product))
        {
            statistics.Pairs.Add(new V1.IdPairStatistics
            {
                VendorId = $"{pair.Key.Vendor:x4}",
                ProductId = $"{pair.Key.Product:x4}",
                Total = (uint)pair.Count(),
                Free = (uint)pair.Count(d => IsFree(state, d)),
                Claimed = (uint)pair.Count(d => Assessor.OwnerOf(state, d) is not null),
            });
        }

        return statistics;
    }

    private static bool IsFree(HostState state, UsbDevice device) =>
        Assessor.OwnerOf(state, device) is null && !device.Uses.Concat(state.FoundUsesOf(device)).Any(u => u.IsGuarded) && Permission.WhyNotAnybody(state, device) is null
        && state.AttachmentsByAddress[device.Address].IsEmpty;

    /// <summary>In the order of their ports.</summary>
    /// <param name="grant">As for <see cref="Device(HostState, UsbDevice, Grant)"/>.</param>
    public static V1.ListDevicesResponse Devices(HostState state, IEnumerable<UsbDevice> devices, Grant? grant)
    {
        var response = new V1.ListDevicesResponse();
        response.Devices.AddRange(devices
            .OrderBy(d => d.PortPath)
            .Select(d => Device(state, d, grant)));
        return response;
    }

    /// <param name="grant">Of whom it is shown to: without the guest that has it and the claim, where that one does not see these. Null for somebody who sees all.</param>
    public static V1.Device Device(HostState state, UsbDevice device, Grant? grant)
    {
        var wire = Device(state, device);
        if (grant is null or { SeesAll: true })
        {
            return wire;
        }

        if (Assessor.OwnerOf(state, device) is { } owner && !grant.Sees(owner))
        {
            wire.ClaimId = "";
        }

        if (wire.Guest is { } guest && !grant.Sees(state, new GuestId(Guid.Parse(guest.Uuid))))
        {
            wire.Guest = null;
        }

        foreach (var use in wire.Uses.Where(u => u.Kind == V1.HostUse.Types.Kind.GuestNode))
        {
            // Which guest, and where, is not for somebody who sees his own only.
            use.Detail = "a guest has one of its nodes";
        }

        return wire;
    }

    public static V1.Device Device(HostState state, UsbDevice device)
    {
        var owner = Assessor.OwnerOf(state, device);
        var inside = state.AttachmentsByAddress[device.Address].FirstOrDefault(p => p.Attachment.Ours is null || p.Attachment.Ours.Plug == device.Plug);
        var wire = new V1.Device
        {
            Id = state.IdOf(device).ToString(),
            VendorId = $"{device.UsbId.Vendor:x4}",
            ProductId = $"{device.UsbId.Product:x4}",
            VendorName = device.Manufacturer ?? device.VendorFromDatabase ?? "",
            ProductName = device.Product ?? device.ProductFromDatabase ?? "",
            ProductString = device.Product ?? "",
            Serial = device.Serial ?? "",
            SerialUnique = device.SerialKey is { } key && !state.SharedSerials.Contains(key) && state.DevicesByKey[key].Length == 1,
            Label = state.Labels.GetValueOrDefault(state.IdOf(device)) ?? "",
            Port = device.PortPath.ToString(),
            PortKey = device.PortKey.Text,
            IdPath = device.IdPath ?? "",
            Bus = (uint)device.Address.Bus,
            Device_ = (uint)device.Address.Device,
            Plug = device.Plug.ToString(),
            SpeedMbps = Mbps(device.Speed),
            DeviceRelease = Bcd(device.BcdDevice),
            UsbRelease = Bcd(device.BcdUsb),
            DeviceClass = device.Class.ToString(),
            DeviceNode = device.DeviceNode,
            Controller = device.Controller.ToString(),
            Hub = device.IsHub,
            Authorized = device.Authorized,
            ClaimId = owner?.Id.ToString() ?? "",
            Guest = inside is null ? null : Guest(state, inside.Guest),
            DescriptorFault = device.DescriptorFault ?? "",
            Syspath = device.Syspath,
            Hash = device.Hash ?? "",
            ParentHash = device.ParentHash ?? "",
            ConnectType = device.ConnectType ?? "",
        };
        wire.Interfaces.AddRange(device.Interfaces.Select(i => Interface(device, i)));
        wire.InterfaceTypes.AddRange(device.InterfaceTypes.Select(type => type.ToString()));
        wire.Uses.AddRange(device.Uses.Concat(inside is null ? state.FoundUsesOf(device) : []).Select(Use));
        return wire;
    }

    /// <param name="grant">Of whom it is shown to: without the claims, and what its definition asks for, where these are not the caller's.</param>
    public static V1.Guest Guest(HostState state, Guest guest, Grant grant)
    {
        var wire = Guest(state, guest);
        if (grant.SeesAll)
        {
            return wire;
        }

        var seen = state.ClaimsByGuest[guest.Id].Where(id => grant.Sees(state.Claims[id])).Select(id => id.ToString()).ToHashSet(StringComparer.Ordinal);
        string[] claims = [.. wire.ClaimIds.Where(seen.Contains)];
        wire.ClaimIds.Clear();
        wire.ClaimIds.AddRange(claims);
        wire.Wishes.Clear();
        foreach (var attachment in wire.Attachments.Where(a => !seen.Contains(a.ClaimId)))
        {
            attachment.ClaimId = "";
            attachment.Alias = "";
        }

        return wire;
    }

    private static V1.HostUse Use(HostUse use) => new() { Kind = KindOf(use.Kind), Detail = use.Detail, Guarded = use.IsGuarded };

    private static V1.HostUse.Types.Kind KindOf(HostUseKind kind) => kind switch
    {
        HostUseKind.Mount => V1.HostUse.Types.Kind.Mount,
        HostUseKind.Swap => V1.HostUse.Types.Kind.Swap,
        HostUseKind.Volume => V1.HostUse.Types.Kind.Volume,
        HostUseKind.Network => V1.HostUse.Types.Kind.Network,
        HostUseKind.DefaultRoute => V1.HostUse.Types.Kind.DefaultRoute,
        HostUseKind.Input => V1.HostUse.Types.Kind.Input,
        HostUseKind.LastKeyboard => V1.HostUse.Types.Kind.LastKeyboard,
        HostUseKind.Process => V1.HostUse.Types.Kind.Process,
        HostUseKind.Loop => V1.HostUse.Types.Kind.Loop,
        HostUseKind.GuestNode => V1.HostUse.Types.Kind.GuestNode,
        HostUseKind.Exclusive => V1.HostUse.Types.Kind.Exclusive,
        HostUseKind.UserMount => V1.HostUse.Types.Kind.UserMount,
        _ => V1.HostUse.Types.Kind.Unspecified,
    };

    public static V1.Guest Guest(HostState state, Guest guest)
    {
        var wire = new V1.Guest
        {
            Uuid = guest.Id.ToString(),
            Name = guest.Name,
            State = (V1.Guest.Types.State)((int)guest.State + 1),
            Persistent = guest.IsPersistent,
            DomainId = (uint)Math.Max(0, guest.Run?.DomainId ?? 0),
            Starting = state.GuestStarts.TryGetValue(guest.Id, out var start) && start.Failure is null,
        };
        wire.Attachments.AddRange(guest.Attachments.Select(a => new V1.Attachment
        {
            Alias = a.Alias,
            Bus = (uint)(a.Address?.Bus ?? 0),
            Device = (uint)(a.Address?.Device ?? 0),
            ClaimId = a.Ours?.Claim.ToString() ?? "",
            Missing = a.Missing,
        }));
        wire.Controllers.AddRange(guest.Controllers.Select(c => new V1.UsbController
        {
            Index = (uint)c.Index,
            Model = c.Model,
            Ports = (uint)c.Ports,
            FreePorts = (uint)c.FreePorts,
        }));
        wire.ClaimIds.AddRange(StandingClaims(state, guest.Id));
        wire.Wishes.AddRange(state.Wishes.GetValueOrDefault(guest.Id, []).Select(o => new V1.GuestWish
        {
            Device = o.Wish.Device,
            Optional = o.Wish.Optional,
            ClaimId = o.Claim?.ToString() ?? "",
            Code = o.Refused is { } refused ? WireClaims.ErrorCode(refused.Why) : V1.ErrorCode.Unspecified,
            Message = o.Refused?.Message ?? "",
            Hint = o.Refused?.Hint ?? "",
        }));
        return wire;
    }

    /// <summary>A guest that libvirt does not show now, from what is remembered.</summary>
    public static V1.Guest Undefined(HostState state, GuestId id)
    {
        var wire = new V1.Guest { Uuid = id.ToString(), Name = state.GuestNames.GetValueOrDefault(id) ?? "", State = V1.Guest.Types.State.Undefined };
        wire.ClaimIds.AddRange(StandingClaims(state, id));
        return wire;
    }

    public static V1.GuestRef Guest(HostState state, GuestId id) => new()
    {
        Uuid = id.ToString(),
        Name = state.Guests.TryGetValue(id, out var guest) ? guest.Name : state.GuestNames.GetValueOrDefault(id) ?? "",
    };

    public static V1.DeviceAnswer Answer(HostState state, Core.Claims.Answer answer)
    {
        var device = state.DevicesWith(answer.Follows).FirstOrDefault(d => d.UsbId == answer.UsbId);
        return Answer(state, answer, device);
    }

    private static V1.DeviceAnswer Answer(HostState state, Core.Claims.Answer answer, UsbDevice? device) => new()
    {
        Id = answer.Id.ToString(),
        Key = answer.Follows.Text,
        UsbId = answer.UsbId.ToString(),
        DeviceName = state.Remembered.TryGetValue(Policy.Identity.DeviceId.Of(answer.Follows, answer.UsbId), out var known)
            ? state.Labels.GetValueOrDefault(known.Id) ?? known.Name
            : answer.UsbId.ToString(),
        Guest = answer.Guest is { } guest ? Guest(state, guest) : null,
        Remembered = answer.IsRemembered,
        InUse = IsInUse(state, answer),
        Owner = answer.Owner,
        Door = answer.Door,
        Serial = DeviceMark.SerialOf(state, answer.Follows, [answer.UsbId], device),
        Port = DeviceMark.PortOf(state, answer.Follows, [answer.UsbId], device),
        At = Time(answer.At),
    };

    /// <summary>Whether the plug is in that the answer was given for or last used by.</summary>
    public static bool IsInUse(HostState state, Core.Claims.Answer answer) => state.DevicesWith(answer.Follows).Any(d => d.Plug == answer.Plug);

    public static Timestamp Time(DateTimeOffset at) => Timestamp.FromDateTimeOffset(at);

    private static IEnumerable<string> StandingClaims(HostState state, GuestId id) =>
        state.ClaimsByGuest[id].Where(c => state.Claims[c].Stands).Select(c => c.ToString());

    private static V1.Interface Interface(UsbDevice device, UsbInterface of)
    {
        var wire = new V1.Interface
        {
            Name = of.Name,
            Number = (uint)of.Number,
            Class = of.Class.ToString(),
            Driver = of.Driver ?? "",
            Authorized = of.Authorized,
        };
        var endpoints = device.Descriptors
            .Where(d => d.Configuration == device.ActiveConfiguration && d.Number == of.Number)
            .SelectMany(d => d.Endpoints).Distinct();
        wire.Endpoints.AddRange(endpoints.Select(e => new V1.Endpoint
        {
            Address = e.Address,
            Type = e.Type.ToString().ToLowerInvariant(),
            MaxPacketSize = e.MaxPacketSize,
            Interval = e.Interval,
        }));
        return wire;
    }

    private static string Bcd(ushort value) => $"{value >> 8:x}.{value & 0xff:x2}";

    private static double Mbps(UsbSpeed speed) => speed switch
    {
        UsbSpeed.Low => 1.5,
        UsbSpeed.Full => 12,
        UsbSpeed.High => 480,
        UsbSpeed.Super => 5000,
        UsbSpeed.SuperPlus => 10000,
        UsbSpeed.SuperPlusX2 => 20000,
        _ => 0,
    };
}
