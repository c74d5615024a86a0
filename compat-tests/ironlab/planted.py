"""Builds a copy of the workspace that has wrong rules in it, each switched off.

The workspace's source stays clean: it is copied to a place below .work, and there each defect's edits put a question
`planted("its-name")` in front of the wrong code. $IRONKEEPER_DEFECT names the one that is switched on; without it the
build is the workspace as it is. What is wrong, what is copied and what cargo builds is a `Planting`.
"""

import json
import os
import re
import subprocess
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "IRONKEEPER_DEFECT"

_COMPAT_TESTS = Path(__file__).resolve().parent.parent
_PROJECT = _COMPAT_TESTS.parent

_COPIED = ("Cargo.toml", "Cargo.lock", "crates")
_NOT_COPIED = ("tests", "testdata", "benches", "target")

# As a release build decides, but built in a hurry: dependencies as they are cost half as much processor time to build, and
# nothing that a test would feel. Warnings about planted code help nobody.
_PROFILE = {"opt-level": "1", 'package."*".opt-level': "0", "debug": "false", "debug-assertions": "false",
            "overflow-checks": "false", "incremental": "false"}
_FLAGS = "-Awarnings"

_QUESTION = re.compile(r'planted\("([^"]*)"\)')


class PlantError(Exception):
    """A defect that cannot be planted; the message says which, where and what to do."""


