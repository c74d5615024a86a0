"""Writes REPORT.md from the kept results, and says where they break the suite's promises."""

from ironlab import paths

from . import expectation, junit, others, results, tables

PATH = tables.HERE / "REPORT.md"

_HEAD = """# Apache ZooKeeper's own tests, run against ironkeeper

Written by `run.py --report`; what it is about, and how to run it, is in [README.md](README.md). The test classes are those of
`org.apache.zookeeper:zookeeper:3.9.5:tests`, named below `org.apache.zookeeper`. Each class has run

- (a) on ironkeeper: the harness starts the binary as a process of its own;
- (b) on Apache 3.9.5, started as a process by the same harness;
- (c) unmodified: Apache's own harness, test and server in one JVM.

`7/8` means that JUnit ran eight tests, of which seven passed. A test with parameters counts once for each set of them; tests
that JUnit skipped count nowhere.
"""


def write():
    """Writes the report, prints what is wrong, and returns how many things are."""
    found = {mode: results.load(mode) for mode in junit.MODES}
    parts = [_HEAD, _sums(found), _run(found), _not_passed(found), _flaky(), _pending(found), _left_out(found),
             others.section()]
    PATH.write_text("\n".join(part for part in parts if part))
    wrong = list(_wrong(found))
    for line in wrong:
        print(f"WRONG {line}")
    print(f"wrote {PATH}")
    return len(wrong)


def table(head, rows):
    """A table in Markdown; columns whose name ends with a colon are aligned to the right."""
    rule = ["---:" if name.endswith(":") else "---" for name in head]
    lines = [[name.rstrip(":") for name in head], rule, *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines) + "\n"


def _sums(found):
    head = ["label", "classes:", "run:", "tests (a):", "passed (a):", "tests (b):", "passed (b):", "tests (c):", "passed (c):",
            "pending:", "left out:"]
    classes = tables.classes()
    labels = sorted({row["label"] for row in classes.values()})
    rows = [[label, *_sum(found, [name for name, row in classes.items() if row["label"] == label])] for label in labels]
    rows.append(["all", *_sum(found, list(classes))])
    return f"## Sums\n\n{table(head, rows)}\n{_shares(found)}"


def _sum(found, names):
    counts = [len(names), sum(name in found["ironkeeper"] for name in _to_run(names))]
    for mode in junit.MODES:
        ran = [found[mode][name] for name in (names if mode == "unmodified" else _to_run(names)) if name in found[mode]]
        counts += [sum(map(results.count, ran)), sum(results.count(result, junit.PASSED) for result in ran)]
    return [*counts, sum(name in tables.pending() for name in names), sum(name in tables.left_out() for name in names)]


def _to_run(names):
    to_run = set(tables.to_run())
    return [name for name in names if name in to_run]


def _shares(found):
    """How many tests of the classes of each black-box label do not pass on Apache through the harness, a line each."""
    labels = sorted({row["label"] for row in tables.classes().values() if row["label"].startswith("blackbox-")})
    return "\n".join(_share(found["apache"], label) for label in labels)


def _share(found, label):
    names = _to_run([name for name, row in tables.classes().items() if row["label"] == label])
    ran = [found[name] for name in names if name in found]
    total, passed = sum(map(results.count, ran)), sum(results.count(result, junit.PASSED) for result in ran)
    share = 100 * (total - passed) / total if total else 0
    return (f"Of the {total} tests of {label} classes, {total - passed} ({share:.1f} %) do not pass on Apache through the "
            "harness.\n")


def _run(found):
    names = [name for name in tables.to_run() if any(name in found[mode] for mode in ("ironkeeper", "apache"))]
    rows = [[name, tables.classes()[name]["label"], *(_verdict(found[mode].get(name)) for mode in junit.MODES)]
            for name in names]
    return "## Classes that run\n\n" + table(["class", "label", "(a):", "(b):", "(c):"], rows)


def _verdict(result):
    if result is None:
        return "not run"
    verdict = f"{results.count(result, junit.PASSED)}/{results.count(result)}"
    return f"{verdict}, {result['error']}" if result["error"] else verdict


def _not_passed(found):
    """Every test that did not pass in a class that runs, and in Apache's own harness wherever it is."""
    reasons, to_run, rows = tables.reasons(), set(tables.to_run()), []
    for mode, letter in zip(junit.MODES, "abc"):
        for name, result in found[mode].items():
            if mode == "unmodified" or name in to_run:
                rows += [[f"{name}#{test['name']}", f"({letter})", test["outcome"], _cell(
                    reasons.get((mode, f"{name}#{test['name']}"), test["message"]))] for test in _troubled(result)]
    return "## Tests that do not pass\n\n" + table(["test", "where", "outcome", "reason"], sorted(rows))


def _troubled(result):
    """The tests that did not pass, and as one more a class that did not come to its end."""
    ended = [{"name": "*", "outcome": "ended", "message": result["error"]}] if result["error"] else []
    return ended + [test for test in result["tests"] if test["outcome"] != junit.PASSED]


def _cell(text):
    """A message as text that cannot break a table, and names no directory of this machine."""
    return text.replace(str(paths.PROJECT), "").replace("|", "\\|").replace("<", "&lt;")[:200]


def _flaky():
    rates = results.load_rates()
    rows = [[test, *(_rate(rates.get(test, {}).get(mode)) for mode in junit.MODES), about["about"]]
            for test, about in tables.flaky().items()]
    head = ["test", "failed (a):", "failed (b):", "failed (c):", "what happens"]
    return "## Flaky tests\n\nTests that fail now and then on Apache, repeated.\n\n" + table(head, rows)


def _rate(rate):
    return f"{rate[0]} of {rate[1]}" if rate else "not run"


def _pending(found):
    rows = [[name, waits, _verdict(found["unmodified"].get(name.partition("#")[0]))]
            for name, waits in tables.pending().items()]
    return ("## Pending\n\nClasses, and single tests of classes that run, that wait for a part of ironkeeper.\n\n"
            + table(["class", "waits for", "(c):"], rows))


def _left_out(found):
    rows = [[name, about, _verdict(found["unmodified"].get(name))] for name, about in tables.left_out().items()]
    return ("## Left out\n\nClasses that reach into the server's Java objects: with the server in another process there is "
            "nothing to reach for.\n\n" + table(["class", "reaches for", "(c):"], rows))


def _wrong(found):
    """Where the kept results break what the suite promises."""
    for name in tables.to_run():
        for mode in ("ironkeeper", "apache"):
            if name not in found[mode]:
                yield f"{name} has not run in mode {mode}, and is neither pending nor left out"
    for result in found["ironkeeper"].values():
        apache = found["apache"].get(result["class"])
        if apache and result["class"] in _to_run([result["class"]]):
            for line in expectation.worse_than_apache(result, expectation.row(apache)):
                yield f"{result['class']}: {line}"
