"""The image to flash, made by scripts/image, and a card's boot partition as a laptop sees it: through mtools, nothing is mounted."""

import os
import re
import shutil
import subprocess

from . import cache, images
from .errors import LabError, expect
from .paths import CACHE, PROJECT

# Where scripts/image.d/layout begins the boot partition.
BOOT_AT = 8192 * 512
# A card as people buy it, but small; a power of two, which an emulated SD card has to be.
CARD_SIZE = 8 << 30
# What of the sources makes an image what it is, beside the package.
SOURCES = ("scripts/image", "scripts/image.d")


def package(say):
    """The package for an image, from this checkout."""
    say("making the package for arm64: scripts/package arm64")
    run([PROJECT / "scripts/package", "arm64"], CACHE / "package.log")
    return next((PROJECT / "target/package").glob("piback_*_arm64.deb")).resolve()


def built(deb, say):
    """The image with that package in it, from the cache or made now."""
    parts = [images.tree_digest(PROJECT / source) for source in SOURCES]
    parts += re.findall(r"^APPLIANCE_.*(?:\n +.*)*", (PROJECT / "scripts/packages.sh").read_text(), re.MULTILINE)
    name = f"image-{images.digest(images.tree_digest(deb), *parts)}"
    folder = CACHE / "images" / name
    with cache.alone("image"):
        if not (folder / "complete").exists():
            for old in (CACHE / "images").glob("image-*"):
                shutil.rmtree(old)
            folder.mkdir(parents=True)
            say(f"building the image to flash (once; cached under {CACHE})")
            run([PROJECT / "scripts/image", "--base", "debian", "--deb", deb, "--out", folder, "--raw"], folder / "build.log")
            (folder / "complete").touch()
    return next(folder.glob("piback-*-debian.img"))


def run(command, log):
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        status = subprocess.run([str(word) for word in command], cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
    if status != 0:
        raise LabError(f"{command[0]} failed; the end of {log}:\n{images.tail(log)}")


class Card:
    """An SD card that the image was flashed onto."""

    def __init__(self, image, path):
        self.path = path
        subprocess.run(["cp", "--sparse=always", image, path], check=True)
        os.truncate(path, CARD_SIZE)

    def read(self, name):
        """A file's bytes on the boot partition, None if there is no such file."""
        done = self.mtool("mtype", None, f"::{name}")
        return done.stdout if done.returncode == 0 else None

    def text(self, name):
        content = self.read(name)
        expect(content is not None, f"there is no {name} on the boot partition; there is\n{self.names()}")
        return content.decode()

    def write(self, name, content):
        done = self.mtool("mcopy", content, "-o", "-", f"::{name}")
        if done.returncode != 0:
            raise LabError(f"mcopy: {done.stderr.decode()}")

    def names(self):
        return self.mtool("mdir", None, "-b", "::").stdout.decode()

    def copy_out(self, name, to):
        if self.mtool("mcopy", None, "-o", f"::{name}", str(to)).returncode != 0:
            raise LabError(f"{name} can't be taken from the image's boot partition")
        return to

    def mtool(self, tool, content, *words):
        # FAT has local time.
        return subprocess.run([tool, "-i", self.drive, *words], input=content, capture_output=True, env=os.environ | {"TZ": "UTC"})

    @property
    def drive(self):
        return f"{self.path}@@{BOOT_AT}"

    def check(self):
        """Both file systems, as fsck sees them, with nothing mended."""
        table = subprocess.run(["sfdisk", "-d", self.path], capture_output=True, text=True, check=True).stdout
        (boot, size), (root, _) = ((int(start) * 512, int(size) * 512) for start, size in re.findall(r"start= *(\d+), size= *(\d+)", table))
        done = subprocess.run(["e2fsck", "-fn", f"{self.path}?offset={root}"], capture_output=True, text=True)
        expect(done.returncode == 0, f"the root file system is damaged:\n{done.stdout}{done.stderr}")
        # fsck.vfat knows no offsets.
        copy = self.path.with_name("boot-partition.img")
        subprocess.run(
            ["dd", f"if={self.path}", f"of={copy}", "bs=1M", "iflag=skip_bytes,count_bytes", f"skip={boot}", f"count={size}", "conv=sparse", "status=none"],
            check=True,
        )
        done = subprocess.run(["fsck.vfat", "-n", copy], capture_output=True, text=True)
        expect(done.returncode == 0, f"the boot partition is damaged:\n{done.stdout}{done.stderr}")
