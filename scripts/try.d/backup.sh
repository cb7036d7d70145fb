# The second half of scripts/try: a card is backed up, formatted in the camera, and backed up again. Sourced with
# $piback (the binary), $scratch (a folder that goes away), say().
backup_dir=$scratch/backup
card=$backup_dir/card
drive=$backup_dir/drive
mkdir -p "$card/DCIM/100CANON" "$drive"
label=SD32GB-03

# piback VERB LABEL on this card and drive; the first argument is the exit code that it must end with.
expect_backup() {
    local wanted=$1 verb=$2 code=0
    shift 2
    printf '$ piback %s %s\n' "$verb" "$label"
    case $verb in
        safe-to-format) "$piback" "$verb" "$label" --allow-same-filesystem --source "$card" "$@" --dest "$drive" || code=$? ;;
        verify) "$piback" "$verb" "$label" "$@" --dest "$drive" || code=$? ;;
        *) "$piback" "$verb" "$label" --source "$card" "$@" --dest "$drive" || code=$? ;;
    esac
    [ "$code" -eq "$wanted" ] || { echo "scripts/try: exit code $code, expected $wanted" >&2; exit 1; }
}

# A photo: bytes that no other photo has, and a fixed time, as from a camera whose clock lost its battery.
shoot() {
    head -c "$2" /dev/urandom > "$card/$1"
    touch -d '2000-01-01 00:00:00' "$card/$1"
}

say "A card with photos goes to the drive"
for n in 1 2 3; do
    shoot "DCIM/100CANON/IMG_000$n.CR3" 3000000
    shoot "DCIM/100CANON/IMG_000$n.JPG" 400000
done
expect_backup 0 backup
say "Again: nothing to do"
expect_backup 0 backup

say "The card is formatted in the camera, which starts again at IMG_0001: same names, sizes and times"
rm -r "$card/DCIM"
mkdir -p "$card/DCIM/100CANON"
shoot DCIM/100CANON/IMG_0001.CR3 3000000
shoot DCIM/100CANON/IMG_0001.JPG 400000
say "May it be formatted again now? Not yet"
expect_backup 5 safe-to-format
expect_backup 0 backup
expect_backup 0 safe-to-format

say "Both photos are kept, as plain files"
(cd "$drive" && find . -name 'IMG_*' | sort)

say "A bit rots on the drive; verify finds it, and the next backup puts a good copy beside it"
printf 'rot' | dd of="$drive/$label/DCIM/100CANON/IMG_0001~2.JPG" bs=1 seek=1000 conv=notrunc status=none
expect_backup 5 verify
expect_backup 0 backup
expect_backup 0 safe-to-format
