"""The share on drives of every kind: read-only as a rule, and where the profile says so write, rename and delete over SMB3."""

import base64
import gzip
import shutil
import subprocess

from harness import checks
from harness.errors import LabError, expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# File system, the tool that makes one, bytes of the drive. FAT32 has at least 65,525 clusters.
DRIVES = {
    "exfat": (["mkfs.exfat", "-L", "EXFAT"], 16 << 20),
    "vfat": (["mkfs.vfat", "-F", "32", "-s", "1", "-n", "VFAT"], 40 << 20),
    "ntfs": (["mkntfs", "-q", "-f", "-F", "-L", "NTFS"], 16 << 20),
    "ext4": (["mkfs.ext4", "-q", "-F", "-L", "EXT4"], 16 << 20),
}
# Whoever mounts a drive for the network gives it to the share's user: an ext4 by its root folder's owner.
MOUNT = """
    u=$(id -u piback) g=$(id -g piback)
    d=/media/piback/{label}
    mkdir -p $d
    case {fstype} in
        ext4) mount -o loop,noatime {image} $d; chown $u:$g $d ;;
        ntfs) mount -t ntfs3 -o loop,noatime,uid=$u,gid=$g {image} $d || ntfs-3g -o uid=$u,gid=$g {image} $d ;;
        vfat) mount -t vfat -o loop,noatime,tz=UTC,utf8,uid=$u,gid=$g {image} $d ;;
        *) mount -t {fstype} -o loop,noatime,uid=$u,gid=$g {image} $d ;;
    esac
    mkdir $d/SD32GB-03; head -c 1000000 /dev/urandom >$d/SD32GB-03/IMG_0001.JPG; chmod -R go+rX $d; sync
"""
KNOWN = f"in_ipad smbclient -t 60 -A /tmp/share --option='client min protocol=SMB3_00' //{checks.HOME.address}"
# What the Files app does: a new file with the data that Apple keeps beside it, another name, folders, and away with it.
WRITES = "put /tmp/new.bin {at}new.bin; put /etc/nsswitch.conf {at}new.bin:note; rename {at}new.bin {at}older.bin; \
    get {at}older.bin /tmp/{name}.back; get {at}older.bin:note /tmp/{name}.note; mkdir {at}folder; rename {at}folder {at}folder2; rmdir {at}folder2"


def run(lab):
    lab.boot_applied()
    checks.joins(lab)
    checks.sign_in(lab)
    lab.sh("head -c 3000000 /dev/urandom >/run/world/tmp/new.bin")
    for fstype in DRIVES:
        plug_in(lab, fstype)

    for fstype in DRIVES:
        backups_can_be_read_only(lab, fstype.upper())
    takes(lab, "Pi", "", "/srv/piback", "Pi")

    lab.sh("sed -i 's/^  writable: false/  writable: true/' /etc/piback/profile.yaml")
    checks.apply(lab)
    for fstype in DRIVES:
        label = fstype.upper()
        takes(lab, "Drives", f"{label}/", f"/media/piback/{label}", label)
        lab.sh(f"umount /media/piback/{label}")


def plug_in(lab, fstype):
    """A drive of this file system at the destination, with a backup on it."""
    command, size = DRIVES[fstype]
    if shutil.which(command[0]) is None:
        raise LabError(f"{command[0]} is missing: apt-get install exfatprogs dosfstools ntfs-3g e2fsprogs")
    file = lab.work / f"{fstype}.img"
    with file.open("wb") as image:
        image.truncate(size)
    done = subprocess.run([*command, str(file)], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"{command[0]}: {done.stderr.strip()}")
    image = f"/run/{fstype}.img"
    packed = base64.b64encode(gzip.compress(file.read_bytes(), 9)).decode()
    # A line of the lab's own channel has its limits.
    pieces = [packed[at : at + 60000] for at in range(0, len(packed), 60000)]
    for piece in pieces:
        lab.sh(f"printf %s {piece} >>{image}.gz.b64")
    lab.sh(f"base64 -d {image}.gz.b64 | gzip -d >{image}; rm {image}.gz.b64")
    lab.sh(MOUNT.format(fstype=fstype, label=fstype.upper(), image=image))


def backups_can_be_read_only(lab, label):
    """A photo of the backup comes whole, and nothing can be written, renamed or removed."""
    photo = f"{label}/SD32GB-03/IMG_0001.JPG"
    ran = lab.run(f"{KNOWN}/Drives -c 'get {photo} /tmp/photo'")
    expect(ran.ok(), f"{label}: the backup can't be read:\n{ran.output}")
    lab.sh(f"cmp /media/piback/{photo} /run/world/tmp/photo")
    before = lab.sh(f"find /media/piback/{label} -type f | sort")
    for what in (f"put /tmp/new.bin {label}/slip.bin", f"del {photo}", f"rename {photo} {label}/x.jpg", f"mkdir {label}/slip",
                 f"put /tmp/new.bin {photo}"):
        ran = lab.run(f"{KNOWN}/Drives -c '{what}'")
        after = lab.sh(f"find /media/piback/{label} -type f -o -name slip | sort")
        expect(after == before, f"{label}: `{what}` changed the backups:\n{ran.output}\n{after}")
    lab.sh(f"cmp /media/piback/{photo} /run/world/tmp/photo")


def takes(lab, share, at, folder, name):
    """Write, rename and delete, with a stream beside the file; on the host it is the share's user's."""
    ran = lab.run(f"{KNOWN}/{share} -c '{WRITES.format(at=at, name=name)}'")
    refused = [line for line in ran.output.splitlines() if "NT_STATUS" in line]
    expect(ran.ok() and not refused, f"{name}: not all could be written:\n{ran.output}")
    lab.sh(f"cmp /run/world/tmp/new.bin {folder}/older.bin; cmp /run/world/tmp/new.bin /run/world/tmp/{name}.back")
    lab.sh(f"cmp /run/world/etc/nsswitch.conf /run/world/tmp/{name}.note")
    owner = lab.sh(f"stat -c %U {folder}/older.bin")
    expect(owner == checks.SHARE_USER, f"{name}: what was written belongs to {owner}")
    ran = lab.run(f"{KNOWN}/{share} -c 'del {at}older.bin'")
    expect(lab.run(f"test -e {folder}/older.bin").status == 1, f"{name}: it can't be removed:\n{ran.output}")
