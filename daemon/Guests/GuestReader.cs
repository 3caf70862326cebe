// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Core.Guests;
using UsbHostd.Daemon.Guests.Xml;
using UsbHostd.Libvirt;
using UsbHostd.Policy.Identity;

namespace UsbHostd.Daemon.Guests;

/// <summary>Reads one domain as it is now.</summary>
internal static class GuestReader
{
    /// <exception cref="LibvirtException">It is gone, or the connection is.</exception>
    public static Guest Read(LibvirtDomain domain, string bootId, QemuStartTimes startTimes)
    {
        var state = domain.GetState().State;
        var xml = DomainXml.Parse(domain.GetXml());

        // Of the same moment as the attachments: a guest that stops in between would look like one that runs and has lost its devices.
        var id = xml.Id;
        return new Guest
        {
            Id = new GuestId(domain.Uuid),
            Name = domain.Name,
            State = id is null && state != DomainState.Crashed ? GuestState.Shutoff : Map(state),
            Run = id is { } number ? new GuestRun(bootId, number, startTimes.Of(domain.Name)) : null,
            IsPersistent = domain.IsPersistent,
            Attachments = id is null ? [] : xml.Attachments,
            Controllers = xml.Controllers,
            Nodes = xml.Nodes,
            Wishes = xml.Wishes,
        };
    }

    private static GuestState Map(DomainState state) => state switch
    {
        DomainState.Running or DomainState.Blocked or DomainState.NoState => GuestState.Running,
        DomainState.Paused => GuestState.Paused,
        DomainState.PMSuspended => GuestState.Suspended,
        DomainState.Shutdown => GuestState.ShuttingDown,
        DomainState.Crashed => GuestState.Crashed,
        _ => GuestState.Shutoff,
    };
}
