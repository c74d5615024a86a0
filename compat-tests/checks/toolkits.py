"""The tools on logs and snapshots: Apache's classes and the subject's sub-commands run on the same files with the same arguments, and
print the same. What is in the order of Java's hash tables is put in order; times that a run took are masked.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from functools import partial

from ironlab import paths, processes, rundir
from ironlab.report import equal
from ironlab.server import APACHE, java

NAME = "toolkits"
ORACLE = "apache-3.9.5"
DATA = {name: paths.GOLDEN / name for name in ("apache-3.9.5", "apache-3.9.5-no-digest", "apache-3.8.6", "cases", "overflow")}
NO_DIGEST = ["-Dzookeeper.digest.enabled=false"]
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

# What each tool is in Java, and here.
TOOLS = {
    "log": ("org.apache.zookeeper.server.persistence.TxnLogToolkit", "txnlog"),
    "snapshot": ("org.apache.zookeeper.server.SnapshotFormatter", "snapshot"),
    "compare": ("org.apache.zookeeper.server.SnapshotComparer", "snapshot-compare"),
    "summary": ("org.apache.zookeeper.server.SnapshotRecursiveSummary", "snapshot-summary"),
    "purge": ("org.apache.zookeeper.server.PurgeTxnLog", "purge"),
}


@dataclass
class Ran:
    """How a tool ended: `err` is without the lines of Java's log."""

    code: int
    out: str
    err: str


class Tools:
    """Runs tools of a kind in a directory of its own, so that what they name is the same for both."""

    def __init__(self, kind):
        self.kind = kind
        self.home = rundir.new(f"tools-{kind}").resolve()

    def run(self, tool, *args, stdin="", properties=(), environment=None):
        class_name, word = TOOLS[tool]
        flags = ["-Dsun.stdout.encoding=UTF-8", *properties]
        command = [paths.ironkeeper_binary(), word] if self.kind == "ironkeeper" else [*_java(APACHE[self.kind], *flags), class_name]
        (self.home / "stdin").write_text(stdin)
        with open(self.home / "stdin", encoding="utf-8") as source:
            code, out, err = processes.run([*command, *args], stdin=source, cwd=self.home, env={**ENVIRONMENT, **(environment or {})})
        return Ran(code, out, "".join(line for line in err.splitlines(True) if "[log]" not in line))

    def copy(self, source, name=None):
        """A file of the golden ones in the directory; its name."""
        name = name or source.name
        shutil.copyfile(source, self.home / name)
        return name

    def write(self, name, content):
        (self.home / name).write_bytes(content)
        return name

    def read(self, name):
        return (self.home / name).read_bytes().rstrip(b"\0")

    def close(self):
        rundir.remove(self.home)


def _java(version, *options):
    """With what SnapshotFormatter needs besides."""
    command = java(version, *options)
    return [*command[:-1], f"{command[-1]}:{paths.JACKSON}/*"]


def run(report, kind):
    for check in CHECKS:
        claim = (check.__name__ if hasattr(check, "__name__") else f"{check.func.__name__} {check.args[0]}").replace("_", " ")
        with report.check(NAME, kind, claim):
            theirs, ours = _answers(check, ORACLE), _answers(check, kind) if kind != ORACLE else None
            assert theirs, "the check has seen nothing"
            for number, (their, our) in enumerate(zip(theirs, ours or theirs, strict=True)):
                equal(our, their, f"answer {number}")


def _answers(check, kind):
    tools = Tools(kind)
    try:
        return check(tools)
    finally:
        tools.close()


# Each check returns a list of what is to be the same.

def the_logs_are_printed_of(name, tools):
    answers = []
    for log in sorted((DATA[name] / "version-2").glob("log.*")):
        ran = tools.run("log", tools.copy(log), properties=NO_DIGEST if "no-digest" in name else ())
        answers += [ran.code, ran.out, ran.err]
    assert "EOF reached after" in answers[-2], answers[-2]
    return answers


def times_are_those_of_the_time_zone(tools):
    log = tools.copy(DATA["apache-3.9.5"] / "version-2" / "log.1")
    snapshot = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    zone = {"TZ": "America/New_York"}
    printed = tools.run("log", log, environment=zone).out
    assert re.search(r" [AP]M E[SD]T session ", printed), printed[:500]
    return [printed, _formatted(tools.run("snapshot", snapshot, environment=zone).out)]


