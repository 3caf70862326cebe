#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of usbhostd in Python, without generated code: it reads the contract as a file descriptor set.

Needs python3-grpcio and python3-protobuf. Make the set once:

    protoc --include_imports --descriptor_set_out=usbhostd.pb -I api api/usbhostd.proto api/google/rpc/*.proto

    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock devices
    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock watch
    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock claim usb:0951:1666 GUEST

A usbhostd on another host is HOST:PORT, with --tls-ca, --tls-certificate and --tls-key, each a file in PEM.
"""
import argparse
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Contract:
    """The messages and methods of the files in a descriptor set, in the order that protoc writes: imports first."""

    def __init__(self, path):
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as stream:
            files.ParseFromString(stream.read())
        for file in files.file:
            self.pool.Add(file)
        self._factory = message_factory.MessageFactory(self.pool)

    def message(self, name):
        """The class of usbhostd.v1.NAME, or of any message by its full name."""
        found = self.pool.FindMessageTypeByName(name if "." in name else "usbhostd.v1." + name)
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(found)
        return self._factory.GetPrototype(found)


class UsbHost:
    """The calls of service usbhostd.v1.UsbHost."""

    def __init__(self, contract, channel):
        self.contract = contract
        self._service = contract.pool.FindServiceByName("usbhostd.v1.UsbHost")
        self._channel = channel

    def call(self, method, request=None, **how):
        """The answer, or for Watch an iterator of them; HOW is timeout= and whatever else grpcio takes."""
        found = self._service.methods_by_name[method]
        request = request or self.contract.message(found.input_type.full_name)()
        kind = self._channel.unary_stream if method == "Watch" else self._channel.unary_unary
        return kind(
            "/usbhostd.v1.UsbHost/" + method,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.contract.message(found.output_type.full_name).FromString,
        )(request, **how)

    def details(self, error):
        """Everything that an error says besides its message, by type: ErrorDetail (code, message, hint, what stands in the way), and
        google.rpc's ErrorInfo and Help."""
        known = {}
        for key, packed in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                for part in self.contract.message("google.rpc.Status").FromString(packed).details:
                    name = part.type_url.rpartition("/")[2]
                    known[name.rpartition(".")[2]] = self.contract.message(name).FromString(part.value)
        return known


def connect(target, authority=None, tls=None):
    """TLS is the bytes of three PEM files: the authorities, our key, our certificate."""
    # An inventory may be larger than the 4 MiB that grpcio takes unless told otherwise.
    options = [("grpc.max_receive_message_length", 64 << 20)]
    if authority is not None:
        options.append(("grpc.default_authority", authority))
    if tls is not None:
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(*tls), options)
    return grpc.insecure_channel(target, options)


def tls_of(arguments):
    """What connect() takes, from the command line; None without --tls-ca."""
    def read(path):
        if path is None:
            return None
        with open(path, "rb") as stream:
            return stream.read()

    return [read(path) for path in (arguments.tls_ca, arguments.tls_key, arguments.tls_certificate)] if arguments.tls_ca else None


def run(host, verb, arguments):
    message = host.contract.message
    if verb == "devices":
        for device in host.call("ListDevices", timeout=10).devices:
            print(device.id, device.vendor_id + ":" + device.product_id, ascii(device.product_name))
    elif verb == "watch":
        kinds = message("WatchEvent").DESCRIPTOR.enum_types_by_name["Type"].values_by_number
        for event in host.call("Watch"):
            kind = event.WhichOneof("object")
            found = getattr(event, kind) if kind else None
            print(kinds[event.type].name, kind or "-", found and (found.uuid if kind == "guest" else found.id) or "", flush=True)
    else:
        device, guest = arguments
        print(host.call("CreateClaim", message("CreateClaimRequest")(device=device, guest=guest), timeout=10).id)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--tls-ca", "--tls-certificate", "--tls-key"):
        parser.add_argument(option, metavar="FILE")
    for name in ("contract", "target"):
        parser.add_argument(name)
    verbs = parser.add_subparsers(dest="verb", metavar="devices | watch | claim DEVICE GUEST", required=True)
    for verb, names in {"devices": (), "watch": (), "claim": ("device", "guest")}.items():
        one = verbs.add_parser(verb)
        for name in names:
            one.add_argument(name)
    arguments = parser.parse_args()
    with connect(arguments.target, tls=tls_of(arguments)) as channel:
        host = UsbHost(Contract(arguments.contract), channel)
        try:
            run(host, arguments.verb, [vars(arguments)[name] for name in ("device", "guest") if name in vars(arguments)])
        except grpc.RpcError as error:
            details = host.details(error)
            hint = "%s %s" % (details["ErrorInfo"].reason, details["ErrorDetail"].hint) if "ErrorInfo" in details else ""
            sys.exit("%s\n%s" % (error.details(), hint))


if __name__ == "__main__":
    main()
