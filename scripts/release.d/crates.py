"""The crates that are in piback's binary, by `cargo metadata` and Cargo.lock."""

import json
import re
import subprocess
import sys

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
# Those for which packages are made.
TARGETS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")


def shipped():
    """What is linked into the binary: no build scripts' and no tests' own dependencies. Sorted by name and version."""
    found = {}
    for target in TARGETS:
        told = subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target],
            stdout=subprocess.PIPE, check=True,
        )
        metadata = json.loads(told.stdout)
        packages = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        todo = [metadata["resolve"]["root"]]
        while todo:
            at = todo.pop()
            if at in found:
                continue
            found[at] = packages[at]
            normal = [dep["pkg"] for dep in nodes[at]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
            todo.extend(normal)
    if not found:
        sys.exit("cargo metadata names no crate")
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def checksums():
    """SHA-256 of each crate's archive, by name and version."""
    with open("Cargo.lock", encoding="utf-8") as lock:
        text = lock.read()
    found = {}
    for block in text.split("[[package]]")[1:]:
        field = dict(re.findall(r'^(\w+) = "(.*)"$', block, flags=re.MULTILINE))
        if "checksum" in field:
            found[field["name"], field["version"]] = field["checksum"]
    return found
