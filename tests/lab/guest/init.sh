#!/bin/busybox sh
# First process of every guest. /dev/vda is its root; /dev/vdb carries the lab's own files, mounted on /lab, so that
# the root stays what the release ships.
export PATH=/bin
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
for module in /modules/*.ko; do
    /bin/busybox insmod "$module"
done
mode=rw
before=
runs=/sbin/init
for word in $(/bin/busybox cat /proc/cmdline); do
    case $word in
        lab.root=*) mode=${word#*=} ;;
        lab.before=*) before=${word#*=} ;;
        lab.init=*) runs=${word#*=} ;;
    esac
done
tries=0
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "lab: no disks"; exec /bin/busybox sh; }
    /bin/busybox usleep 50000
done
/bin/busybox mount -t ext4 -o "$mode" /dev/vda /root
/bin/busybox mount -t tmpfs -o mode=755 none /root/run
/bin/busybox mkdir -p /root/run/lab
/bin/busybox mount -t ext4 -o ro /dev/vdb /root/run/lab
[ -z "$before" ] || /bin/busybox sh "/root/run/lab/$before" /root /bin/busybox
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /proc
/bin/busybox umount /sys
exec /bin/busybox switch_root /root $runs
