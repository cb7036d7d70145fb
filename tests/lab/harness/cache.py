"""What no run changes, and several may want to make: images and snapshots under target/lab."""

import contextlib
import fcntl

from .paths import CACHE


@contextlib.contextmanager
def alone(name):
    """Within it nobody else, in no other process, makes what `name` stands for."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
