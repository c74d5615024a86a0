"""Programs of Debian packages that setup.sh has unpacked, not installed, below .work/apps/debian."""

import os

from ironlab import paths

ROOT = paths.WORK / "apps" / "debian"
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu")


def environment(**own):
    """The environment in which an unpacked program finds its libraries and Python modules."""
    libraries = ":".join(str(ROOT / directory) for directory in _LIBRARIES)
    return {**os.environ, "LD_LIBRARY_PATH": libraries, "PYTHONPATH": str(ROOT / "usr/lib/python3/dist-packages"), **own}
