"""Apache's zkCli says the same to a server as to Apache 3.9.5: every command, line by line, zxids included.

Two fresh servers get the same commands in the same order, so even zxids must be equal. With Apache as the subject this
proves that the comparison itself is stable.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ironlab import table, zkcli
from ironlab.report import equal
from ironlab.server import Server

NAME = "zkcli"
CLIENTS = [table.Client(NAME, "Java: zkCli", "3.9.5 NIO", "`checks/zkcli.txt`: some 300 commands, line by line")]
ORACLE = "apache-3.9.5"
SCRIPT = Path(__file__).with_suffix(".txt")
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "zookeeper.enforceQuota": "true"}

ONE_SHOTS = [
    ("create", "/one", "data"),
    ("ls", "/"),
    ("get", "-s", "/one"),
    ("get", "/none"),
    ("-waitforconnection", "deleteall", "/one"),
    ("nosuchcommand",),
    ("setquota", "-n", "3", "/none"),
]


def run(report, kind):
    with ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(_transcript, (ORACLE, kind))
    compare(report, NAME, kind, theirs["session"], ours["session"])
    for command, expected, actual in zip(ONE_SHOTS, theirs["one-shots"], ours["one-shots"]):
        with report.check(NAME, kind, f"one-shot {' '.join(command)}"):
            equal(actual, expected, "exit code and lines")


def _transcript(kind):
    """Everything that zkCli prints on a fresh server of a kind, masked."""
    with Server(kind, "tickTime=2000", PROPERTIES) as server:
        return {"session": play(server, SCRIPT), "one-shots": _one_shots(server)}


def play(server, script, release=zkcli.NEWEST):
    """Plays a script to zkCli of a release: what it printed for each command, and all watch events."""
    masks = zkcli.Masks(server)
    answers = []
    with zkcli.Interactive(server, release) as client:
        for line in _commands(script):
            if line.startswith("!wait "):
                answers.append((line, _wait(client, line.removeprefix("!wait "))))
                continue
            printed = client.command(line.replace("{server}", server.address))
            answers.append((line, masks.lines(line.split()[0], printed)))
        for line in ("create /last-event data", "get /last-event watch", "delete /last-event"):
            client.command(line)
        client.wait_for_event("/last-event")
        code = client.quit()
    answers.append(("quit", [str(code)]))
    return answers, [event for event in client.events if "type:None" not in event]


def compare(report, suite, kind, theirs, ours):
    """Reports what `play` gave for the oracle and for a server of a kind, and where they differ."""
    _compare_answers(report, suite, kind, theirs[0], ours[0])
    with report.check(suite, kind, "watch events come alike and in the same order"):
        for number, (actual, expected) in enumerate(zip(ours[1], theirs[1])):
            equal(actual, expected, f"event {number}")
        equal(len(ours[1]), len(theirs[1]), "number of events")


def _wait(client, text):
    """Waits for an event. That it does not come is an answer like any other: what follows is still compared."""
    try:
        client.wait_for_event(text)
    except AssertionError as error:
        return [str(error)]
    return []


def _commands(script):
    lines = script.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _one_shots(server):
    """In order, because each leaves its traces for the next."""
    masks = zkcli.Masks(server)
    results = []
    for command in ONE_SHOTS:
        code, text = zkcli.one_shot(server, *command)
        printed = zkcli.EVENT.sub("", text)
        results.append((code, [masks.line(line) for line in printed.splitlines()]))
    return results


def _compare_answers(report, suite, kind, theirs, ours):
    """One check for each command name: all its lines in the script are answered alike."""
    pairs = list(zip(theirs, ours))
    for name in dict.fromkeys(line.split()[0] for (line, _), _ in pairs):
        mine = [(line, expected, actual) for (line, expected), (_, actual) in pairs if line.split()[0] == name]
        with report.check(suite, kind, f"{name}: {len(mine)} in the interactive session"):
            wrong = [f"> {line}\n  {ORACLE}: {expected}\n  {kind}: {actual}" for line, expected, actual in mine
                     if expected != actual]
            assert not wrong, f"{len(wrong)} answers differ:\n" + "\n".join(wrong)
