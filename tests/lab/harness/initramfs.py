"""The initramfs of every guest: finds two disks, mounts them, and hands over. Debian's own needs ten times longer."""

import lzma
import re
import shutil
import stat
from pathlib import Path

from .paths import GUEST

WANTED = ("virtio_pci", "virtio_blk", "virtio_console", "ext4")


def build(folder):
    """Writes `folder`/initrd from the modules beside it, unless it is there and newer than its parts."""
    initrd = folder / "initrd"
    init = GUEST / "init.sh"
    if initrd.exists() and initrd.stat().st_mtime > init.stat().st_mtime:
        return initrd
    modules = next((folder / "modules").iterdir())
    archive = Archive()
    for name in ("dev", "proc", "sys", "run", "root", "bin", "modules"):
        archive.add(name, stat.S_IFDIR | 0o755, b"")
    archive.add("init", stat.S_IFREG | 0o755, init.read_bytes())
    archive.add("bin/busybox", stat.S_IFREG | 0o755, Path(shutil.which("busybox")).read_bytes())
    files = in_load_order(modules)
    for number, file in enumerate(files):
        archive.add(f"modules/{number:02}-{file.name.split('.')[0]}.ko", stat.S_IFREG | 0o644, plain(file))
    initrd.write_bytes(archive.finish())
    return initrd


def in_load_order(modules):
    """The files of WANTED and of all that they need, each after its own needs. Built-in ones are no files."""
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, rest = line.split(":", 1)
        needs[path] = rest.split()
    by_name = {re.sub(r"\.ko.*", "", path.rsplit("/", 1)[-1]): path for path in needs}
    # ext4 asks for its checksum by name while it mounts, which modules.dep does not know.
    wanted = [by_name[name] for name in ("crc32c_generic", *WANTED) if name in by_name]
    order = []
    for path in wanted:
        # depmod lists the most basic need last.
        order += [need for need in [*reversed(needs[path]), path] if need not in order]
    return [modules / path for path in order]


def plain(file):
    if file.suffix == ".xz":
        return lzma.decompress(file.read_bytes())
    return file.read_bytes()


class Archive:
    """A cpio archive in the kernel's "newc" form (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.data = bytearray()
        self.count = 0

    def add(self, name, mode, content):
        self.count += 1
        fields = [self.count, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        self.pad()
        self.data += content
        self.pad()

    def pad(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0, b"")
        return bytes(self.data)
