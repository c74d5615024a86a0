"""Holds results against expected.tsv: what each class did in each mode when that file was written.

A class that suddenly runs fewer tests is as wrong as one whose tests fail.
"""

from . import junit, results, tables


def differences(result):
    """What is not as expected, a line each. Flaky tests may pass or fail."""
    row = tables.expected().get((result["class"], result["mode"]))
    if row is None:
        return ["is not in expected.tsv" if result["mode"] == "unmodified" else _unexpected_row(result)]
    found = _row(result)
    lines = [f"{key}: {found[key] or 'none'} instead of {row[key] or 'none'}"
             for key in ("tests", "error") if found[key] != row[key]]
    return lines + _changed(result, row)


def _unexpected_row(result):
    return f"has no row for {result['mode']} in expected.tsv"


def _changed(result, row):
    """Tests whose outcome is another one, with the failure's message."""
    flaky = tables.flaky()
    before = {outcome: set(row[outcome].split()) for outcome in (junit.FAILED, junit.SKIPPED)}
    lines = []
    for test in result["tests"]:
        was = next((outcome for outcome, names in before.items() if test["name"] in names), junit.PASSED)
        if test["outcome"] != was and f"{result['class']}#{test['name']}" not in flaky:
            lines.append(f"{test['name']} {test['outcome']} instead of {was}: {test['message']}")
    return lines


def learn():
    """Makes the kept results the expectation."""
    rows = dict(tables.expected())
    for mode in junit.MODES:
        rows.update({(name, mode): _row(result) for name, result in results.load(mode).items()})
    tables.write_expected([rows[key] for key in sorted(rows)])


def _row(result):
    names = {outcome: " ".join(sorted(test["name"] for test in result["tests"] if test["outcome"] == outcome))
             for outcome in (junit.FAILED, junit.SKIPPED)}
    return {"class": result["class"], "mode": result["mode"], "tests": str(results.count(result)), **names,
            "error": result["error"] or ""}
