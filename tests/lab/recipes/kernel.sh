# Sourced by the recipes: unpacks the release's own kernel into the tree $1 without running its scripts. The lab
# boots it directly with an initramfs of its own, so initramfs-tools would only cost minutes.
unpack_kernel() {
    tree=$1
    # Always the tree's own apt: one from outside would run dpkg on the machine that builds the image.
    name=$(chroot "$tree" apt-cache depends --important linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    mkdir "$tree/kernel-download"
    # shellcheck disable=SC2016
    chroot "$tree" sh -c 'cd /kernel-download && apt-get -qq -o APT::Sandbox::User=root download "$1"' - "$name"
    dpkg-deb -x "$tree"/kernel-download/*.deb "$tree/kernel-download/tree"
    mkdir -p "$tree/usr/lib/modules" "$tree/boot"
    mv "$tree/kernel-download/tree/boot/"vmlinuz-* "$tree/boot/"
    for modules in "$tree"/kernel-download/tree/lib/modules/* "$tree"/kernel-download/tree/usr/lib/modules/*; do
        [ ! -d "$modules" ] || mv "$modules" "$tree/usr/lib/modules/"
    done
    rm -r "$tree/kernel-download"
    trim_modules "$tree"
}

# Drivers that no guest of the lab has a device for are half of the modules' size.
trim_modules() {
    for modules in "$1"/usr/lib/modules/*; do
        for unused in gpu media infiniband scsi/lpfc scsi/qla2xxx net/ethernet/mellanox isdn staging iio; do
            rm -rf "$modules/kernel/drivers/$unused"
        done
        rm -rf "$modules/kernel/sound"
        chroot "$1" depmod -a "${modules##*/}"
    done
}

# The disk image of tree $1 as file $2 of size $3, and beside it what QEMU needs to boot it. mke2fs keeps owners,
# so it has to run in here, where they are right even when mmdebstrap was not started by root.
write_image() {
    cp "$1"/boot/vmlinuz-* "${2%/*}/vmlinuz"
    mkdir -p "${2%/*}/modules"
    cp -r "$1"/usr/lib/modules/* "${2%/*}/modules/"
    # Seen through a bind mount, the tree is without the proc and sys that mmdebstrap has mounted in it.
    view=$(mktemp -d)
    mount --bind "$1" "$view"
    mke2fs -q -F -t ext4 -E lazy_itable_init=0,root_owner=0:0 -d "$view" "$2" "$3"
    umount "$view"
    rmdir "$view"
}
