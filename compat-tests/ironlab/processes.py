"""Child processes that never outlive the test run.

Every child gets a process group of its own; what is still alive when Python ends, also by SIGTERM or SIGINT, is killed
by its group id. Knows nothing of ZooKeeper.
"""

import atexit
import os
import signal
import subprocess
import threading

_alive = set()
_at_end = []
_lock = threading.Lock()


def start(argv, **kwargs):
    """Starts `argv` in its own process group and remembers it until `reap`."""
    child = subprocess.Popen([str(a) for a in argv], start_new_session=True, **kwargs)
    with _lock:
        _alive.add(child)
    return child


def signal_group(child, number):
    """Sends a signal to the child and all that it started; a child that is gone is no error."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def reap(child, timeout_s=10):
    """Waits for the child's end, kills its group when it takes too long, and returns its exit code."""
    try:
        code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        signal_group(child, signal.SIGKILL)
        code = child.wait()
    with _lock:
        _alive.discard(child)
    return code


def run(argv, timeout_s=60, **kwargs):
    """Runs `argv` to its end and returns (exit code, stdout, stderr) as text."""
    child = start(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)
    try:
        out, err = child.communicate(timeout=timeout_s)
    finally:
        signal_group(child, signal.SIGKILL)
        reap(child)
    return child.returncode, out, err


def at_end(function):
    """Has `function` called after the children were killed, for processes that a child has put into a group of its own."""
    _at_end.append(function)


class Scoped:
    """What is started where a `with` block begins, and closed where it ends or where the start fails."""

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_failure):
        self.close()


class Daemon:
    """A process that is ended by signals and may be started again; `_child` is None while it does not run."""

    stop_deadline_s = 20
    _child = None

    def stop(self):
        """SIGTERM and wait. Returns the exit code (a JVM ended by SIGTERM has 143)."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """SIGKILL and wait; nothing happens when the process is not running."""
        return self._end(signal.SIGKILL)

    def pause(self):
        """SIGSTOP: the sockets stay, nothing is answered, no ping is sent. Returns once the last thread has stopped: on busy
        cores some run for milliseconds after the signal. A child that has ended is no error.
        """
        signal_group(self._child, signal.SIGSTOP)
        os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self):
        """SIGCONT after `pause`."""
        signal_group(self._child, signal.SIGCONT)

    def is_running(self):
        """False once it has ended, by itself or not."""
        return self._child is not None and self._child.poll() is None

    def _end(self, number):
        if self._child is None:
            return None
        signal_group(self._child, number)
        code = reap(self._child, self.stop_deadline_s)
        self._child = None
        return code


@atexit.register
def _kill_all():
    for child in list(_alive):
        signal_group(child, signal.SIGKILL)
    for function in _at_end:
        function()


def _end_on(number, _frame):
    _kill_all()
    os._exit(128 + number)  # at once: threads that wait for their servers would hold up an orderly end


def install_handlers():
    """Makes SIGTERM and SIGINT end this process and all its children at once. Call from the main thread."""
    signal.signal(signal.SIGTERM, _end_on)
    signal.signal(signal.SIGINT, _end_on)
