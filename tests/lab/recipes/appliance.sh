#!/bin/sh
# mmdebstrap's customize hook for the appliance: makes the configured tree look like Raspberry Pi OS as far as piback
# can tell, and writes
#   stock.img      the release as it is flashed
#   repository.img the packages that a set-up appliance has beyond that, for an apt without network
#   packages.img   the stock image with those packages installed, and nothing of theirs configured
set -eu
tree=$1
out=$2
release=$3
recipes=$(dirname "$0")
. "$recipes/kernel.sh"
. "$recipes/parts.sh"

like_a_pi "$tree"
unpack_kernel "$tree"

wanted=$(cat "$recipes/appliance/packages-$release")
download "$tree" "$out/repository" "$wanted"
mke2fs -q -F -t ext4 -O ^has_journal -E root_owner=0:0 -d "$out/repository" "$out/repository.img" 200M
rm -r "$out/repository"

aside=$(mktemp -d)
slim "$tree" "$aside"
write_image "$tree" "$out/stock.img" 1200M
unslim "$tree" "$aside"

install "$tree" "$wanted"
slim "$tree" "$aside"
write_image "$tree" "$out/packages.img" 1200M
