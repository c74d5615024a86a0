"""Loopback ports for servers that must come back on the same port after a stop.

They are taken below the kernel's ephemeral range, so that no outgoing connection can take one while its server is down.
"""

import os
import random
import socket
import threading
from contextlib import contextmanager

_taken = set()
_lock = threading.Lock()
_choice = random.Random(os.getpid())


def free():
    """A port on 127.0.0.1 that nobody listens on and that this process has not handed out before."""
    return free_block(1)


def free_block(count):
    """The first of `count` ports in a row, each as `free` gives them."""
    with _lock:
        for _ in range(1000):
            first = _choice.randrange(12000, 32000)
            block = range(first, first + count)
            if not _taken.intersection(block) and all(map(_can_bind, block)):
                _taken.update(block)
                return first
    raise OSError(f"no {count} free ports in a row between 12000 and 32000 on 127.0.0.1")


@contextmanager
def taken():
    """A port on 127.0.0.1 that somebody else listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free()))
        holder.listen()
        yield holder.getsockname()[1]


def is_open(port):
    """True if somebody on 127.0.0.1 takes connections to it."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


def _can_bind(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
