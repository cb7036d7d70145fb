"""Where the lab's own files and its products lie."""

import os
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
PROJECT = LAB.parent.parent
RECIPES = LAB / "recipes"
GUEST = LAB / "guest"
BOX = LAB / "box"
SCENARIOS = LAB / "scenarios"
# Images take minutes to build and no run changes them.
CACHE = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve() / "lab"
