#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A client of usbhostd on D-Bus, of which nothing is needed but busctl (systemd) and the system bus.
#
#     usbhost.sh devices
#     usbhost.sh claim usb:0951:1666 GUEST
#     usbhost.sh claims
#     usbhost.sh release CLAIM
#
# busctl escapes whatever a device says of itself. The whole contract: busctl introspect org.usbhostd.UsbHost1 /org/usbhostd/UsbHost1
set -eu

name=org.usbhostd.UsbHost1
root=/org/usbhostd/UsbHost1

# manager METHOD SIGNATURE ARGUMENT... : each method ends with options, a dictionary; here it has none
manager() {
    method=$1 signature=$2
    shift 2
    busctl --system call "$name" "$root" "$name.Manager" "$method" "${signature}a{sv}" "$@" 0
}

# properties PATH INTERFACE NAME... : on one line, as busctl writes them
properties() {
    path=$1 interface=$2
    shift 2
    busctl --system get-property "$name" "$path" "$name.$interface" "$@" | cut -d ' ' -f 2- | paste -s -d ' ' -
}

# each METHOD INTERFACE PROPERTY... : a line for every object that METHOD lists, ao COUNT "PATH" ...
each() {
    method=$1
    shift
    listed=$(manager "$method" '')
    for object in $(echo "$listed" | tr -d '"'); do
        case $object in /*) properties "$object" "$@" ;; esac
    done
}

usage() {
    echo "usage: usbhost.sh devices | claims | claim DEVICE GUEST | release CLAIM" >&2
    exit 2
}

case ${1-}/$# in
devices/1) each ListDevices Device Id VendorId ProductId ProductName ;;
claims/1) each ListClaims Claim Id DeviceName Phase Reason ;;
claim/3)
    claim=$(manager CreateClaim ss "$2" "$3")
    echo "$claim" | cut -d '"' -f 2
    ;;
release/2) manager ReleaseClaim s "$2" >/dev/null ;;
*) usage ;;
esac
