"""The checks, one module a suite. Each has NAME and either `run(report, kind)` or `tasks(report, kind)`.

`tasks` returns callables that may run side by side; `run` is one such task. `kind` is the server under test; a suite
that compares it with Apache starts its own oracle.
"""
