#!/bin/sh
# Sets a box up and becomes its init. Runs in new namespaces (mount, net, pid, ipc, uts, cgroup) and ends with a systemd that
# takes the tree for its whole machine. Its folder is $1, with:
#   root   the tree
#   work   comes to lie on /run/work inside: scripts and what they say
# $2 is the cable's name inside, $3 the lab's folder, $4 the world's tree, $5 the repository, $6 the folder of the binary.
set -eu
folder=$1 uplink=$2 lab=$3 world=$4 repository=$5 binary=$6
root=$folder/root

mount --make-rprivate /
# No overlay: piback would take it for a card that keeps no changes.
mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,noexec,nodev proc proc
# Of the kernel's settings only the network's are a box's own; the others are this machine's.
mount --bind proc/sys/net proc/sys/net
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
[ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
mount -t sysfs -o nosuid,noexec,nodev sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp

mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/fuse c 10 229
mknod -m 666 dev/net/tun c 10 200
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

# Everything of the lab's lies in /run and on /mnt: the root has nothing that the release does not ship.
mkdir run/lab run/box run/work run/world run/lab-repository
mount --bind "$lab/guest" run/lab
mount --bind "$lab/box" run/box
mount --bind "$folder/work" run/work
mount --bind "$repository" run/lab-repository
mount --bind "$binary" mnt
for at in run/lab run/box run/lab-repository mnt; do mount -o remount,bind,ro $at; done
mount --bind "$world" run/world
mount -o remount,bind,ro run/world
mount --rbind dev run/world/dev
mount -t proc proc run/world/proc
mount --rbind sys run/world/sys
for at in run tmp var; do mount -t tmpfs tmpfs run/world/$at; done
mkdir -p run/world/var/lib/samba/private run/world/var/cache/samba run/world/var/log/samba run/world/run/lab run/world/run/box
mount --bind "$lab/guest" run/world/run/lab
mount --bind "$lab/box" run/world/run/box
# NetworkManager sees a wire where a Pi has a radio: it must not take it for one more cable and wait for its other end.
mkdir -p run/NetworkManager/conf.d
printf '[main]\nno-auto-default=interface-name:wlan0\n' >run/NetworkManager/conf.d/lab.conf
# Clocks that would start work in the middle of a scenario; and what a container has no use for.
mkdir -p run/systemd/system
for unit in apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
    logrotate.timer getty.target console-getty.service systemd-timesyncd.service systemd-udevd.service \
    systemd-udev-trigger.service systemd-udev-settle.service systemd-udevd-control.socket systemd-udevd-kernel.socket; do
    ln -s /dev/null "run/systemd/system/$unit"
done

# The world, before the appliance has a process: what a box's end of each wire is called, and where the other end goes.
. "$lab/box/wires.sh"
inside() { chroot . /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
mkdir -p run/udev/data run/udev/tags/systemd
touch run/udev/control
ready . 1 lo
inside ip link set lo up
wire . 2 "$uplink" hotel hotel0 b8:27:eb:00:00:01
wire . 3 wlan0 ipad wlan1 b8:27:eb:00:00:02

hostname raspberrypi
mkdir run/before
pivot_root . run/before
# Shared, as a systemd that boots hardware makes its mounts: what it mounts in namespaces of its own, credentials say, is seen outside.
# No clock, kernel module or raw hardware of this machine: root in the box can do to it what root on the machine could.
exec chroot . /usr/bin/env -i container=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=linux \
    /bin/sh -c 'umount -l /run/before; rmdir /run/before; mount --make-rshared /; exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm /sbin/init --log-target=console </dev/null'
