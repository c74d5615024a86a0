"""The pages in docs/ that the runs write: what was done, when, on what machine."""

import datetime
import os

from ironlab import paths

DOCS = paths.PROJECT / "docs"


def write(name, title, command, text):
    """docs/`name`.md, of a run without a failure."""
    day = datetime.date.today().isoformat()
    page = DOCS / f"{name}.md"
    page.write_text(f"# {title}\n\nWritten by `{command}` on {day}, on {os.cpu_count()} cores.\n\n{text}\n")
