# Sourced by the other scripts: which Debian packages they need, and how those are installed when missing.

# Daemons whose own checks read what piback renders, and tools for namespaces and FUSE. `no-recommends` keeps the
# daemons' friends out. python3-venv: the reference implementation of media hash lists, from PyPI, judges ours. rclone also serves
# the places far away. sway without a monitor is the desktop that wayvnc shows; openssl makes wayvnc's
# keys, and with curl it judges the page's.
TEST_PACKAGES=(e2fsprogs exfat-fuse exfatprogs mount ntfs-3g python3-minimal
    python3-venv dnsmasq-base hostapd iproute2 iptables rclone samba samba-common-bin systemd util-linux fuse3
    openssl curl sway wayvnc)
# Virtual machines and the images that they boot.
LAB_PACKAGES=(qemu-system-x86 qemu-utils mmdebstrap e2fsprogs dosfstools exfatprogs fdisk ntfs-3g busybox-static libc6-dev)
# The image to flash, booted: `scripts/lab image`, beside those and what makes it.
IMAGE_LAB_PACKAGES=(qemu-system-arm openssh-client)

# dpkg-shlibdeps; lintian holds the package against Debian's rules.
PACKAGE_PACKAGES=(dpkg-dev lintian)
# pip brings zig, readelf tells which C library a binary needs.
CROSS_PACKAGES=(python3-minimal python3-pip binutils)
# apt-ftparchive and dpkg-scanpackages make a repository, gpg and minisign sign.
RELEASE_PACKAGES=(apt-utils dpkg-dev gnupg minisign python3-minimal)
# An image's partitions, without loop devices; a Debian for another machine beside that.
IMAGE_PACKAGES=(dosfstools e2fsprogs fdisk mtools python3-minimal xz-utils)
IMAGE_ROOT_PACKAGES=(mmdebstrap arch-test qemu-user-static)
# What is on piback's own image: all that apply would fetch, so that the first boot needs no internet. The kernel is the
# backports' one, for Trixie's does not know the Pi 5. firmware-brcm80211 is the radio's, raspi-firmware boots the Pi.
APPLIANCE_PACKAGES=(systemd-sysv udev dbus kmod procps passwd mount debconf initramfs-tools e2fsprogs
    dosfstools exfatprogs ntfs-3g fdisk util-linux-extra network-manager hostapd dnsmasq samba samba-common-bin iptables iw rfkill
    wireless-regdb wpasupplicant iproute2 openssh-server sudo systemd-timesyncd ca-certificates less nano tzdata zstd
    firmware-brcm80211 raspi-firmware)
APPLIANCE_KERNEL=linux-image-arm64/trixie-backports
# A Debian for one run, of scripts/bare-root; python3 reads apt's sources.
BARE_ROOT_PACKAGES=(mmdebstrap python3-minimal util-linux)
# libFuzzer's runtime is C++.
FUZZ_PACKAGES=(g++)

# The page's tests, in a browser and in letters that people read.
PAGE_PACKAGES=(chromium fonts-dejavu-core)

install_missing() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        echo "nothing to install"
        return
    fi
    echo "installing ${missing[*]}"
    local sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get -q update
    # A tester's machine gets a file server's files, and no file server: invoke-rc.d(8) asks this before it starts anything.
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e $policy ]; then
        policy=
    else
        printf '#!/bin/sh\nexit 101\n' | $sudo install -m 755 /dev/stdin $policy
    fi
    # All that are wanted, not only the missing ones: apt would take a wanted one away for another that it does not go with.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@" || status=$?
    [ -z "$policy" ] || $sudo rm -f "$policy"
    return "$status"
}
