#!/bin/sh
# First process of the storage guest after the initramfs. There is no udev: devtmpfs makes the nodes.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /run/tmp /run/bin
busybox --install -s /run/bin
PATH=$PATH:/run/bin
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
hostname storage
modprobe usb_storage delay_use=0
modprobe -a xhci_pci sd_mod vfat nls_cp437 nls_ascii nls_utf8 exfat ntfs3 fuse dm_flakey
for port in /sys/class/virtio-ports/*; do
    read -r name <"$port/name"
    ln -s "/dev/${port##*/}" "/run/port-$name"
done
. /run/lab/storage-lib.sh
setsid sh /run/lab/agent.sh /run/port-agent &
setsid sh /run/lab/agent.sh /run/port-diagnosis &
while :; do wait; sleep 60; done
