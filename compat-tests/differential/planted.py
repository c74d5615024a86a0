#!/usr/bin/env python3
"""Builds an ironkeeper that has all defects of defects/*.toml in it, each switched off by `ironlab.planted`.

    planted.py       builds and prints the binary's path, then each defect with what it claims and needs
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ironlab.planted import VARIABLE, Planting, PlantError

__all__ = ["VARIABLE", "build", "names"]

_PLANTING = Planting(Path(__file__).resolve().parent / "defects", "planted",
                     ("build", "--package", "server", "--bin", "ironkeeper"))


def names():
    """The names of all defects."""
    return [defect.name for defect in _PLANTING.defects()]


def build():
    """Builds the binary, which takes no time when nothing has changed, and returns its path."""
    return _PLANTING.build()["ironkeeper"]


def main():
    try:
        print(build())
    except PlantError as error:
        sys.exit(f"planted.py: {error}")
    for defect in _PLANTING.defects():
        print(f"{defect.name}\n    {defect.claim}" + (f"\n    needs {defect.needs}" if defect.needs else ""))


if __name__ == "__main__":
    main()