@dataclass(frozen=True)
class Edit:
    """`find` stands once in `file` and is replaced."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Defect:
    """What is wrong in one rule. `needs` says in words what a test must have to show it; `scripts` and `tests`
    are those that must."""

    name: str
    claim: str
    needs: str
    scripts: tuple
    tests: tuple
    edits: tuple


# These bring the function `planted` to all crates, and the check of its variable into main.
_MAIN = "fn main() -> std::process::ExitCode {"
_SWITCH_EDITS = (
    Edit("crates/jute/src/lib.rs", "mod text;", "mod text;\nmod planted;\npub use planted::*;"),
    Edit("crates/proto/src/lib.rs", "pub use jute::decode_java_utf8;",
         "pub use jute::decode_java_utf8;\npub use jute::{planted, refuse_unknown_defect};"),
    Edit("crates/server/src/main.rs", _MAIN, f"{_MAIN}\n    proto::refuse_unknown_defect();"))


@dataclass(frozen=True)
class Planting:
    """Defects, from a directory of *.toml; `work`, the place below .work; what cargo is told; crates whose tests are copied."""

    directory: Path
    work: str
    cargo: tuple
    tested: tuple = ()

    @property
    def _source(self):
        return _COMPAT_TESTS / ".work" / self.work / "src"

    @property
    def _target(self):
        return _COMPAT_TESTS / ".work" / self.work / "target"

    def defects(self):
        """All defects, file by file."""
        paths = sorted(self.directory.glob("*.toml"))
        entries = [entry for path in paths for entry in tomllib.loads(path.read_text())["defect"]]
        found = [Defect(entry["name"], entry["claim"], entry.get("needs", ""), tuple(entry.get("scripts", ())), tuple(entry.get("tests", ())),
                        tuple(Edit(**edit) for edit in entry["edit"])) for entry in entries]
        for defect in found:
            _check_questions(defect)
        names = [defect.name for defect in found]
        for name in names:
            if names.count(name) > 1:
                raise PlantError(f"{self.directory}: two defects have the name {name}")
        return found

    def build(self):
        """Builds, which takes no time when nothing has changed; returns the path of each executable by its target's name."""
        _copy(_planted_files(self.defects(), self.tested), self._source)
        settings = [part for key, value in _PROFILE.items() for part in ("--config", f"profile.dev.{key}={value}")]
        environment = {**os.environ, "RUSTFLAGS": _FLAGS}
        environment.pop("CARGO_ENCODED_RUSTFLAGS", None)
        command = ["cargo", *self.cargo, "--quiet", "--locked", "--message-format", "json-render-diagnostics",
                   "--target-dir", self._target, *settings]
        done = subprocess.run(command, cwd=self._source, env=environment, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise PlantError(f"the source with its planted defects does not build: see cargo's errors above, and the edits "
                             f"in {self.directory} of the files that it names")
        built = [json.loads(line) for line in done.stdout.splitlines()]
        return {artifact["target"]["name"]: Path(artifact["executable"]) for artifact in built if artifact.get("executable")}


def _check_questions(defect):
    asked = {name for edit in defect.edits for name in _QUESTION.findall(edit.replace)}
    if asked != {defect.name}:
        raise PlantError(f"the edits of {defect.name} ask for {sorted(asked)}; they must ask "
                         f'planted("{defect.name}") and nothing else')


def _planted_files(found, tested):
    """Path in the workspace -> bytes, for all that is copied."""
    files = {path: (_PROJECT / path).read_bytes() for path in _copied_paths(tested)}
    edits = defaultdict(list)
    for name, edit in [("the switch", edit) for edit in _SWITCH_EDITS] + [
            (defect.name, edit) for defect in found for edit in defect.edits]:
        edits[edit.file].append((name, edit))
    for path, of_file in edits.items():
        if path not in files:
            raise PlantError(f"{of_file[0][0]}: there is no file {path}; where did its code go?")
        files[path] = _edited(path, files[path].decode(), of_file).encode()
    files["crates/jute/src/planted.rs"] = _switch(found).encode()
    return files


def _copied_paths(tested):
    for top in (*_COPIED, *(f"crates/{crate}/tests" for crate in tested)):
        root = _PROJECT / top
        paths = [root] if root.is_file() else root.rglob("*")
        for path in paths:
            if path.is_file() and not set(path.relative_to(root).parts[:-1]) & set(_NOT_COPIED if top in _COPIED else ()):
                yield str(path.relative_to(_PROJECT))


def _edited(path, text, edits):
    """The text with all edits made; each finds its place in the text as it was, so their order does not matter."""
    places = []
    for name, edit in edits:
        count = text.count(edit.find)
        if count != 1:
            raise PlantError(f"{name}: {path} must hold this text once, and holds it {count} times. The source has "
                             f"changed: find the same place again and mend the defect\n{edit.find}")
        places.append((text.index(edit.find), name, edit))
    places.sort(key=lambda place: place[0])
    parts, end, before = [], 0, None
    for start, name, edit in places:
        if start < end:
            raise PlantError(f"{before} and {name} edit the same text of {path}: choose another place for one\n{edit.find}")
        parts += [text[end:start], edit.replace]
        end, before = start + len(edit.find), name
    return "".join(parts) + text[end:]


def _switch(found):
    """The module that knows which defect is on."""
    known = ", ".join(f'"{defect.name}"' for defect in found)
    return f"""
use std::sync::OnceLock;

const KNOWN: &[&str] = &[{known}];

fn chosen() -> Option<&'static str> {{
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    let read = || std::env::var_os("{VARIABLE}").map(|name| name.to_string_lossy().into_owned());
    CHOSEN.get_or_init(read).as_deref()
}}

pub fn planted(name: &str) -> bool {{
    chosen() == Some(name)
}}

pub fn refuse_unknown_defect() {{
    if let Some(name) = chosen().filter(|name| !KNOWN.contains(name)) {{
        eprintln!("{VARIABLE}={{name}}: no defect has this name");
        std::process::exit(2);
    }}
}}
"""


def _copy(files, source):
    """Writes what differs and removes what is no more, so that cargo builds again only what it must."""
    for path, content in files.items():
        copy = source / path
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for copy in sorted(source.rglob("*"), reverse=True):
        if copy.is_dir():
            _remove_if_empty(copy)  # a crate without a manifest is an error of cargo's
        elif str(copy.relative_to(source)) not in files:
            copy.unlink()


def _remove_if_empty(directory):
    if not any(directory.iterdir()):
        directory.rmdir()
