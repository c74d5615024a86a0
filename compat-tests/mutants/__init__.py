"""Shows that the tests of the quorum's core find a core with one rule broken. See `__main__.py`."""
