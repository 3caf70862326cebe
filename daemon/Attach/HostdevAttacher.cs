// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Core.Claims;
using UsbHostd.Core.Evaluation;
using UsbHostd.Core.Presentation;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Guests;
using UsbHostd.Daemon.Usb;
using UsbHostd.Policy.Devices;

namespace UsbHostd.Daemon.Attach;

/// <summary>hostdev passthrough: libvirt opens the device over usbfs and QEMU takes it from the host's drivers.</summary>
internal sealed class HostdevAttacher(IUsbHost usb, IUsbWriter writer, IGuestHost guests, UseLook look, ChannelWriter<HostEvent> events) : IAttacher
{
    public ActionOutcome Attach(HostAction.AttachDevice action)
    {
        // The plan may be older than the device: what counts is what is there now.
        if (usb.Read(action.Device.Syspath) is not { } device || device.Plug != action.Device.Plug)
        {
            return new ActionOutcome.Failed(ClaimReason.DeviceAbsent, "the device went away before it could be attached", Transient: true);
        }

        if (!action.Forced && UseOf(device) is { } use)
        {
            return new ActionOutcome.Failed(ClaimReason.InUseByHost, HostUseText.Message(use), Transient: true) { Use = use };
        }

        try
        {
            Authorize(device, action.Jailed);
            guests.AttachLive(action.Into, HostdevXml.Write(device, action.Alias, action.GuestReset, ControllerFor(device, action)));
            guests.Refresh(action.Into);
            Reread(device);
            return new ActionOutcome.Done();
        }
        catch (GuestHostException e)
        {
            Reread(device);
            return new ActionOutcome.Failed(e.Reason, e.Message, e.IsTransient) { Holder = e.Holder };
        }
        catch (IOException e)
        {
            return new ActionOutcome.Failed(ClaimReason.AttachFailed, e.Message, Transient: true);
        }
    }

    public ActionOutcome Detach(HostAction.DetachDevice action)
    {
        try
        {
            Confine(action);
            guests.DetachLive(action.From, action.Alias.ToString());
            guests.Refresh(action.From);
            return new ActionOutcome.Done();
        }
        catch (GuestHostException e)
        {
            return new ActionOutcome.Failed(e.Reason == ClaimReason.AttachFailed ? ClaimReason.DetachFailed : e.Reason, e.Message, e.IsTransient);
        }
        catch (IOException e)
        {
            return new ActionOutcome.Failed(ClaimReason.DetachFailed, e.Message, Transient: true);
        }
    }

    /// <summary>
    /// Another attach to this guest may have taken the port that was free when this one was planned, and libvirt looks for none beyond
    /// the controller that it is told.
    /// </summary>
    private int? ControllerFor(UsbDevice device, HostAction.AttachDevice action) =>
        action.Controller is not null && guests.Refresh(action.Into) is { } guest
            ? GuestFit.ControllerFor(device, guest) ?? action.Controller
            : action.Controller;

    private void Authorize(UsbDevice device, bool jailed)
    {
        if (jailed)
        {
            writer.ApplyJail(device, JailRole.Lent);
        }
        else
        {
            writer.Authorize(device);
        }
    }

    /// <summary>First, or the kernel would probe the host's drivers when libusb hands the interfaces back.</summary>
    private void Confine(HostAction.DetachDevice action)
    {
        if (action.Confines is { } syspath && usb.Read(syspath) is { } device && device.Plug == action.Alias.Plug)
        {
            writer.ApplyJail(device, JailRole.Confined);
        }
    }

    /// <summary>What stands against it; one that may be over in a moment last, for it is tried again sooner.</summary>
    private HostUse? UseOf(UsbDevice device)
    {
        var uses = device.Uses.Where(u => u.IsGuarded).Concat(look.Look(device)).OrderBy(u => u.MayBeBrief).ToList();
        return uses.Count > 0 ? uses[0]
            : device.Interfaces.Any(i => i.Driver == UsbInterface.UsbfsDriver) ? new HostUse(HostUseKind.Process, "a process holds it over usbfs")
            : null;
    }

    /// <summary>The interfaces' drivers as they are now, ahead of the uevents that say the same.</summary>
    private void Reread(UsbDevice device)
    {
        if (usb.Read(device.Syspath) is { } now)
        {
            events.TryWrite(new HostEvent.DeviceReread(now));
        }
    }
}
