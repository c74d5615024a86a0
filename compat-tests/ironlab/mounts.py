"""Small disks, for a process that may mount (`apart.MOUNTS`): its mounts are gone with it."""

import subprocess
from contextlib import contextmanager

from . import rundir


@contextmanager
def small_disk(mib):
    """An empty directory on a disk of so many MiB."""
    directory = rundir.new("disk")
    _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", directory)
    try:
        yield directory
    finally:
        _run("umount", "--lazy", directory)
        rundir.remove(directory)


def make_read_only(directory):
    """From now on nobody writes to this disk."""
    _run("mount", "-o", "remount,ro", directory)


def _run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr}")
