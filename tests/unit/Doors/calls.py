#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls every method that standard input names, a line each: PATH UNARY-OR-STREAM REQUEST-AS-HEX.

calls.py TARGET [CA CERTIFICATE KEY] ; prints PATH STATUS DETAILS-AS-HEX. Of a stream the first answer counts, or its end.
"""
import sys

import grpc


def read(name):
    with open(name, "rb") as file:
        return file.read()


if len(sys.argv) > 2:
    channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(read(sys.argv[2]), read(sys.argv[4]), read(sys.argv[3])))
else:
    channel = grpc.insecure_channel(sys.argv[1])
for line in sys.stdin:
    path, kind, *request = line.split()
    message = bytes.fromhex(request[0] if request else "")
    try:
        if kind == "unary":
            channel.unary_unary(path)(message, timeout=60)
        else:
            stream = channel.unary_stream(path)(message, timeout=60)
            next(stream, None)
            stream.cancel()
        print(path, "OK", flush=True)
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        print(path, error.code().name, details.hex(), flush=True)
