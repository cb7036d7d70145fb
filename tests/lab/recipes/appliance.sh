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

# The index of a repository in one folder, as apt reads it (dpkg-scanpackages(1) describes the form).
index() {
    for package in "$1"/*.deb; do
        dpkg-deb --field "$package"
        echo "Filename: ./${package##*/}"
        echo "Size: $(stat -c %s "$package")"
        echo "SHA256: $(sha256sum "$package" | cut -d ' ' -f 1)"
        echo
    done >"$1/Packages"
}

# What a traveller has made in the imager: one user who may sudo with a password, and SSH.
chroot "$tree" useradd --create-home --shell /bin/bash --groups sudo traveller
echo 'traveller:photos on the road' | chroot "$tree" chpasswd
cp "$recipes/appliance/hosts" "$tree/etc/hosts"
echo raspberrypi >"$tree/etc/hostname"
: >"$tree/etc/fstab"
mkdir -p "$tree/boot/firmware"

unpack_kernel "$tree"

# Every package that apply installs, and all that they need here.
wanted=$(cat "$recipes/appliance/packages-$release")
# shellcheck disable=SC2086
chroot "$tree" apt-get -qq --yes --download-only --no-install-recommends install $wanted
mkdir "$out/repository"
cp "$tree"/var/cache/apt/archives/*.deb "$out/repository/"
index "$out/repository"
mke2fs -q -F -t ext4 -O ^has_journal -E root_owner=0:0 -d "$out/repository" "$out/repository.img" 200M
rm -r "$out/repository"

# Takes away what only the building needed, for the time of an image: package lists, and this machine's resolver.
aside=$(mktemp -d)
slim() {
    mkdir -p "$aside/lists"
    mv "$tree"/var/lib/apt/lists/* "$aside/lists/"
    mv "$tree/etc/apt/sources.list" "$aside/sources.list"
    mv "$tree/etc/resolv.conf" "$aside/resolv.conf"
    : >"$tree/etc/resolv.conf"
    echo 'deb [trusted=yes] file:/run/lab-repository ./' >"$tree/etc/apt/sources.list"
    rm -rf "$tree"/var/cache/apt/* "$tree"/usr/share/doc/* "$tree"/usr/share/locale/* "$tree"/usr/share/man/*
    rm -f "$tree"/etc/apt/apt.conf.d/99mmdebstrap
}
unslim() {
    mv "$aside"/lists/* "$tree/var/lib/apt/lists/"
    mv "$aside/sources.list" "$tree/etc/apt/sources.list"
    mv "$aside/resolv.conf" "$tree/etc/resolv.conf"
}

slim
write_image "$tree" "$out/stock.img" 1200M
unslim

# Nothing may start while the packages install in a chroot.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive chroot "$tree" apt-get -qq --yes --no-install-recommends install $wanted
rm "$tree/usr/sbin/policy-rc.d"
slim
write_image "$tree" "$out/packages.img" 1200M
