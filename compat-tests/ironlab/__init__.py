"""The workshop of the compatibility tests: servers to start, a raw client, readers of files.

Only Python's standard library is used here. Nothing in this package decides what is right: it starts, sends, reads
and compares; the expectations stand in `checks/`.
"""
