"""Disk images: built once by mmdebstrap from a recipe, kept under target/lab until the recipe changes."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import cache, initramfs, mirror
from .errors import LabError
from .paths import CACHE, RECIPES

MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh"


@dataclass(frozen=True)
class Recipe:
    """What an image is made of. `hook` is the script in recipes/ that finishes the tree and writes the images."""

    name: str
    release: str
    variant: str
    hook: str
    packages: tuple
    # What else in recipes/ the hook reads.
    reads: tuple = ()
    # Another machine's, where it is not this one's. The name tells it too.
    architecture: str = field(default="", repr=False)


@dataclass(frozen=True)
class Image:
    """What a recipe made, file by file in `folder`."""

    folder: Path

    @property
    def kernel(self):
        return self.folder / "vmlinuz"

    def initrd(self):
        with cache.alone("initrd"):
            return initramfs.build(self.folder)

    def disk(self, name):
        return self.folder / name


STORAGE = Recipe(
    name="storage",
    release="trixie",
    variant="extract",
    hook="storage.sh",
    packages=(
        "busybox-static", "dash", "dosfstools", "exfatprogs", "ntfs-3g", "fuse3", "e2fsprogs", "dmsetup",
        # kmod opens the library of compressed modules only when it meets one.
        "kmod", "liblzma5", "mount", "util-linux", "linux-image-amd64",
    ),
    reads=("kernel.sh",),
)

WORLD = Recipe(
    name="world",
    release="trixie",
    variant="extract",
    hook="world.sh",
    packages=(
        "busybox-static", "dash", "iproute2", "iw", "wpasupplicant", "dnsmasq-base", "bind9-dnsutils", "curl",
        "smbclient", "openssh-client", "sshpass", "netbase",
    ),
    reads=("world",),
)

# The same for the image's guest, which is an ARM.
WORLD_ARM = replace(WORLD, name="arm64-world", architecture="arm64")

# What every release of Raspberry Pi OS has, as far as the appliance can notice.
COMMON = (
    "systemd-sysv", "udev", "kmod", "dbus", "iproute2", "iputils-ping", "openssh-server", "sudo", "ca-certificates",
    "wpasupplicant", "wireless-regdb", "rfkill", "iw", "cron", "less", "procps", "psmisc", "netbase", "util-linux",
)

NETWORKMANAGER = (*COMMON, "network-manager", "nftables", "systemd-timesyncd")
DHCPCD = (*COMMON, "dhcpcd5", "ifupdown", "openresolv", "systemd-timesyncd", "fake-hwclock")

PACKAGES = {
    "trixie": (*NETWORKMANAGER, "netplan.io"),
    "bookworm": (*NETWORKMANAGER, "fake-hwclock"),
    "bullseye": DHCPCD,
}

# The same Debian twice: as disk images for virtual machines, and as trees for the box.
APPLIANCES = {
    release: Recipe(release, release, "minbase", "appliance.sh", packages, ("appliance", "parts.sh", "kernel.sh"))
    for release, packages in PACKAGES.items()
}
BOXES = {
    release: Recipe(f"box-{release}", release, "minbase", "box.sh", packages, ("appliance", "parts.sh"))
    for release, packages in PACKAGES.items()
}


def build(recipe, say):
    """The image of `recipe`, from the cache or made now."""
    folder = CACHE / "images" / f"{recipe.name}-{fingerprint(recipe)}"
    with cache.alone(recipe.name):
        if not (folder / "complete").exists():
            for old in (CACHE / "images").glob(f"{recipe.name}-*"):
                shutil.rmtree(old)
            folder.mkdir(parents=True)
            say(f"building the image {recipe.name} (once; cached under {CACHE})")
            debstrap(recipe, folder)
            (folder / "complete").touch()
    return Image(folder)


def fingerprint(recipe):
    """Changes when the recipe, or a script that carries it out, does."""
    digest = hashlib.sha256(repr(recipe).encode())
    for script in sorted(RECIPES.iterdir()):
        if script.name in (recipe.hook, *recipe.reads):
            digest.update(tree_digest(script))
    return digest.hexdigest()[:12]


def tree_digest(path):
    if path.is_dir():
        return b"".join(str(child.name).encode() + tree_digest(child) for child in sorted(path.iterdir()))
    return hashlib.sha256(path.read_bytes()).digest()


def digest(*parts):
    """Twelve digits that stand for all of `parts`, texts or bytes."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def debstrap(recipe, folder):
    source = mirror.find()
    mirror.require(source, recipe.release)
    hook = RECIPES / recipe.hook
    # Trees that are only unpacked, not configured, never come to the later hooks.
    moment = "extract" if recipe.variant == "extract" else "customize"
    command = [
        "mmdebstrap", f"--variant={recipe.variant}", "--format=null", f"--include={','.join(recipe.packages)}",
        *mirror.apt_options(),
        # Nothing of it runs here: it is only unpacked.
        *([f"--architectures={recipe.architecture}", "--skip=check/qemu"] if recipe.architecture else []),
        # Bullseye's packages still ship files in /bin and /lib; an installed Bullseye has them in /usr all the same.
        *([f"--setup-hook={MERGED_USR}"] if recipe.release == "bullseye" else []),
        f"--{moment}-hook={hook} \"$1\" {folder} {recipe.release}",
        recipe.release, "-", f"deb {source} {recipe.release} main",
    ]
    log = folder / "build.log"
    with log.open("wb") as output:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
    if status != 0:
        raise LabError(f"mmdebstrap failed for {recipe.name}; the end of {log}:\n{tail(log)}")


def tail(path, lines=30):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def overlay(backing, path, backing_format="raw"):
    """A qcow2 image that keeps all writes away from `backing`."""
    qemu_img("create", "-q", "-f", "qcow2", "-F", backing_format, "-b", backing, path)
    return path


def find_backing(overlay, folder):
    """Lets an overlay use the image of the same name in `folder`."""
    info = json.loads(qemu_img("info", "--output=json", overlay))
    backing = folder / Path(info["backing-filename"]).name
    qemu_img("rebase", "-u", "-F", info["backing-filename-format"], "-b", backing, overlay)


def qemu_img(*arguments):
    """What it said."""
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"qemu-img {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def read_only_disk(tree, path, size):
    """An ext4 image with the files of `tree`."""
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0", "-d", tree, path, size]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"mke2fs of {tree}: {done.stderr.strip()}")
    return path
