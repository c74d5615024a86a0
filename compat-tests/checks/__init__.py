"""The checks: each module has `run(report, kind)` or, where it compares two servers, says so in its own text."""
