"""What Apache does on its quorum and election ports where no document says it: asked of a running server, written down.

Each probe is a function: its docstring says what is done, its result what is seen. `python3 -m behaviour` runs all of them,
one server at a time, and writes golden/quorum/behaviour.tsv.
"""
