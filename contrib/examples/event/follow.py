#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command for each change that usbhostd tells of, where there is no udev, no systemd and no bus, as in a container.

    follow.py COMMAND [ARGUMENT...]

Needs usbhostctl, which finds the daemon's socket by itself or by USBHOSTD_CONNECT, and nothing but Python's own library. The command gets

    USBHOST_EVENT   changed, removed, or resync: changes were missed, so look at everything again
    USBHOST_KIND    device, claim or guest; empty for resync
    USBHOST_ID      the device's or claim's id, the guest's UUID
    USBHOST_STATE   of a claim: attached, waiting and so on
    USBHOST_GUEST   of a claim: its guest's name

and the whole event as JSON on its standard input. A device's own strings are only there: they are not to be trusted.
"""
import json
import os
import subprocess
import sys


def environment(event):
    kind = next((kind for kind in ("device", "claim", "guest") if kind in event), "")
    found = event.get(kind, {})
    return {
        "USBHOST_EVENT": event["type"].lower(),
        "USBHOST_KIND": kind,
        "USBHOST_ID": found.get("uuid" if kind == "guest" else "id", ""),
        "USBHOST_STATE": found.get("phase", "").lower() if kind == "claim" else "",
        "USBHOST_GUEST": found.get("guest", {}).get("name", "") if kind == "claim" else "",
    }


def main(command):
    with subprocess.Popen(["usbhostctl", "event", "--loop", "--json"], stdout=subprocess.PIPE, text=True, encoding="utf-8") as events:
        for line in events.stdout:
            # One after the other, so that a command sees changes in their order. A failure of one is that command's to report.
            subprocess.run(command, input=line, text=True, encoding="utf-8", check=False, env={**os.environ, **environment(json.loads(line))})
    # The daemon is gone, or was never there: whoever started this may start it again.
    return events.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
