"""What the lab needs on the machine that it runs on."""

import shutil

from .errors import LabError

PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "busybox": "busybox-static",
}


def require():
    """Names every missing package at once, before minutes go into an image."""
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if missing:
        raise LabError(f"tools are missing: apt-get install {' '.join(missing)}")
