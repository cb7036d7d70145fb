#!/bin/sh
# mmdebstrap's extract hook for the world around the appliance: the iPad's, the hotel's and the laptop's tools, in a
# tree of their own so that the appliance's root stays what its release ships. Never booted: guests chroot into it.
# Writes it as a disk image, world.img, and as a folder, tree.
set -eu
tree=$1
out=$2
for folder in bin sbin lib lib64; do
    [ -e "$tree/$folder" ] || ln -s "usr/$folder" "$tree/$folder"
done
[ -e "$tree/usr/bin/sh" ] || ln -s dash "$tree/usr/bin/sh"
mkdir -p "$tree/proc" "$tree/sys" "$tree/dev" "$tree/run" "$tree/root" "$tree/tmp" "$tree/etc/samba"
cp "$(dirname "$0")/world/"* "$tree/etc/"
mkdir "$tree/busybox"
# Another machine's busybox does not run here; this one's has the same names.
for applet in $(chroot "$tree" /usr/bin/busybox --list 2>/dev/null || busybox --list); do
    ln -s /usr/bin/busybox "$tree/busybox/$applet"
done
ln -sf /run/lab/hotel.resolv.conf "$tree/etc/resolv.conf"
: >"$tree/etc/samba/smb.conf"
rm -rf "$tree/usr/share/doc" "$tree/usr/share/locale" "$tree/usr/share/man" "$tree/var/cache/apt" "$tree/var/lib/apt/lists"
# Seen through a bind mount, the tree is without what mmdebstrap has mounted in it, this machine's /dev/shm among that.
view=$(mktemp -d)
mount --bind "$tree" "$view"
mke2fs -q -F -t ext4 -O ^has_journal -E root_owner=0:0 -d "$view" "$out/world.img" 600M
mkdir "$out/tree"
cp -a "$view/." "$out/tree/"
umount "$view"
rmdir "$view"