def a_log_that_is_cut_within_a_record_ends_there(tools):
    content = (DATA["apache-3.9.5"] / "version-2" / "log.1").read_bytes()
    answers = []
    for length in (len(content) - 1, len(content) - 9, 16, 10):
        ran = tools.run("log", tools.write("log.1", content[:length]))
        answers += [ran.code, ran.out]
    return answers


def _damaged(tools):
    """A log with a byte of the data of two records changed."""
    content = bytearray((DATA["apache-3.9.5"] / "version-2" / "log.1").read_bytes())
    offset, records = 16, []
    while offset < len(content):
        length = int.from_bytes(content[offset + 8:offset + 12], "big")
        records.append(offset + 12)
        offset += 13 + length
    for record in (records[5], records[9]):
        content[record + 31 - 12] ^= 1  # in the header's time: the record can be read
    return tools.write("log.1", bytes(content))


def wrong_checksums_are_shown(tools):
    ran = tools.run("log", "-d", _damaged(tools))
    equal(ran.out.count("CRC ERROR - "), 2, "wrong checksums")
    return [ran.code, ran.out, ran.err]


def wrong_checksums_are_repaired_when_asked(tools):
    ran = tools.run("log", "--recover", "-y", _damaged(tools))
    answers = [ran.code, ran.out, ran.err, tools.read("log.1.fixed")]
    equal(ran.out.count("CRC FIXED - "), 2, "repaired")
    again = tools.run("log", "log.1.fixed")
    assert "CRC ERROR" not in again.out, again.out
    return [*answers, again.out]


def who_repairs_is_asked_each_time(tools):
    answers = []
    for words in ("x\n yes\nN\n", "n\na\n"):
        ran = tools.run("log", "-rv", _damaged(tools), stdin=words)
        answers += [ran.code, ran.out, ran.err]
        answers += [tools.read("log.1.fixed")] if "has been written" in ran.out else []
        (tools.home / "log.1.fixed").unlink()
    assert "(Yes/No/Abort)" in answers[1] and "Recovery aborted." in answers[-1], answers
    return answers


def an_input_that_ends_ends_the_repair(tools):
    ran = tools.run("log", "-r", _damaged(tools))
    assert ran.err, "no word about it"
    return [ran.code, ran.out]


def a_repaired_file_is_not_overwritten(tools):
    log = tools.write("log.1", (DATA["apache-3.9.5"] / "version-2" / "log.1").read_bytes())
    tools.write("log.1.fixed", b"mine")
    ran = tools.run("log", "-r", log)
    return [ran.code, ran.out, ran.err, tools.read("log.1.fixed")]


def a_log_is_cut_at_a_zxid(tools):
    log = tools.copy(DATA["apache-3.9.5"] / "version-2" / "log.1")
    answers = []
    for zxid, file in (("0x10", 16), ("20", 20), ("0x40", None), ("0x7000", None), ("0", None)):
        ran = tools.run("log", "-c", log, "-z", zxid)
        answers += [ran.code, ran.out, ran.err]
        answers += [tools.read(f"log.1.chopped{file}")] if file else []
    assert "Chopping at 10 new log has" in answers[1], answers[1]
    return answers


def damage_ends_the_cutting(tools):
    ran = tools.run("log", "-c", "-z", "0x30", _damaged(tools))
    broken = tools.run("log", "--chop", "--zxid=5", tools.write("log.2", b"x" * 32))
    return [ran.code, ran.out, ran.err, broken.code, broken.out, broken.err]


def a_wrong_command_line_for_logs_is_refused(tools):
    answers = []
    for args in ([], ["-x", "log"], ["-z"], ["--nothing"], ["missing"], ["-h"]):
        ran = tools.run("log", *args)
        answers += [ran.code, _options(ran.out), ran.err]
    return answers


def _options(help_text):
    """The usage line, and the options that a help lists."""
    options = re.findall(r"(?m)^ (-\w,--\w+(?: <\w+>)?)", help_text)
    return [line for line in help_text.splitlines() if line.startswith("usage")] + options


def the_snapshots_are_printed_of(name, tools):
    answers = []
    for snapshot in sorted([*(DATA[name] / "version-2").glob("snapshot.*"), *(DATA[name]).glob("later/snapshot.*")]):
        file = tools.copy(snapshot)
        for option in ([], ["-d"]):
            ran = tools.run("snapshot", *option, file)
            answers += [ran.code, _formatted(ran.out), ran.err]
    return answers


