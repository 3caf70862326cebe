#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
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

# What every gRPC server is asked, by the same library: health, and the contract itself over a stream both ways.
def standard(method, kind, request, answer):
    return kind(method, request_serializer=lambda message: message.SerializeToString(), response_deserializer=contract.message(answer).FromString)(
        request, timeout=PATIENCE)


def check(service):
    request = contract.message("grpc.health.v1.HealthCheckRequest")(service=service)
    return standard("/grpc.health.v1.Health/Check", channel.unary_unary, request, "grpc.health.v1.HealthCheckResponse")


said("health", check("usbhostd.v1.UsbHost").status, failure(lambda: check("x")).code().name)
questions = iter([contract.message("grpc.reflection.v1.ServerReflectionRequest")(list_services="*")])
reflected = standard(
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", channel.stream_stream, questions, "grpc.reflection.v1.ServerReflectionResponse")
said("reflection", *[service.name for answer in reflected for service in answer.list_services_response.service])

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
