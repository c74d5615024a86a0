"""Loopback ports for servers that must come back on the same port after a stop.

They are taken below the kernel's ephemeral range, so that no outgoing connection can take one while its server is down.
"""

import os
import random
import socket
import threading

_taken = set()
_lock = threading.Lock()
_choice = random.Random(os.getpid())


def free():
    """A port on 127.0.0.1 that nobody listens on and that this process has not handed out before."""
    with _lock:
        for _ in range(1000):
            port = _choice.randrange(12000, 32000)
            if port not in _taken and _can_bind(port):
                _taken.add(port)
                return port
    raise OSError("no free port between 12000 and 32000 on 127.0.0.1")


def _can_bind(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
