"""Reads the logs of Java applications and finds in them what no server may cause.

An event starts with a line of logback.xml's pattern; the lines up to the next start, such as a stack, belong to it.
"""

import re

_START = re.compile(r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) +\[.*?\] (?P<logger>\S+) - ")
_ZOOKEEPER = re.compile(r"zookeeper|zkclient|KeeperException|curator", re.IGNORECASE)
_EXPIRED = re.compile(r"session 0x[0-9a-f]+ has expired|Session expired", re.IGNORECASE)


def events(text):
    """Yields (level, whole text) of each event."""
    level, lines = None, []
    for line in text.splitlines():
        if start := _START.match(line):
            if level:
                yield level, "\n".join(lines)
            level, lines = start["level"], []
        lines.append(line)
    if level:
        yield level, "\n".join(lines)


def zookeeper_errors(text):
    """The events of level ERROR that name ZooKeeper anywhere: by logger, message or stack."""
    return [event for level, event in events(text) if level == "ERROR" and _ZOOKEEPER.search(event)]


def expiries(text):
    """The events of any level in which a client is told that its session has expired."""
    return [event for _, event in events(text) if _EXPIRED.search(event)]
