#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An agent of usbhostd on a terminal: where a rule says ask, it asks which guest is to have the device.

Needs python3-gi. Runs until its input ends. The answer is a line: the number of a guest, or nothing for none; with ! behind it, "2!" or "!",
it is remembered.

    usbhost-agent.py
    usbhost-agent.py unix:path=/run/dbus/system_bus_socket
"""
import sys

from gi.repository import Gio, GLib

NAME = "org.usbhostd.UsbHost1"
MANAGER = "/org/usbhostd/UsbHost1"
AGENT = "/agent"
CONTRACT = """
<node>
  <interface name="org.usbhostd.UsbHost1.Agent">
    <method name="Ask">
      <arg type="a{sv}" direction="in"/><arg type="aa{sv}" direction="in"/><arg type="a{sv}" direction="in"/>
      <arg type="s" direction="out"/><arg type="b" direction="out"/>
    </method>
    <method name="Cancel"><arg type="s" direction="in"/><arg type="s" direction="in"/></method>
    <method name="Release"/>
  </interface>
</node>
"""


def plain(text):
    """A device's own strings are whatever its maker wanted them to be: nothing of them reaches the terminal but what can be read."""
    return "".join(c if c.isprintable() else "?" for c in text)


class Agent:
    """Asks one question after the other; those that wait are in order."""

    def __init__(self, bus):
        self.bus = bus
        self.waiting = []

    def register(self, owner):
        """With the daemon that has the name now."""
        self.owner = owner
        self.bus.call_sync(NAME, MANAGER, NAME + ".Manager", "RegisterAgent", GLib.Variant("(oa{sv})", (AGENT, {})), None, 0, -1, None)
        print("registered", flush=True)

    def called(self, _bus, sender, _path, _interface, method, arguments, call):
        """A method of the agent's."""
        if sender != self.owner:
            call.return_dbus_error("org.freedesktop.DBus.Error.AccessDenied", "only usbhostd asks")
        elif method == "Ask":
            device, guests, _options = arguments.unpack()
            self.waiting.append((device, guests, call))
            self.show(first=len(self.waiting) == 1)
        else:
            if method == "Cancel":
                self.cancel(*arguments.unpack())
            call.return_value(None)

    def show(self, first=True):
        """Shows the question that is next."""
        if self.waiting and first:
            device, guests, _call = self.waiting[0]
            print(f"{plain(device['ProductName'])} ({device['VendorId']}:{device['ProductId']}) on port {device['Port']}: which guest?")
            for number, guest in enumerate(guests, 1):
                print(f"  {number}  {plain(guest['Name'])}")
            print("number, or nothing for none; ! behind it: from now on", flush=True)

    def cancel(self, device, reason):
        """Nobody waits for this answer any more."""
        first = bool(self.waiting) and self.waiting[0][0]["Id"] == device
        for question in [q for q in self.waiting if q[0]["Id"] == device]:
            self.waiting.remove(question)
            question[2].return_dbus_error("org.usbhostd.UsbHost1.Agent.Cancelled", "cancelled")
            print(f"no need to answer any more: {plain(reason)}", flush=True)
        self.show(first)

    def answer(self, line):
        """A line of the person's, for the question that is shown."""
        if self.waiting:
            _device, guests, call = self.waiting[0]
            choice, remember = line.strip().rstrip("!").strip(), line.strip().endswith("!")
            if choice and not (choice.isdigit() and 1 <= int(choice) <= len(guests)):
                print(f"a number from 1 to {len(guests)}, please", flush=True)
                return
            self.waiting.pop(0)
            call.return_value(GLib.Variant("(sb)", (guests[int(choice) - 1]["Uuid"] if choice else "", remember)))
            self.show()


def main():
    """Until the input ends."""
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None) if len(sys.argv) > 1 else Gio.bus_get_sync(Gio.BusType.SYSTEM)
    agent = Agent(bus)
    interface = Gio.DBusNodeInfo.new_for_xml(CONTRACT).interfaces[0]
    bus.register_object(AGENT, interface, agent.called, None, None)
    loop = GLib.MainLoop()

    def typed(channel, _condition):
        line = channel.readline()
        if line:
            agent.answer(line)
        else:
            loop.quit()
        return bool(line)

    # A daemon that starts anew has forgotten its agents.
    Gio.bus_watch_name_on_connection(bus, NAME, Gio.BusNameWatcherFlags.NONE, lambda _bus, _name, owner: agent.register(owner), None)
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, typed)
    loop.run()


main()
