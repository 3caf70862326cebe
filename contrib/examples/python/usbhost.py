#!/usr/bin/python3
"""A client of usbhostd in Python, without generated code: it reads the contract as a file descriptor set.

Needs python3-grpcio and python3-protobuf. Make the set once:

    protoc --include_imports --descriptor_set_out=usbhostd.pb -I api api/usbhostd.proto api/google/rpc/*.proto

    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock devices
    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock watch
    usbhost.py usbhostd.pb unix:/run/usbhostd/api.sock claim usb:0951:1666 GUEST
"""
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

    def detail(self, error):
        """usbhostd's own words for a refusal: code, message, hint, and what stands in the way. None if it has none."""
        trailers = dict(error.trailing_metadata() or ())
        if "grpc-status-details-bin" not in trailers:
            return None
        status = self.contract.message("google.rpc.Status").FromString(trailers["grpc-status-details-bin"])
        for packed in status.details:
            detail = self.contract.message("ErrorDetail")()
            if packed.type_url.endswith("/usbhostd.v1.ErrorDetail"):
                detail.ParseFromString(packed.value)
                return detail
        return None


def connect(target, authority=None):
    """An inventory may be larger than the 4 MiB that grpcio takes unless told otherwise."""
    options = [("grpc.max_receive_message_length", 64 << 20)]
    if authority is not None:
        options.append(("grpc.default_authority", authority))
    return grpc.insecure_channel(target, options)


def main(contract_path, target, verb, *arguments):
    contract = Contract(contract_path)
    with connect(target) as channel:
        host = UsbHost(contract, channel)
        try:
            if verb == "devices":
                for device in host.call("ListDevices", timeout=10).devices:
                    print(device.id, device.vendor_id + ":" + device.product_id, ascii(device.product_name))
            elif verb == "watch":
                kinds = contract.message("WatchEvent").DESCRIPTOR.enum_types_by_name["Type"].values_by_number
                for event in host.call("Watch"):
                    print(kinds[event.type].name, event.WhichOneof("object"), flush=True)
            elif verb == "claim":
                device, guest = arguments
                claim = host.call("CreateClaim", contract.message("CreateClaimRequest")(device=device, guest=guest), timeout=10)
                print(claim.id)
            else:
                sys.exit(__doc__)
        except grpc.RpcError as error:
            detail = host.detail(error)
            sys.exit("%s\n%s" % (error.details(), detail.hint if detail else ""))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
