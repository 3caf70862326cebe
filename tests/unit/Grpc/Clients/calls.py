#!/usr/bin/python3
"""Calls a usbhostd whose answers the test knows, and prints one line for each call: CASE RESULT.

calls.py FOLDER-OF-usbhost.py DESCRIPTORS TARGET AUTHORITY-OR-EMPTY [CA CERTIFICATE KEY]
"""
import sys
import threading

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
import usbhost  # noqa: E402

contract = usbhost.Contract(sys.argv[2])
ca, certificate, key = [open(path, "rb").read() for path in sys.argv[5:8]] or [None] * 3
channel = usbhost.connect(sys.argv[3], sys.argv[4] or None, (ca, key, certificate) if ca else None)
host = usbhost.UsbHost(contract, channel)
PATIENCE = 60


def failure(call):
    try:
        call()
        return None
    except grpc.RpcError as error:
        return error


def said(case, *words):
    print(case, *words, flush=True)


said("unary", host.call("GetVersion", timeout=PATIENCE).daemon)
said("devices", len(host.call("ListDevices", timeout=PATIENCE).devices))
said("watch", *[event.claim.id for event in host.call("Watch", contract.message("WatchRequest")(claim_id="three"), timeout=PATIENCE)])
said("deadline", failure(lambda: host.call("GetHealth", timeout=0.2)).code().name)

refused = failure(lambda: host.call("GetDevice", timeout=PATIENCE))
details = host.details(refused)
said("refused", refused.code().name, refused.details())
said("detail", details["ErrorDetail"].hint, *[device.id for device in details["ErrorDetail"].candidates])
said("info", details["ErrorInfo"].domain, details["ErrorInfo"].reason, details["ErrorInfo"].metadata["candidates"])
said("help", *[link.url for link in details["Help"].links])

endless = host.call("Watch", contract.message("WatchRequest")(claim_id="endless"))
first = next(endless)
endless.cancel()
said("cancel", first.claim.id, failure(lambda: next(endless)).code().name)

# Many at once over one connection, as long as any of them lasts.
answers = []
threads = [threading.Thread(target=lambda: answers.append(host.call("GetVersion", timeout=PATIENCE).daemon)) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
said("parallel", len(answers))
