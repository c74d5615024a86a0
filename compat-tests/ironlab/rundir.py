"""The directories of this run's servers: .work/runs/<pid>, so that several runs do not meet.

A run that was killed leaves its directory behind; the next run removes it.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from . import paths

_OWN = paths.WORK / "runs" / str(os.getpid())
_logs = None


def new(prefix):
    """An empty directory for one server."""
    _OWN.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=_OWN))


def keep_logs_in(directory):
    """From now on `remove` puts the logs into that directory, which begins empty."""
    global _logs
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    _logs = directory


def remove(directory):
    """Removes a directory made by `new`; its *.log files are kept where `keep_logs_in` was called."""
    if _logs:
        for log in directory.glob("*.log"):
            shutil.move(log, _logs / f"{directory.name}-{log.name}")
    shutil.rmtree(directory, ignore_errors=True)


def remove_left_overs():
    """Removes the directories of runs whose process is gone."""
    for directory in _OWN.parent.glob("*"):
        if not Path("/proc", directory.name).exists():
            shutil.rmtree(directory, ignore_errors=True)


atexit.register(shutil.rmtree, _OWN, ignore_errors=True)
