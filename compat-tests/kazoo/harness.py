"""What the kazoo program's checks stand on: clients, waiting, and the driver on stdin and stdout."""

import sys
import threading
import time
import traceback
from contextlib import contextmanager

from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.retry import KazooRetry

DEADLINE_S = 30


class GatedHandler(SequentialThreadingHandler):
    """Refuses new connections while the gate is shut."""

    gate_is_shut = False

    def create_connection(self, *arguments, **options):
        if self.gate_is_shut:
            raise ConnectionRefusedError("the gate is shut")
        return super().create_connection(*arguments, **options)


class Lab:
    """The server's address and the driver that stops and starts it when asked."""

    def __init__(self, address):
        self.address = address

    def restart(self):
        """Stops and starts the server, and returns when it serves again.

        No client connects meanwhile: one that does while Apache starts may be left without an answer.
        """
        GatedHandler.gate_is_shut = True
        self._ask("stop")
        self._ask("start")
        GatedHandler.gate_is_shut = False

    def _ask(self, request):
        print(f"@{request}", flush=True)
        answer = sys.stdin.readline().strip()
        assert answer == "done", f"the driver answered {answer!r} to {request}"

    @contextmanager
    def clients(self, count=1, **options):
        """That many connected clients; a single one is not wrapped in a list."""
        made = [self._client(**options) for _ in range(count)]
        try:
            yield made[0] if count == 1 else made
        finally:
            for client in made:
                client.stop()
                client.close()

    def _client(self, hosts=None, **options):
        retry = KazooRetry(max_tries=-1, delay=0.05, max_delay=0.3)
        client = KazooClient(hosts or self.address, timeout=10, handler=GatedHandler(), connection_retry=retry,
                             command_retry=retry.copy(), **options)
        client.start(timeout=DEADLINE_S)
        return client


def eventually(condition, what):
    """Polls until the condition holds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.01)


def equal(actual, expected, what):
    assert actual == expected, f"{what}: {actual!r} instead of {expected!r}"


def refused(error, function, *arguments, **options):
    """Asserts that a call raises exactly this error."""
    try:
        result = function(*arguments, **options)
    except error:
        return
    raise AssertionError(f"{function.__name__} returned {result!r} instead of {error.__name__}")


class Background:
    """A function in a thread; `result` waits for its end and raises what it raised."""

    def __init__(self, function, *arguments):
        self._outcome = []
        self._thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self._thread.start()

    def _run(self, function, arguments):
        try:
            self._outcome.append((function(*arguments), None))
        except Exception as error:  # noqa: BLE001 - handed on by result
            self._outcome.append((None, error))

    def result(self):
        self._thread.join(DEADLINE_S)
        assert self._outcome, f"the thread did not end within {DEADLINE_S} s"
        value, error = self._outcome[0]
        if error is not None:
            raise error
        return value


def main(checks):
    """Runs the checks, prints a line for each and the count, and returns the exit code."""
    lab = Lab(sys.argv[1])
    failed = sum(not _passes(lab, check) for check in checks)
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def _passes(lab, check):
    claim = check.__name__.replace("_", " ")
    try:
        check(lab)
    except Exception as error:  # noqa: BLE001 - a check that breaks in any way has failed
        traceback.print_exc()
        reason = str(error).replace("\n", " ") or type(error).__name__
        print(f"FAIL\t{claim}\t{reason}", flush=True)
        return False
    print(f"ok\t{claim}", flush=True)
    return True
