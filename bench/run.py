#!/usr/bin/env python3
"""Measures ironkeeper next to Apache ZooKeeper 3.9.5, in the same run on the same machine.

    bench/run.py load [--rounds 3]       requests per second, latency, CPU time, memory
    bench/run.py million [--count N]     a million znodes of 100 bytes: load, snapshot, restart, memory

Prints a table in Markdown. Times of one machine mean little; the ratio of the two servers is the figure to keep.
compat-tests/setup.sh and cargo build --release must have run before.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compat-tests"))

from ironlab import paths, processes, rundir  # noqa: E402
from ironlab.server import Server  # noqa: E402

KINDS = ("ironkeeper", "apache-3.9.5")
OPS = ("create", "get", "set", "mixed", "ping")
CONFIG = "maxClientCnxns=0\n"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def load(server, op, count, sessions=8, window=32):
    """Runs the load generator; its JSON line as a dict."""
    program = paths.ironkeeper_binary().parent / "load"
    command = [program, server.address, op, "--count", str(count), "--sessions", str(sessions), "--window", str(window)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cpu_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mib(pid, key="VmRSS"):
    """Resident memory, now (VmRSS) or at its most (VmHWM)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


def server(kind, heap_mib):
    """A server as an operator runs it: Apache's scripts give the JVM 1000 MiB and its default collector."""
    return Server(kind, config=CONFIG, jvm=(f"-Xmx{heap_mib}m",))


def run_load(options):
    """Both servers in turn, so that a machine whose speed drifts is fair to both."""
    results = {(kind, op): [] for kind in KINDS for op in OPS}
    memory = {}
    servers = {kind: server(kind, 1000) for kind in KINDS}
    for one in servers.values():
        one.start()
    try:
        for _ in range(options.rounds):
            for op in OPS:
                for kind in KINDS:
                    results[kind, op].append(measured(servers[kind], op, options.count))
        for kind in KINDS:
            memory[kind] = memory_mib(servers[kind].pid)
    finally:
        for one in servers.values():
            one.__exit__(None, None, None)
    print_load(results, memory)


def measured(one, op, count):
    before = cpu_seconds(one.pid)
    # A second create of the same znodes would only be refused.
    if op == "create":
        one.rounds = getattr(one, "rounds", 0) + 1
        if one.rounds > 1:
            return None
    result = load(one, op, count)
    result["cpu"] = cpu_seconds(one.pid) - before
    return result


def print_load(results, memory):
    def middle(kind, op, key):
        return statistics.median(result[key] for result in results[kind, op] if result)

    print("| requests | ironkeeper /s | Apache /s | ratio | CPU s per 100,000 | Apache CPU | ratio | p99 ms | Apache p99 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for op in OPS:
        ours, theirs = ({key: middle(kind, op, key) for key in ("per_second", "cpu", "count", "p99_us")} for kind in KINDS)
        cpu = [one["cpu"] * 100_000 / one["count"] for one in (ours, theirs)]
        print(f"| {op} | {ours['per_second']:,.0f} | {theirs['per_second']:,.0f} "
              f"| {ours['per_second'] / theirs['per_second']:.1f} | {cpu[0]:.2f} | {cpu[1]:.2f} "
              f"| {cpu[0] / cpu[1]:.2f} | {ours['p99_us'] / 1000:.1f} | {theirs['p99_us'] / 1000:.1f} |")
    print(f"\nResident memory at the end: {memory[KINDS[0]]:.0f} MiB and {memory[KINDS[1]]:.0f} MiB, "
          f"ratio {memory[KINDS[0]] / memory[KINDS[1]]:.2f}")


def run_million(options):
    rows = [million(kind, options.count, options.heap) for kind in KINDS]
    print(f"| {options.count:,} znodes of 100 bytes | ironkeeper | Apache 3.9.5 | ratio |")
    print("| --- | --- | --- | --- |")
    for name in rows[0]:
        ours, theirs = (row[name] for row in rows)
        print(f"| {name} | {ours:,.2f} | {theirs:,.2f} | {ours / theirs:.2f} |")


def million(kind, count, heap_mib):
    """Loads, lets the server restart on its log, and once more on the snapshot that this left."""
    row = {}
    with server(kind, heap_mib) as one:
        row["load, s"] = load(one, "create", count)["seconds"]
        row["CPU time of the load, s"] = cpu_seconds(one.pid)
        row["memory after the load, MiB"] = memory_mib(one.pid)
        one.stop()
        row["restart that replays the log, s"] = timed(one.start)
        wait_for_snapshot(one)
        row["memory after that restart, MiB"] = memory_mib(one.pid)
        row["memory at its most, snapshot written, MiB"] = memory_mib(one.pid, "VmHWM")
        one.stop()
        row["restart from the snapshot, s"] = timed(one.start)
        nodes = int(one.mntr()["zk_znode_count"])
        assert nodes > count, f"{kind} has {nodes} znodes"
        newest = max(one.version_2.glob("snapshot.*"), key=lambda file: file.stat().st_mtime)
        row["snapshot, MiB"] = newest.stat().st_size / 2**20
    return row


def wait_for_snapshot(one):
    """Until the snapshot of the start is whole: no file of it grows any more, and none is temporary."""
    sizes = None
    while True:
        now = {file.name: file.stat().st_size for file in one.version_2.glob("snapshot.*")}
        if now == sizes and not any(name.endswith(".tmp") for name in now) and max(now.values()) > 10_000:
            return
        sizes = now
        time.sleep(0.5)


def timed(step):
    began = time.monotonic()
    step()
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="what", required=True)
    one = kinds.add_parser("load")
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--count", type=int, default=100_000)
    one.set_defaults(run=run_load)
    one = kinds.add_parser("million")
    one.add_argument("--count", type=int, default=1_000_000)
    one.add_argument("--heap", type=int, default=4000, help="MiB of heap for Apache")
    one.set_defaults(run=run_million)
    options = parser.parse_args()
    processes.install_handlers()
    rundir.remove_left_overs()
    options.run(options)


if __name__ == "__main__":
    main()
