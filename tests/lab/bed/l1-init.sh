#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# PID 1 of L1: a Debian host without systemd. Everything it writes lands in the tmpfs overlay; the outer machine is never changed.
for word in $(</proc/cmdline); do case $word in bed=*|lab=*|kernels=*) declare "$word";; esac; done
# shellcheck disable=SC2154 # from the kernel's command line, which init has as its environment
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 BED=$bed USBHOSTD_LAB=$lab LAB_BUILD=$kernels
up() { read -r seconds _ </proc/uptime; echo "L1 [$seconds] $*"; }
fail() { up "FAILED: $*"; sync; echo o >/proc/sysrq-trigger; sleep 5; }

# As systemd does. An umount then also reaches the mount namespaces that libvirt makes for its guests, or a disk stays in use there.
mount --make-rshared /
umount -l /proc /sys /dev 2>/dev/null
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/dbus /run/libvirt /run/lab /run/udev/rules.d
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
rm -rf /lib/modules; ln -s "$kernels/k/lib/modules" /lib/modules
hostname l1
[ -s /etc/machine-id ] || echo 0123456789abcdef0123456789abcdef >/etc/machine-id
echo 1 >/proc/sys/kernel/printk
ip link set lo up
for link in /sys/class/net/e*; do
    nic=${link##*/}; ip link set "$nic" up; ip addr add 10.0.2.15/24 dev "$nic"; ip route add default via 10.0.2.2
done
up "mounts and network"
/usr/bin/python3 -S "$bed/agent.py" &

# The outer machine's own guests, networks and secrets are none of L1's business; some of these folders a normal user cannot even read.
mkdir -p /etc/libvirt/{qemu,secrets,nwfilter,storage}
for folder in /etc/libvirt/*/; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
for folder in /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
mkdir -p /var/lib/libvirt/{qemu,images,boot} /var/log/libvirt/qemu /var/cache/libvirt/qemu
chown libvirt-qemu /var/lib/libvirt/qemu
# So are some files; L1 then has empty ones instead.
for file in /etc/libvirt/*.conf /etc/shadow /etc/gshadow; do cat "$file" >/dev/null 2>&1 || { rm -f "$file"; : >"$file"; }; done

# What the package's sysusers and tmpfiles entries make on a real host.
getent group usbhostd >/dev/null || groupadd -r usbhostd || fail "cannot add group usbhostd"
getent passwd usbhostd >/dev/null || useradd -r -g usbhostd -G libvirt -d /var/lib/usbhostd -s /usr/sbin/nologin usbhostd || fail "cannot add user usbhostd"
getent passwd labmember >/dev/null || useradd -G usbhostd -M labmember   # may claim
getent passwd labstranger >/dev/null || useradd -M labstranger           # may not
getent passwd labyes >/dev/null || useradd -M labyes                     # polkit's rules below say yes to list and attach
getent passwd labno >/dev/null || useradd -M labno                       # and no
install -d -o usbhostd -g usbhostd -m 755 /run/usbhostd
install -d -o usbhostd -g usbhostd -m 700 /var/lib/usbhostd
up "users"

# What is in contrib, where an installation puts it.
install -D -m 644 "$bed/../../../contrib/dbus/org.usbhostd.UsbHost1.conf" -t /etc/dbus-1/system.d
install -D -m 644 "$bed/../../../contrib/polkit/org.usbhostd.usbhost1.policy" -t /usr/share/polkit-1/actions
rm -f /run/dbus/pid; dbus-daemon --system --fork || fail "dbus-daemon"
# Debian gives group libvirt its access through polkit, so polkit it is here too.
for folder in /usr/share/polkit-1/rules.d /etc/polkit-1/rules.d; do
    ls $folder >/dev/null 2>&1 && continue
    mount -t tmpfs -o mode=755 tmpfs $folder
done
[ -e /usr/share/polkit-1/rules.d/60-libvirt.rules ] || cat >/etc/polkit-1/rules.d/60-libvirt.rules <<'RULE'
polkit.addRule(function (action, subject) {
    if (action.id == "org.libvirt.unix.manage" && subject.isInGroup("libvirt")) { return polkit.Result.YES; }
});
RULE
cat >/etc/polkit-1/rules.d/50-lab-usbhostd.rules <<'RULE'
polkit.addRule(function (action, subject) {
    if (action.id.indexOf("org.usbhostd.usbhost1.") != 0) { return polkit.Result.NOT_HANDLED; }
    if (subject.user == "labno") { return polkit.Result.NO; }
    if (subject.user == "labyes" && /\.(list|attach)$/.test(action.id)) { return polkit.Result.YES; }
    return polkit.Result.NOT_HANDLED;
});
RULE
/usr/lib/polkit-1/polkitd --no-debug >/run/lab/polkitd.log 2>&1 &
/lib/systemd/systemd-udevd --daemon || fail "udevd"
# Loaded here, in this order, so that bus numbers are the same at every boot: 1-4 xHCI x0 and x1, 5-8 dummy_hcd.
modprobe xhci_pci; modprobe -a libcomposite usb_storage sd_mod usbhid cdc_acm kvm_amd tun
modprobe dummy_hcd num=4
mount -t configfs configfs /sys/kernel/config || fail "configfs"
udevadm trigger --action=add --type=subsystems
udevadm trigger --action=add --subsystem-match=usb --subsystem-match=misc --subsystem-match=input --subsystem-match=udc
udevadm settle -t 60; up "udev settled"
"$bed/libvirt" start || fail "libvirtd does not answer"
up "READY"
while :; do wait -n 2>/dev/null || sleep 1; done