def _formatted(text):
    """The parts of a printed snapshot, znodes and sessions by name."""
    head, *blocks = text.split("\n----\n")
    znodes, (sessions, last) = blocks[:-2], blocks[-2:]
    first, *rest = sessions.splitlines()
    return [head, sorted(znodes), first, sorted(rest), last]


def a_snapshot_is_printed_as_json(tools):
    answers = []
    for name in ("apache-3.9.5", "cases"):
        for snapshot in sorted((DATA[name] / "version-2").glob("snapshot.*")):
            ran = tools.run("snapshot", "-json", tools.copy(snapshot))
            major, minor, info, tree = json.loads(ran.out)
            info.pop("timestamp")
            inodes = []
            answers += [ran.code, major, minor, info, _sorted_json(tree, inodes)]
            equal(inodes, list(range(1001, 1001 + len(inodes))), "inodes")
    return answers


def _sorted_json(entry, inodes):
    """A list is a directory with its entries behind it."""
    own, *children = entry if isinstance(entry, list) else [entry]
    inodes.append(own.pop("ino"))
    assert isinstance(entry, dict) or children, entry
    return [own, sorted((_sorted_json(child, inodes) for child in children), key=lambda child: child[0]["name"])]


def a_wrong_command_line_for_a_snapshot_is_refused(tools):
    snapshot = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    answers = []
    for args in ([], [snapshot, "-d"], ["missing"], ["."], ["-d", "-json", snapshot]):
        ran = tools.run("snapshot", *args)
        answers += [ran.code, ran.out, ran.err.replace(str(tools.home), "HOME").replace("/./", "/")]
    return answers


