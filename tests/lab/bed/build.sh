#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes what L1 and L2 boot from a stock Debian kernel package: the module tree, vmlinux and two initramfs. No disk image, no root needed.
# Output: $USBHOSTD_LAB/build-<kernel version>, found again through $USBHOSTD_LAB/build. A second run costs nothing unless a source changed.
set -euo pipefail
bed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=${USBHOSTD_LAB:-/var/tmp/usbhostd-lab}
die() { echo "lab build: $*" >&2; exit 1; }

# tool:package, so that the message names what to install
for pair in qemu-system-x86_64:qemu-system-x86 cpio:cpio depmod:kmod python3:python3 dpkg:dpkg apt-get:apt setpriv:util-linux \
    libvirtd:libvirt-daemon-system virsh:libvirt-clients dbus-daemon:dbus udevadm:udev ip:iproute2; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing="${missing-} ${pair#*:}"
done
busybox=$(command -v busybox || true)
if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then missing="${missing-} busybox-static"; fi
[ -e /usr/share/seabios/bios-256k.bin ] || missing="${missing-} seabios"
[ -z "${missing-}" ] || die "missing packages; as root: apt-get install -y --no-install-recommends$missing"
export PATH=$PATH:/usr/sbin:/sbin

mkdir -p "$lab" || die "cannot create $lab (set USBHOSTD_LAB to a folder you may write)"
exec 9>"$lab/build.lock"
flock -w 600 9 || die "another build has held $lab/build.lock for ten minutes"

kernel=${USBHOSTD_LAB_KERNEL:-}
if [ -z "$kernel" ]; then
    kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: linux-image-//p' | head -1)
fi
if [ -z "$kernel" ]; then # no package lists: what was built before is good enough
    kernel=$(readlink "$lab/build" 2>/dev/null | sed 's/^build-//') || true
    [ -n "$kernel" ] || die "apt knows no linux-image-amd64; run apt-get update as root, or set USBHOSTD_LAB_KERNEL"
fi
out=$lab/build-$kernel
mkdir -p "$out"; cd "$out"

if [ ! -e tree.done ]; then
    rm -rf k; rm -f linux-image-*.deb
    # The unsigned package holds a plain vmlinuz; a download as root into a private folder only warns about the _apt user.
    { apt-get download "linux-image-$kernel-unsigned" || apt-get download "linux-image-$kernel"; } >apt.log 2>&1 ||
        { cat apt.log >&2; die "cannot download the kernel package for $kernel (network, or run apt-get update)"; }
    dpkg -x linux-image-"$kernel"*.deb k
    [ -d k/lib/modules ] || ln -s usr/lib k/lib
    depmod -b "$out/k" "$kernel"
    python3 "$bed/vmlinux.py" "k/boot/vmlinuz-$kernel" vmlinux || die "cannot unpack k/boot/vmlinuz-$kernel"
    rm -f linux-image-*.deb
    touch tree.done
fi

# name, init script, modules...
initramfs() {
    local name=$1 init=$2 dir applet module; shift 2
    if [ "$name" -nt "$init" ] && [ "$name" -nt "$bed/build.sh" ] && [ "$name" -nt tree.done ]; then return; fi
    dir=$(mktemp -d); mkdir -p "$dir"/{bin,dev,proc,sys,run,tmp,lib/m,newroot,lower,ovl}
    cp "$busybox" "$dir/bin/busybox"
    install -m 755 "$init" "$dir/init"
    for applet in sh mount umount insmod switch_root mkdir ln cat echo ls sleep poweroff reboot dmesg grep head od; do
        ln -s busybox "$dir/bin/$applet"
    done
    for module in "$@"; do modprobe -d "$out/k" -S "$kernel" --show-depends "$module" || die "kernel $kernel has no module $module"; done |
        awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
            cp "$module" "$dir/lib/m/"; basename "$module"
        done >"$dir/lib/m/order"
    (cd "$dir" && find . | cpio -o -H newc --quiet --owner 0:0) >"$name.tmp"
    mv "$name.tmp" "$name"; rm -rf "$dir"
}
initramfs l1.cpio "$bed/l1-initramfs" virtio_pci 9pnet_virtio 9p overlay virtio_net
initramfs l2.cpio "$bed/l2-init" xhci_pci ehci_pci uhci_hcd usb_storage sd_mod usbhid hid_generic cdc_acm
ln -sfn "build-$kernel" "$lab/build"
echo "lab build: $out"
