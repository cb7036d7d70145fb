#!/bin/sh
# mmdebstrap's extract hook for the storage guest: no init system, only a kernel and the tools that make and
# check file systems. The packages are unpacked and never configured, which is why the links are made here.
set -eu
tree=$1
out=$2
recipes=$(dirname "$0")
. "$recipes/kernel.sh"
for folder in bin sbin lib lib64; do
    [ -e "$tree/$folder" ] || ln -s "usr/$folder" "$tree/$folder"
done
[ -e "$tree/usr/bin/sh" ] || ln -s dash "$tree/usr/bin/sh"
mkdir -p "$tree/proc" "$tree/sys" "$tree/run" "$tree/lab" "$tree/mnt/card" "$tree/mnt/drive" "$tree/mnt/other"
rm -rf "$tree/usr/share/doc" "$tree/usr/share/locale" "$tree/usr/share/man" "$tree/var/cache/apt" "$tree/var/lib/apt/lists"
trim_modules "$tree"
write_image "$tree" "$out/root.img" 400M