def a_damaged_snapshot_is_refused(tools):
    content = bytearray((DATA["apache-3.9.5"] / "version-2" / "snapshot.40").read_bytes())
    content[len(content) // 2] ^= 1
    ran = tools.run("snapshot", tools.write("snapshot.40", bytes(content)))
    assert ran.err and not ran.out, ran
    return [ran.code]


def two_snapshots_are_compared(tools):
    left = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    right = tools.copy(DATA["apache-3.9.5"] / "later" / "snapshot.4d.gz")
    answers = []
    for options in (["-b", "2", "-n", "1"], ["-b", "1000000", "-n", "1000"], ["-b=0", "-n0", "-d"]):
        for one, other in ((left, right), (right, left)):
            ran = tools.run("compare", "-l", one, "--right", other, *options)
            answers += [ran.code, _without_seconds(ran.out), ran.err]
    assert any("found only in right tree" in str(answer) for answer in answers), answers
    return answers


def two_snapshots_are_compared_step_by_step(tools):
    left = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    right = tools.copy(DATA["apache-3.9.5"] / "later" / "snapshot.4d")
    args = ["-l", left, "-r", right, "-b", "0", "-n", "0", "-i"]
    whole = tools.run("compare", *args, stdin="\n1\n-1\n99\n/multi\n/nowhere\n/\nx y\n" + "\n" * 9)
    short = tools.run("compare", *args, stdin="0\n")
    return [whole.code, _without_seconds(whole.out), whole.err, short.code, _without_seconds(short.out)]


def _without_seconds(text):
    return re.sub(r"in \d+\.\d{6} seconds", "in N seconds", text)


def a_wrong_command_line_for_a_comparison_is_refused(tools):
    snapshot = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    answers = []
    for args in ([], ["-l", snapshot, "-r", snapshot, "-b", "1"], ["-l", snapshot, "-q"], ["-b"]):
        ran = tools.run("compare", *args)
        answers += [ran.code, _options(ran.out), ran.err]
    ran = tools.run("compare", "-l", snapshot, "-r", snapshot, "-b", "many", "-n", "1")
    assert ran.err, "no word about it"
    return [*answers, ran.code]


def counts_and_sizes_are_summed_up(tools):
    answers = []
    for name, starts in (("apache-3.9.5", ("/", "/multi", "/zookeeper")), ("cases", ("/", "/zookeeper/quota"))):
        snapshot = tools.copy(DATA[name] / "version-2" / ("snapshot.40" if name == "apache-3.9.5" else "snapshot.0"))
        for start in starts:
            for depth in ("0", "1", "2"):
                ran = tools.run("summary", snapshot, start, depth)
                answers += [ran.code, _summary(ran.out), ran.err]
    return answers


def _summary(text):
    """The znodes of a summary by name, each with its three lines; the end of it."""
    *lines, last = text.splitlines()
    return [sorted(zip(*[iter(lines)] * 3, strict=True)), last]


def a_summary_of_what_is_not_there_is_refused(tools):
    snapshot = tools.copy(DATA["apache-3.9.5"] / "version-2" / "snapshot.40")
    answers = []
    for args in ([snapshot, "/nowhere", "0"], [snapshot, "/", "x"], [snapshot, "/"], ["missing", "/", "0"]):
        ran = tools.run("summary", *args)
        assert ran.err and not ran.out, ran
        answers.append(ran.code)
    return answers


def _two_directories(tools):
    """Seven snapshots, the newest of which is not whole, and logs that begin between them."""
    snapshot = (DATA["apache-3.9.5"] / "version-2" / "snapshot.0").read_bytes()
    for name in ("logs", "snaps"):
        (tools.home / name / "version-2").mkdir(parents=True)
    for zxid in (0x10, 0x20, 0x30, 0x40, 0x50, 0x60):
        tools.write(f"snaps/version-2/snapshot.{zxid:x}", snapshot)
        tools.write(f"logs/version-2/log.{zxid - 5:x}", b"")
    tools.write("snaps/version-2/snapshot.70", snapshot[:-5])


def _left(tools):
    return sorted(str(path.relative_to(tools.home)) for path in tools.home.glob("*/version-2/*"))


def old_snapshots_and_logs_are_removed(tools):
    _two_directories(tools)
    for number, path in enumerate(sorted(tools.home.glob("*/version-2/*"))):
        os.utime(path, (1767225600 + number * 86399, 1767225600 + number * 86399))
    ran = tools.run("purge", "logs", "snaps", "-n", "4")
    assert "Removing file: " in ran.out, ran
    return [ran.code, sorted(ran.out.replace(str(tools.home) + "/", "").splitlines()), ran.err, _left(tools)]


def a_wrong_command_line_for_a_purge_removes_nothing(tools):
    _two_directories(tools)
    answers = []
    for args in ([], ["snaps", "-n", "2"], ["snaps", "-n", "x"], ["snaps", "-x", "3"], ["snaps", "missing", "-n", "3"], ["snaps", "3"]):
        ran = tools.run("purge", *args)
        complaint = ran.err.replace(str(tools.home), "HOME")
        answers += [ran.code, ran.out.splitlines()[:2], complaint]
    return [*answers, _left(tools)]


def an_answer_that_nobody_reads_is_no_crash(tools):
    """As with `| head`."""
    log = tools.copy(DATA["cases"] / "version-2" / "log.1")
    class_name, word = TOOLS["log"]
    command = [paths.ironkeeper_binary(), word] if tools.kind == "ironkeeper" else [*java(APACHE[tools.kind]), class_name]
    line = " ".join(f"'{part}'" for part in map(str, [*command, log])) + " | head -n 1"
    code, out, err = processes.run(["sh", "-c", line], cwd=tools.home, env=ENVIRONMENT)
    assert "panicked" not in err, err
    return [code, out]


CHECKS = [
    *[partial(the_logs_are_printed_of, name) for name in DATA], times_are_those_of_the_time_zone,
    a_log_that_is_cut_within_a_record_ends_there, wrong_checksums_are_shown, wrong_checksums_are_repaired_when_asked,
    who_repairs_is_asked_each_time, an_input_that_ends_ends_the_repair, a_repaired_file_is_not_overwritten, a_log_is_cut_at_a_zxid,
    damage_ends_the_cutting, a_wrong_command_line_for_logs_is_refused, *[partial(the_snapshots_are_printed_of, name) for name in DATA],
    a_snapshot_is_printed_as_json, a_wrong_command_line_for_a_snapshot_is_refused, a_damaged_snapshot_is_refused,
    two_snapshots_are_compared, two_snapshots_are_compared_step_by_step, a_wrong_command_line_for_a_comparison_is_refused,
    counts_and_sizes_are_summed_up, a_summary_of_what_is_not_there_is_refused, old_snapshots_and_logs_are_removed,
    a_wrong_command_line_for_a_purge_removes_nothing, an_answer_that_nobody_reads_is_no_crash,
]
