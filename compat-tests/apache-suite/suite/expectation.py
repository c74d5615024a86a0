"""Holds results against expected.tsv: what each class did in each mode when that file was written.

A class that suddenly runs fewer tests is as wrong as one whose tests fail. A test that fails on ironkeeper and passes on
Apache through the same harness is wrong whatever the file says, unless it is pending.
"""

from . import junit, results, tables


def differences(result):
    """What is not as expected, a line each. Flaky tests may pass or fail."""
    expected = tables.expected()
    before = expected.get((result["class"], result["mode"]))
    if before is None:
        return ["has no row in expected.tsv: run it with --learn"]
    found = row(result)
    lines = [f"{key}: {found[key] or 'none'} instead of {before[key] or 'none'}"
             for key in (("error",) if result["method"] else ("tests", "error")) if found[key] != before[key]]
    return lines + _changed(result, before) + worse_than_apache(result, expected.get((result["class"], "apache")))


def worse_than_apache(result, apache):
    """What fails on ironkeeper and, by the row of expected.tsv for Apache, not there."""
    if result["mode"] != "ironkeeper" or apache is None:
        return []
    allowed = {*apache[junit.FAILED].split(), *_of_class(result["class"], {*tables.pending(), *tables.flaky()})}
    lines = [f"{test['name']} fails and passes on Apache: {test['message']}" for test in result["tests"]
             if test["outcome"] == junit.FAILED and test["name"] not in allowed]
    return lines + ([f"{result['error']}; on Apache it comes to its end"] if result["error"] and not apache["error"] else [])


def learn():
    """Makes the kept results the expectation; of classes that do not run on a process only those that are unmodified."""
    to_run = set(tables.to_run())
    rows = dict(tables.expected())
    for mode in junit.MODES:
        rows.update({(name, mode): row(result) for name, result in results.load(mode).items()})
    rows = {key: kept for key, kept in rows.items() if key[1] == "unmodified" or key[0] in to_run}
    tables.write_expected([rows[key] for key in sorted(rows)])


def _changed(result, expected):
    """Tests whose outcome is another one, with the failure's message."""
    flaky = _of_class(result["class"], tables.flaky())
    before = {name: outcome for outcome in (junit.FAILED, junit.SKIPPED) for name in expected[outcome].split()}
    return [f"{test['name']} {test['outcome']} instead of {before.get(test['name'], junit.PASSED)}: {test['message']}"
            for test in result["tests"]
            if test["outcome"] != before.get(test["name"], junit.PASSED) and test["name"] not in flaky]


def _of_class(name, tests):
    """Of tests named class#test, the names of those of a class."""
    return {test.partition("#")[2] for test in tests if test.startswith(f"{name}#")}


def row(result):
    """A result as a row of expected.tsv."""
    names = {outcome: " ".join(sorted(test["name"] for test in result["tests"] if test["outcome"] == outcome))
             for outcome in (junit.FAILED, junit.SKIPPED)}
    return {"class": result["class"], "mode": result["mode"], "tests": str(results.count(result)), **names,
            "error": result["error"] or ""}
