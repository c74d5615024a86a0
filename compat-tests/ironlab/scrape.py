"""The page for Prometheus: read as it is, and by Debian's Prometheus, which scrapes it and is asked what it has found."""

import http.client
import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from . import paths, ports, processes, rundir

PROVIDER = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
_SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
_DEADLINE_S = 30


def settings(port):
    """Lines of zoo.cfg that turn the page on."""
    return (f"metricsProvider.className={PROVIDER}\nmetricsProvider.httpHost=127.0.0.1\nmetricsProvider.httpPort={port}\n"
            "metricsProvider.exportJvmInfo=true\n")


def ask(port, path="/metrics", method="GET"):
    """(status, headers, text) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


@dataclass
class Family:
    """All samples of a name: `samples` by the text of what stands in front of the number."""

    kind: str
    samples: dict = field(default_factory=dict)


def families(text):
    """{name: Family} of a page; every line must be one that is understood, no name has two types, no sample comes twice."""
    found, name = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in found, f"{name} has two TYPE lines"
            found[name] = Family(kind)
        elif not line.startswith("# HELP "):
            sample, labels, value = _SAMPLE.fullmatch(line).groups()
            assert name and sample in (name, f"{name}_count", f"{name}_sum"), f"{line!r} below {name}"
            key = (sample, tuple(_LABEL.findall(labels or "")))
            assert key not in found[name].samples, f"{line!r} comes twice"
            found[name].samples[key] = float(value)
    return found


def values(port):
    """{(sample, labels): number} of a page."""
    return {key: value for family in families(ask(port)[2]).values() for key, value in family.samples.items()}


class Prometheus(processes.Scoped, processes.Daemon):
    """Scrapes each port of `targets`, a name for each, every second. Use as a context manager. `rules` are files of alert rules."""

    def __init__(self, targets, rules=()):
        self._targets = targets
        self._rules = rules
        self.port = ports.free()
        self.home = rundir.new("prometheus")

    def start(self):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rule) for rule in self._rules],
            "scrape_configs": [{"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                               for name, port in self._targets.items()],
        }
        (self.home / "prometheus.yml").write_text(json.dumps(config))  # which is YAML
        with open(self.home / "prometheus.log", "ab") as log:
            self._child = processes.start([
                paths.PROMETHEUS / "prometheus", f"--config.file={self.home / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.home / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}",
            ], stdout=log, stderr=log, cwd=self.home)
        self.wait_for(lambda: self._answers("/-/ready"), "it is not ready")

    def close(self):
        self.kill()
        rundir.remove(self.home)

    def wait_for(self, condition, what):
        """Polls; AssertionError with the log's end when it does not come true in time."""
        deadline = time.monotonic() + _DEADLINE_S
        while not condition():
            log = (self.home / "prometheus.log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, f"Prometheus: {what}\n{log}"
            time.sleep(0.05)

    def wait_for_scrapes(self, count=3):
        """Returns when each target was scraped so often from now on."""
        before = {name: self._scrapes(name) for name in self._targets}
        for name in self._targets:
            self.wait_for(lambda: self._scrapes(name) >= before[name] + count, f"{name} was not scraped {count} times")

    def _scrapes(self, name):
        """How often the target was reached until now."""
        found = self.query(f'sum_over_time(up{{job="{name}"}}[1h])')
        return float(found[0]["value"][1]) if found else 0

    def query(self, expression):
        """The result of an instant query."""
        return self._get("query", query=expression)["result"]

    def series(self, name):
        """[(sample, {label: value})] of all that a target tells, without Prometheus' own."""
        metrics = [row["metric"] for row in self.query(f'{{job="{name}"}}')]
        own = ("__name__", "job", "instance")
        return [(metric["__name__"], {label: value for label, value in metric.items() if label not in own}) for metric in metrics
                if not metric["__name__"].startswith("scrape_") and metric["__name__"] not in ("up", "ALERTS", "ALERTS_FOR_STATE")]

    def kinds(self, name):
        """{family: type} as a target tells them."""
        rows = self._get("targets/metadata", match_target=f'{{job="{name}"}}')
        return {row["metric"]: row["type"] for row in rows}

    def _get(self, what, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def _answers(self, path):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=1).status == 200
        except OSError:
            return False
