"""A guest's USB bus: disks that are plugged in, slow or faulty if need be, and pulled out."""

import time

from .errors import LabError

# The bus itself, among a machine's devices.
BUS = ["-device", "qemu-xhci,id=usb"]


def plug(ask, name, file, form, limits=None, bad_sectors=()):
    """Puts the disk image `file` on the bus as `name`. `ask` speaks QMP; reads of `bad_sectors` fail."""
    ask("blockdev-add", **{"driver": "file", "node-name": f"{name}-file", "filename": str(file)})
    faults = {"driver": "blkdebug", "node-name": f"{name}-faults", "image": f"{name}-file"}
    if bad_sectors:
        fails = {"event": "none", "iotype": "read", "errno": 5, "once": False}
        faults["inject-error"] = [{**fails, "sector": sector} for sector in bad_sectors]
    ask("blockdev-add", **faults)
    ask("blockdev-add", **{"driver": form, "node-name": f"{name}-format", "file": f"{name}-faults"})
    ask("object-add", **{"qom-type": "throttle-group", "id": f"{name}-speed", "limits": limits or {}})
    ask("blockdev-add", **{
        "driver": "throttle", "node-name": name, "file": f"{name}-format", "throttle-group": f"{name}-speed",
    })
    ask("device_add", **{"driver": "usb-storage", "id": name, "drive": name, "serial": name, "bus": "usb.0"})


def pull(ask, name):
    """The disk leaves the bus in this moment, whatever is under way."""
    ask("device_del", id=name)
    for _ in range(100):
        try:
            ask("blockdev-del", **{"node-name": name})
            break
        except LabError:
            time.sleep(0.1)
    else:
        raise LabError(f"QEMU does not let go of {name}")
    for node in ("format", "faults", "file"):
        ask("blockdev-del", **{"node-name": f"{name}-{node}"})
    ask("object-del", id=f"{name}-speed")
