#!/bin/sh
# The initramfs runs this in the network guest, with the root's folder in $1 and busybox in $2, before systemd starts.
# Everything of the lab's lives in /run: the root has nothing that the release does not ship.
root=$1
busybox=$2
units=$root/run/systemd/system
$busybox mkdir -p "$units/sysinit.target.wants" "$root/run/world" "$root/run/lab-repository"
for unit in lab-world.service lab-agent@.service; do
    $busybox cp "$root/run/lab/$unit" "$units/$unit"
done
for unit in lab-world.service lab-agent@agent.service lab-agent@diagnosis.service; do
    case $unit in
        *@*) $busybox ln -s "../${unit%%@*}@.service" "$units/sysinit.target.wants/$unit" ;;
        *) $busybox ln -s "../$unit" "$units/sysinit.target.wants/$unit" ;;
    esac
done
# Clocks that would start work in the middle of a scenario, and a login prompt on the kernel's console.
for unit in apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
    logrotate.timer serial-getty@ttyS0.service systemd-timesyncd.service; do
    $busybox ln -s /dev/null "$units/$unit"
done
