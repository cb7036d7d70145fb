# Sourced by the recipes: unpacks the release's own kernel into the tree $1 without running its scripts. The lab
# boots it directly with an initramfs of its own, so initramfs-tools would only cost minutes.
unpack_kernel() {
    tree=$1
    name=$(apt-cache depends --important linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    mkdir "$tree/kernel-download"
    (cd "$tree/kernel-download" && apt-get -qq download "$name" && dpkg-deb -x ./*.deb "$tree/kernel-download/tree")
    mkdir -p "$tree/usr/lib/modules" "$tree/boot"
    mv "$tree/kernel-download/tree/boot/"vmlinuz-* "$tree/boot/"
    mv "$tree/kernel-download/tree/"*lib/modules/* "$tree/kernel-download/tree/usr/lib/modules/"* "$tree/usr/lib/modules/" 2>/dev/null || true
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
    mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -E lazy_itable_init=0,root_owner=0:0 -d "$1" "$2" "$3"
}
