#!/bin/sh
# mmdebstrap's customize hook for the box, the appliance without a virtual machine. Writes folders:
#   stock       the release as it is flashed
#   repository  the packages that a set-up appliance has beyond that, for an apt without network
#   packages    stock with those packages installed, and nothing of theirs configured
set -eu
tree=$1
out=$2
release=$3
recipes=$(dirname "$0")
. "$recipes/parts.sh"

like_a_pi "$tree"
# A box has no radio. What stands in for its tools lies in the lab, so that it can change without the trees; hostapd's unit
# names its own by path, and dpkg puts the real one beside it.
chroot "$tree" dpkg-divert --quiet --local --rename --divert /usr/sbin/hostapd.real --add /usr/sbin/hostapd
ln -s /run/box/standins/hostapd "$tree/usr/sbin/hostapd"
for tool in hostapd_cli iw rfkill; do
    ln -s "/run/box/standins/$tool" "$tree/usr/local/sbin/$tool"
done

wanted=$(cat "$recipes/appliance/packages-$release")
download "$tree" "$out/repository" "$wanted"

aside=$(mktemp -d)
slim "$tree" "$aside"
# Seen through a bind mount, the tree is without the proc and sys that mmdebstrap has mounted in it.
view=$(mktemp -d)
mount --bind "$tree" "$view"
mkdir "$out/stock"
cp -a "$view/." "$out/stock/"
umount "$view"
unslim "$tree" "$aside"

cp -a "$out/stock" "$out/packages"
mount --bind "$out/packages" "$view"
mount -t proc proc "$view/proc"
mkdir "$view/run/lab-repository"
mount --bind "$out/repository" "$view/run/lab-repository"
chroot "$view" apt-get -qq update
install "$view" "$wanted"
umount "$view/run/lab-repository"
umount "$view/proc"
rmdir "$view/run/lab-repository"
rm -rf "$view"/var/cache/apt/* "$view"/var/lib/apt/lists/* "$view"/usr/share/doc/* "$view"/usr/share/locale/* "$view"/usr/share/man/*
umount "$view"
rmdir "$view"
