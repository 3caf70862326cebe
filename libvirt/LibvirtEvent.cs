// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>Something that libvirt reported on a connection. Any event may be lost while the connection is down.</summary>
public abstract record LibvirtEvent
{
    private LibvirtEvent()
    {
    }

    /// <summary>A domain was defined, started, stopped and so on. Source: VIR_DOMAIN_EVENT_ID_LIFECYCLE.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    /// <param name="Name">Its name at the time of the event.</param>
    /// <param name="Type">What happened.</param>
    /// <param name="Detail">Why; its meaning depends on <paramref name="Type"/>, see the typed properties.</param>
    public sealed record Lifecycle(Guid Domain, string Name, DomainEventType Type, int Detail) : LibvirtEvent
    {
        /// <summary>How the configuration came about, or null if this isn't <see cref="DomainEventType.Defined"/>.</summary>
        public DomainEventDefinedDetail? Defined => Type == DomainEventType.Defined ? (DomainEventDefinedDetail)Detail : null;

        /// <summary>How the configuration went, or null if this isn't <see cref="DomainEventType.Undefined"/>.</summary>
        public DomainEventUndefinedDetail? Undefined => Type == DomainEventType.Undefined ? (DomainEventUndefinedDetail)Detail : null;

        /// <summary>How the domain started, or null if this isn't <see cref="DomainEventType.Started"/>.</summary>
        public DomainEventStartedDetail? Started => Type == DomainEventType.Started ? (DomainEventStartedDetail)Detail : null;

        /// <summary>Why the domain was paused, or null if this isn't <see cref="DomainEventType.Suspended"/>.</summary>
        public DomainEventSuspendedDetail? Suspended => Type == DomainEventType.Suspended ? (DomainEventSuspendedDetail)Detail : null;

        /// <summary>Why the domain runs again, or null if this isn't <see cref="DomainEventType.Resumed"/>.</summary>
        public DomainEventResumedDetail? Resumed => Type == DomainEventType.Resumed ? (DomainEventResumedDetail)Detail : null;

        /// <summary>How the domain ended, or null if this isn't <see cref="DomainEventType.Stopped"/>.</summary>
        public DomainEventStoppedDetail? Stopped => Type == DomainEventType.Stopped ? (DomainEventStoppedDetail)Detail : null;
    }

    /// <summary>The guest rebooted or was reset; its devices stay. Source: VIR_DOMAIN_EVENT_ID_REBOOT.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    public sealed record Rebooted(Guid Domain) : LibvirtEvent;

    /// <summary>A device was attached to a running domain. Source: VIR_DOMAIN_EVENT_ID_DEVICE_ADDED.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    /// <param name="Alias">The device's alias.</param>
    public sealed record DeviceAdded(Guid Domain, string Alias) : LibvirtEvent;

    /// <summary>A device is gone from a running domain. Source: VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    /// <param name="Alias">The device's alias.</param>
    public sealed record DeviceRemoved(Guid Domain, string Alias) : LibvirtEvent;

    /// <summary>The guest refused to let go of a device. Source: VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    /// <param name="Alias">The device's alias.</param>
    public sealed record DeviceRemovalFailed(Guid Domain, string Alias) : LibvirtEvent;

    /// <summary>A part of the domain's metadata was set or removed. Source: VIR_DOMAIN_EVENT_ID_METADATA_CHANGE.</summary>
    /// <param name="Domain">UUID of the domain.</param>
    /// <param name="Namespace">The XML namespace of an element of one's own; empty for title and description.</param>
    public sealed record MetadataChanged(Guid Domain, string Namespace) : LibvirtEvent;

    /// <summary>
    /// The connection is dead; dispose it and open another. Comes once at most, and never after <see cref="LibvirtConnection.Dispose"/>.
    /// Source: virConnectRegisterCloseCallback.
    /// </summary>
    /// <param name="Reason">What ended it.</param>
    public sealed record ConnectionClosed(ConnectionCloseReason Reason) : LibvirtEvent;
}
