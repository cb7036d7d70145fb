#!/bin/sh
# Makes what surrounds the appliance, before anything of its own starts: two virtual radios, of which the iPad's
# moves to a namespace of its own, and the hotel's end of the cable in another. The appliance keeps wlan0 and eth0.
set -eu
. /run/lab/world-lib.sh

# /dev/vdc: the tools of iPad and hotel; /dev/vdd: the packages for an apt without network.
modprobe ext4
wait_until test -b /dev/vdd
mount -o ro /dev/vdc /run/world
mount -o ro /dev/vdd /run/lab-repository
mount --rbind /dev /run/world/dev
mount -t proc proc /run/world/proc
mount --rbind /sys /run/world/sys
mount -t tmpfs tmpfs /run/world/run
mount -t tmpfs tmpfs /run/world/tmp
mount -t tmpfs tmpfs /run/world/var
mkdir -p /run/world/var/lib/samba/private /run/world/var/cache/samba /run/world/var/log/samba
mkdir /run/world/run/lab
mount --bind /run/lab /run/world/run/lab

ip netns add ipad
ip netns add hotel

modprobe virtio_net
wait_until ip link show dev eth1
ip link set eth1 netns hotel
in_hotel ip link set lo up
in_hotel ip link set eth1 name hotel0
in_hotel ip link set hotel0 up
in_ipad ip link set lo up

modprobe mac80211_hwsim radios=2
wait_until test -e /sys/class/net/wlan1/phy80211/name
nsenter --net=/run/netns/ipad sleep 60 &
in_world iw phy "$(cat /sys/class/net/wlan1/phy80211/name)" set netns $!
wait_until in_ipad ip link show dev wlan1
kill $!
