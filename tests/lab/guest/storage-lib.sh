# What storage scenarios say in the guest. Sourced before every script of theirs.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/bin

# Prints the node of the USB disk with serial number $1, once it is there.
disk() {
    tries=0
    while [ $tries -lt 100 ]; do
        for block in /sys/block/sd*; do
            [ -e "$block" ] || continue
            device=$(readlink -f "$block/device")
            until [ -e "$device/serial" ] || [ "$device" = / ]; do device=$(dirname "$device"); done
            if [ -e "$device/serial" ] && [ "$(cat "$device/serial")" = "$1" ]; then
                echo "/dev/${block##*/}"
                return
            fi
        done
        tries=$((tries + 1))
        usleep 100000
    done
    echo "no USB disk $1" >&2
    return 1
}

# Makes file system $1 on device $2 with label $3.
make() {
    case $1 in
        vfat) mkfs.vfat -F 32 -n "$3" "$2" ;;
        exfat) mkfs.exfat -L "$3" "$2" ;;
        ntfs*) mkntfs -q -f -F -L "$3" "$2" ;;
        ext4) mkfs.ext4 -q -F -L "$3" "$2" ;;
    esac
}

# Mounts device $2 with file system $1 on folder $3, as an appliance does; further options in $4.
attach() {
    more=${4:+,$4}
    case $1 in
        vfat) mount -t vfat -o "tz=UTC,utf8$more" "$2" "$3" ;;
        ntfs-3g) ntfs-3g -o "noatime$more" "$2" "$3" ;;
        *) mount -t "$1" -o "noatime$more" "$2" "$3" ;;
    esac
}

# What a person does with a drive that lost power: let the file system's own tool put its bookkeeping in order.
mend() {
    case $1 in
        vfat) fsck.vfat -a "$2" ;;
        exfat) fsck.exfat -y "$2" ;;
        ntfs*) ntfsfix -d "$2" ;;
        ext4) e2fsck -p "$2" ;;
    esac
    status=$?
    # 1: errors were found and corrected.
    [ $status -le 1 ]
}

# Fails when the file system's own tool finds anything to repair.
check() {
    case $1 in
        vfat) fsck.vfat -n "$2" ;;
        exfat) fsck.exfat -n "$2" ;;
        ntfs*) ntfsfix -n "$2" ;;
        ext4) e2fsck -fn "$2" ;;
    esac
}
