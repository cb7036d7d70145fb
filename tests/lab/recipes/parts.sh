# Sourced by the recipes of appliances: what a Debian needs to look like a freshly flashed Raspberry Pi OS, and the packages
# that apply would install on it. $1 is the tree everywhere.

# What a traveller has made in the imager: one user who may sudo with a password, and SSH.
like_a_pi() {
    chroot "$1" useradd --create-home --shell /bin/bash --groups sudo traveller
    echo 'traveller:photos on the road' | chroot "$1" chpasswd
    cp "$recipes/appliance/hosts" "$1/etc/hosts"
    echo raspberrypi >"$1/etc/hostname"
    : >"$1/etc/fstab"
    mkdir -p "$1/boot/firmware"
}

# Packages $3 and all that they need here, as a repository in folder $2 (dpkg-scanpackages(1) describes its form).
download() {
    # shellcheck disable=SC2086
    chroot "$1" apt-get -qq --yes --download-only --no-install-recommends install $3
    mkdir "$2"
    cp "$1"/var/cache/apt/archives/*.deb "$2/"
    for package in "$2"/*.deb; do
        dpkg-deb --field "$package"
        echo "Filename: ./${package##*/}"
        echo "Size: $(stat -c %s "$package")"
        echo "SHA256: $(sha256sum "$package" | cut -d ' ' -f 1)"
        echo
    done >"$2/Packages"
}

# Installs packages $2. Nothing may start while that goes on in a chroot.
install() {
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get -qq --yes --no-install-recommends install $2
    rm "$1/usr/sbin/policy-rc.d"
}

# Takes away what only the building needed, for the time of an image, into folder $2: package lists, and this machine's resolver.
slim() {
    mkdir -p "$2/lists"
    mv "$1"/var/lib/apt/lists/* "$2/lists/"
    mv "$1/etc/apt/sources.list" "$2/sources.list"
    mv "$1/etc/resolv.conf" "$2/resolv.conf"
    : >"$1/etc/resolv.conf"
    echo 'deb [trusted=yes] file:/run/lab-repository ./' >"$1/etc/apt/sources.list"
    rm -rf "$1"/var/cache/apt/* "$1"/usr/share/doc/* "$1"/usr/share/locale/* "$1"/usr/share/man/*
    rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap
}
unslim() {
    mv "$2"/lists/* "$1/var/lib/apt/lists/"
    mv "$2/sources.list" "$1/etc/apt/sources.list"
    mv "$2/resolv.conf" "$1/etc/resolv.conf"
}
