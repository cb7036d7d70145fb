"""What the lab needs on the machine that it runs on."""

import os
import shutil

from .errors import LabError

PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
}
# What only virtual machines need.
MACHINES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "busybox": "busybox-static",
}
# What the image needs beside that; scripts/image and scripts/package install what they want themselves.
IMAGES = {
    "qemu-system-aarch64": "qemu-system-arm",
    "mcopy": "mtools",
    "sfdisk": "fdisk",
    "mkfs.vfat": "dosfstools",
}


def require(families):
    """Names every missing package at once, before minutes go into an image."""
    wanted = PACKAGES if families == {"box"} else PACKAGES | MACHINES
    wanted = wanted | IMAGES if "image" in families else wanted
    missing = [package for tool, package in wanted.items() if shutil.which(tool) is None]
    if missing:
        raise LabError(f"tools are missing: apt-get install {' '.join(missing)}")
    if "box" in families and os.geteuid() != 0:
        raise LabError("a box needs root: sudo scripts/lab ...")
    if "image" in families and os.geteuid() != 0:
        raise LabError("an image needs root, for the owners of its files: sudo scripts/lab image")
