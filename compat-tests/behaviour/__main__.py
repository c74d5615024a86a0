"""Runs the probes, or those whose names are given, and writes what they saw."""

import argparse
import traceback
from pathlib import Path

from ironlab import processes

from . import election, ensemble, follower, leader, limits

COLUMNS = "who, probe, what is done, what is seen, who complained in its log"


def main():
    parser = argparse.ArgumentParser(prog="behaviour", description=__doc__)
    parser.add_argument("--server", default="apache-3.9.5", help="kind of server to ask (default: apache-3.9.5)")
    parser.add_argument("--into", type=Path, help="file to write; the default is standard output alone")
    parser.add_argument("names", nargs="*", help="probes to run (default: all)")
    options = parser.parse_args()
    processes.install_handlers()
    rows, failed = [], []
    for module in (leader, follower, election, limits, ensemble):
        who = module.__name__.rpartition(".")[2]
        for probe in module.PROBES:
            if not options.names or probe.name in options.names:
                seen = _run(probe, options.server)
                (rows if seen else failed).append("\t".join((who, probe.name, probe.what, *(seen or ("failed",)))))
                print((rows if seen else failed)[-1], flush=True)
    if failed:
        raise SystemExit(f"{len(failed)} probes failed, nothing is written")
    if options.into:
        options.into.write_text("\n".join([f"# {COLUMNS}", *rows]) + "\n")


def _run(probe, kind):
    try:
        return probe.run(kind)
    except Exception:  # the probe asked something that has another answer: it is written anew
        traceback.print_exc()
        return None


if __name__ == "__main__":
    main()
