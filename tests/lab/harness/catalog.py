"""Finds the scenarios: every file in scenarios/ is one, once per variant that it names."""

import importlib.util
from dataclasses import dataclass
from types import ModuleType

from .network import NetworkLab
from .paths import SCENARIOS
from .storage import StorageLab

# Which laboratory a folder's scenarios are given. A variant is a file system there, a release here.
FAMILIES = {"storage": StorageLab, "network": NetworkLab}


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
            name = path.stem.lstrip("0123456789_").replace("_", "-")
            if family == "storage":
                name = f"storage-{name}"
            summary = module.__doc__.strip().splitlines()[0]
            for variant in (*module.USUAL, *module.MORE):
                found.append(Case(f"{name}/{variant}", summary, family, variant, variant in module.USUAL, getattr(module, "LONG", False), module))
    return found


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
