"""Cards that lie: a broken name hash, two entries of one name, a cut folder, a lost file, another character set."""

from harness import damage
from harness.errors import expect
from harness.storage import MIB

USUAL = ("ext4",)
MORE = ()

ENDS = "SD32GB-03 --source /mnt/card --dest /mnt/drive"
THREE = "mkdir -p /mnt/card/DCIM/100CANON; for n in 1 2 3; do head -c 300000 /dev/urandom >/mnt/card/DCIM/100CANON/IMG_000$n.JPG; done"
MANY = """
    mkdir -p /mnt/card/DCIM/100CANON
    for n in $(seq 100 149); do head -c 200000 /dev/urandom >/mnt/card/DCIM/100CANON/A_photo_with_a_long_name_$n.JPG; done
"""


def run(lab):
    lab.boot()
    lab.make_drive(size=128 * MIB)
    for number, case in enumerate((broken_name_hash, one_name_twice, cut_folder, lost_file, other_charset)):
        lab.sh("rm -rf /mnt/drive/SD32GB-03 /mnt/drive/.piback")
        case(lab)
        lab.sh("umount /mnt/card")
        lab.pull("card")
        lab.say(f"{number + 1}: {case.__name__}")


def card(lab, filesystem, script, hurt=None):
    """A card that was written in the guest and hurt while it was unplugged."""
    lab.file("card").unlink(missing_ok=True)
    lab.new_disk("card", 64 * MIB)
    lab.sh(f"""
        make {filesystem} $(disk card) SD32GB-03
        attach {filesystem} $(disk card) /mnt/card
        {script}
        umount /mnt/card
    """)
    if hurt:
        lab.pull("card")
        hurt(lab.file("card"))
        lab.plug("card")
    lab.sh(f"attach {filesystem} $(disk card) /mnt/card ro")


def named(lab, *names):
    """backup and safe-to-format name these, and neither says that all is well."""
    for verb in ("backup", "safe-to-format"):
        ran = lab.piback(f"{verb} {ENDS}")
        expect(ran.status == 5, f"{verb} ended with {ran.status}:\n{ran.output}")
        for name in names:
            expect(name in ran.output, f"{verb} does not name {name}:\n{ran.output}")


def unseen(lab):
    """backup says it and copies what there is; safe-to-format says no."""
    ran = lab.piback(f"backup {ENDS}")
    expect(ran.ok(), f"backup ended with {ran.status}:\n{ran.output}")
    expect("used by nothing that can be seen" in ran.output, f"backup says nothing of it:\n{ran.output}")
    ran = lab.piback(f"safe-to-format {ENDS}")
    expect(ran.status == 5 and "NO: " in ran.output, f"safe-to-format ended with {ran.status}:\n{ran.output}")
    expect("used by nothing that can be seen" in ran.output, f"the reason is another:\n{ran.output}")


def broken_name_hash(lab):
    card(lab, "exfat", THREE, lambda image: damage.break_exfat_name_hash(image, "IMG_0002.JPG"))
    expect("IMG_0002" in lab.sh("ls /mnt/card/DCIM/100CANON 2>/dev/null || true"), "the damage shows nothing")
    named(lab, "IMG_0002.JPG")


def one_name_twice(lab):
    card(lab, "vfat", THREE, lambda image: damage.rename_short(image, b"IMG_0002JPG", b"IMG_0001JPG"))
    named(lab, "IMG_0001.JPG")


def cut_folder(lab):
    card(lab, "vfat", MANY, lambda image: damage.end_folder_after_first_cluster(image, b"100CANON"))
    expect(int(lab.sh("ls /mnt/card/DCIM/100CANON | wc -l")) < 50, "the folder was not cut")
    unseen(lab)


def lost_file(lab):
    card(lab, "exfat", THREE, lambda image: damage.forget_exfat_entry(image, "IMG_0003.JPG"))
    unseen(lab)


def other_charset(lab):
    for filesystem, options in (("exfat", "iocharset=ascii"), ("vfat", "iocharset=ascii,utf8=0")):
        card(lab, filesystem, f"{THREE}; echo x >/mnt/card/DCIM/100CANON/写真.JPG; echo y >/mnt/card/DCIM/100CANON/文字.JPG")
        lab.sh(f"umount /mnt/card; mount -t {filesystem} -o ro,{options} $(disk card) /mnt/card")
        for verb in ("backup", "safe-to-format"):
            ran = lab.piback(f"{verb} {ENDS}")
            expect(ran.status == 1, f"{filesystem}: {verb} ended with {ran.status}:\n{ran.output}")
            expect("without utf8" in ran.output and "sudo umount" in ran.output, f"{filesystem}:\n{ran.output}")
        if filesystem == "exfat":
            lab.sh("umount /mnt/card")
            lab.pull("card")
