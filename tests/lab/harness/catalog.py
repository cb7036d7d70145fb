"""Finds the scenarios: every file in scenarios/ is one, once per variant that it names."""

import importlib.util
from dataclasses import dataclass
from types import ModuleType

from .box import BoxLab
from .image import ImageLab
from .network import NetworkLab
from .paths import SCENARIOS
from .storage import StorageLab

# Which laboratory a folder's scenarios are given. A variant is a file system in the first, a release in the others.
FAMILIES = {"storage": StorageLab, "box": BoxLab, "network": NetworkLab, "image": ImageLab}
# These run when they are asked for by name, as in `scripts/lab image`: minutes for each boot, and a package of their own.
ALONE = "image"


@dataclass(frozen=True)
class Case:
    """One scenario in one variant. `usual`: runs when nobody asks for more. `long`: begins before the others."""

    name: str
    summary: str
    family: str
    variant: str
    usual: bool
    long: bool
    module: ModuleType

    def lab(self, work, binary, say):
        return FAMILIES[self.family](self.variant, work, binary, say)

    def run(self, lab):
        self.module.run(lab)


def cases():
    """All of them, in the order of their files' names."""
    found = []
    for family in FAMILIES:
        for path in sorted((SCENARIOS / family).glob("*.py")):
            module = load(path)
            found += of_family(family, path, module, module.USUAL, module.MORE)
            # The releases on which a network scenario runs in the box as well, or instead.
            found += of_family("box", path, module, getattr(module, "BOX", ()))
    # The box's first: they take seconds.
    return sorted(found, key=lambda case: case.family != "box")


def of_family(family, path, module, usual, more=()):
    name = path.stem.lstrip("0123456789_").replace("_", "-")
    if family != "network":
        name = f"{family}-{name}"
    summary = module.__doc__.strip().splitlines()[0]
    for variant in (*usual, *more):
        yield Case(f"{name}/{variant}", summary, family, variant, variant in usual, getattr(module, "LONG", False), module)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
