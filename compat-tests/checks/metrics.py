"""Metrics beside Apache's: what Debian's Prometheus finds on both pages, standalone and by role; what mntr tells in the dialect of each
provider; and what is counted, number by number, after the same history.
"""

import json
import re
import socket
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ironlab import ops, paths, ports, processes, rundir, scrape
from ironlab.certificates import Maker
from ironlab.members import Members, serving
from ironlab.report import equal
from ironlab.secure import SecureServer, World
from ironlab.server import Server, four_letters
from ironlab.wire import Client

NAME = "metrics"
ORACLE = "apache-3.9.5"
SETTINGS = "tickTime=2000\ninitLimit=20\nsyncLimit=10\nenforceQuota=true\nleader.ackLoggingFrequency=1"
ROLES = ("leader", "follower", "observer")

# Whose values are another machine's, or another engine's: pools of memory, garbage collectors, the runtime.
FREE_LABELS = {"pool", "gc", "runtime", "vendor", "version"}


def tasks(report, kind):
    return [partial(_run, report, kind, place) for place in (_standalone, _ensemble, _mntr_alone, _mntr_of_members, _counted, _page)]


def _run(report, kind, place):
    place(report, kind)


def _standalone(report, kind):
    with _scraped_alone(ORACLE) as theirs, _scraped_alone(kind) as ours:
        _compare(report, kind, {"standalone": theirs}, {"standalone": ours})


def _ensemble(report, kind):
    with _scraped_members(ORACLE) as theirs, _scraped_members(kind) as ours:
        _compare(report, kind, theirs, ours)
        with report.check(NAME, kind, "every name that dashboards ask Prometheus for is told by a member"):
            _dashboards(kind, ours)
        with report.check(NAME, kind, "every query of conf/grafana has an answer, and every name of its alert rules is told"):
            _own_names(kind, ours)


def _compare(report, kind, theirs, ours):
    for role in theirs:
        with report.check(NAME, kind, f"{role}: Prometheus finds every name of Apache's, with its type"):
            missing = {name: one for name, one in theirs[role].kinds.items() if ours[role].kinds.get(name) != one}
            print(f"      {kind}, {role}: {len(theirs[role].kinds) - len(missing)} of {len(theirs[role].kinds)} names of Apache's found")
            equal(missing, {}, "names and types that are not there")
        with report.check(NAME, kind, f"{role}: each name has Apache's labels and quantiles"):
            equal(sorted(theirs[role].shapes - ours[role].shapes), [], "samples that are not there")
        with report.check(NAME, kind, f"{role}: what Apache does not have is told as ours"):
            more = set(ours[role].kinds) - set(theirs[role].kinds)
            equal([name for name in more if not name.startswith("ironkeeper_")], [], "further names")
            known = {name for name, _ in theirs[role].shapes}
            equal(sorted(shape for shape in ours[role].shapes - theirs[role].shapes if shape[0] in known), [], "further samples")


def _dashboards(kind, told_by):
    """Each role's samples together: dashboards sum up over an ensemble."""
    wanted = [row.split("\t") for row in (paths.COMPAT / "prometheus" / "dashboards.tsv").read_text().splitlines()[1:]]
    there = {"up"} | {name for scraped in told_by.values() for name, _ in scraped.shapes}
    missing = [name for name, where, _ in wanted if where == "page" and name not in there]
    all_names = [name for name, where, _ in wanted if where == "page"]
    print(f"      {kind}: {len(all_names) - len(missing)} of {len(all_names)} names of dashboards found")
    equal(missing, [], "names that nobody tells")
    keys = {re.split(r"[{ ]", key)[0] for scraped in told_by.values() for key in scraped.mntr}
    asked = [name for name, where, _ in wanted if where == "mntr"]
    equal([name for name in asked if f"zk_{name}" not in keys and f"zk_{name}_count" not in keys], [], "names that mntr does not tell")


# Told where there is a store with certificates, which these servers have none of: see the check of days to expiry.
OF_TLS = {"ironkeeper_certificate_expiry_days"}


def _own_names(kind, told_by):
    """Of the dashboard and the rules that are shipped: those of ironkeeper's own names only there."""
    there = {"up"} | OF_TLS | {name for scraped in told_by.values() for name, _ in scraped.shapes}
    conf = paths.PROJECT / "conf"
    panels = json.loads((conf / "grafana" / "ironkeeper.json").read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    rules = (conf / "prometheus" / "ironkeeper.rules.yml").read_text()
    expressions += re.findall(r"^ +expr: (.*)$", rules, re.M)
    assert len(expressions) > 60, "fewer expressions than there are panels and rules"
    names = {name for expression in expressions for name in re.findall(r"\b[a-z]+_[a-z_]+\b|\bup\b|\blearners\b", _without_labels(expression))}
    missing = names - there
    equal(sorted(name for name in missing if kind != ORACLE or not name.startswith("ironkeeper_")), [], "names that nobody tells")


def _without_labels(expression):
    """Without labels, ranges and words of the language."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on) ?\([^)]*\)", "", expression)
    return re.sub(r"\b(sum_over_time|count_over_time)\b", "", bare)


class Scraped:
    """What one server told Prometheus, and mntr."""

    def __init__(self, prometheus, role, server):
        self.kinds = {name: one for name, one in prometheus.kinds(role).items() if not name.startswith("scrape_") and name != "up"}
        self.shapes = {(name, tuple(sorted((label, "" if label in FREE_LABELS else value) for label, value in labels.items())))
                       for name, labels in prometheus.series(role)}
        self.mntr = set(server.mntr())


@contextmanager
def _scraped_alone(kind):
    port = ports.free()
    with Server(kind, f"{SETTINGS}\n{scrape.settings(port)}") as server, scrape.Prometheus({"standalone": port}) as prometheus:
        _play(server.port)
        with _loaded([server]):
            prometheus.wait_for_scrapes()
        yield Scraped(prometheus, "standalone", server)


@contextmanager
def _scraped_members(kind):
    with _members(kind, with_page=True) as (servers, pages):
        with scrape.Prometheus({role: pages[role] for role in ROLES}) as prometheus:
            for role in ROLES:
                _play(servers[role].port, f"/{role}")
            with _loaded(servers.values()):
                prometheus.wait_for_scrapes()
            yield {role: Scraped(prometheus, role, servers[role]) for role in ROLES}


@contextmanager
def _members(kind, with_page, settings=SETTINGS):
    """Two voters and an observer, by role, and the ports of their pages."""
    members = Members([1, 2], [3], settings=settings)
    pages = {sid: ports.free() for sid in members.sids}
    servers = [members.server(kind, sid, scrape.settings(pages[sid]) if with_page else "") for sid in members.sids]
    with serving(servers) as by_role:
        yield by_role, {role: pages[server.sid] for role, server in by_role.items()}


@contextmanager
def _loaded(servers):
    """Reads and writes, many at a time, on each server until the block ends; a failure in between is one of the block's."""
    done, failures = threading.Event(), []

    def asks(number, server):
        try:
            with Client(server.port) as client:
                client.create(f"/load-{number}", b"x")
                while not done.is_set():
                    for _ in range(20):
                        client.send("getData", path=f"/load-{number}", watch=False)
                        client.send("setData", path=f"/load-{number}", data=b"y" * 100, version=-1)
                    for _ in range(40):
                        equal(client.reply().err, 0, "a request under load")
        except (OSError, AssertionError) as failure:
            failures.append(failure)
    threads = [threading.Thread(target=asks, args=one) for one in enumerate(servers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    equal(failures, [], "failures of the load")


def _play(port, root="/app"):
    """Something of all that is measured by name: reads and writes of two names, watches, a quota and a refusal."""
    with Client(port) as client, Client(port) as watcher:
        client.create(root, b"data")
        for number in range(5):
            client.create(f"{root}/{number}", b"x" * number)
        for path in ("/zookeeper/quota" + root, f"/zookeeper/quota{root}/zookeeper_limits", f"/zookeeper/quota{root}/zookeeper_stats"):
            client.create(path, b"count=100,bytes=1000=;byteHardLimit=1500;countHardLimit=8" if path.endswith("limits") else b"count=0,bytes=0")
        watcher.call("sync", path="/")
        watcher.call("getData", path=root, watch=True)
        watcher.call("getChildren", path=root, watch=True)
        watcher.call("exists", path=f"{root}/new", watch=True)
        client.call("setData", path=root, data=b"more", version=-1)
        client.create(f"{root}/new")
        client.create(f"{root}/eph", flags=ops.EPHEMERAL)
        assert client.create(f"{root}/refused", b"x" * 2000).err != 0, "the hard limit lets it pass"
        client.call("delete", path=f"{root}/new", version=-1)
        watcher.close_session()
        client.close_session()


def _mntr_alone(report, kind):
    def keys(one):
        with Server(one, SETTINGS) as server:
            _play(server.port)
            return {"standalone": list(server.mntr())}
    _compare_keys(report, kind, keys(ORACLE), keys(kind))


def _mntr_of_members(report, kind):
    def keys(one):
        with _members(one, with_page=False) as (servers, _):
            for role in ROLES:
                _play(servers[role].port, f"/{role}")
            return {role: list(servers[role].mntr()) for role in ROLES}
    _compare_keys(report, kind, keys(ORACLE), keys(kind))


# What ours tells of besides, as it did before: OpenTelemetry's receiver asks for it.
MORE_KEYS = {"zk_fsync_threshold_exceed_count"}


def _compare_keys(report, kind, theirs, ours):
    for role in theirs:
        with report.check(NAME, kind, f"{role}: mntr has the keys of Apache's default provider"):
            equal(sorted(set(theirs[role]) - set(ours[role])), [], "missing keys")
            more = set(ours[role]) - set(theirs[role]) - (MORE_KEYS if kind != ORACLE else set())
            equal(sorted(more), [], "further keys")
            equal(len(ours[role]), len(set(ours[role])), "keys")


# Counts that the same history makes the same.
SAME = (
    "connection_request_count", "connection_revalidate_count", "connection_rejected", "bytes_received_count", "response_bytes",
    "watch_bytes", "stale_sessions_expired", "large_requests_rejected", "ensemble_auth_success", "ensemble_auth_skip", "looking_count",
    "cnt_readlatency", "cnt_updatelatency", "cnt_node_created_watch_count", "sum_node_created_watch_count",
    "cnt_node_deleted_watch_count", "sum_node_deleted_watch_count", "cnt_node_changed_watch_count", "sum_node_changed_watch_count",
    "cnt_node_children_watch_count", "sum_node_children_watch_count", "cnt_app_read_per_namespace", "sum_app_read_per_namespace",
    "min_app_read_per_namespace", "max_app_read_per_namespace", "cnt_app_write_per_namespace", "sum_app_write_per_namespace",
    "cnt_zookeeper_write_per_namespace", "sum_zookeeper_write_per_namespace", "app_quota_exceeded_error_per_namespace",
    "app_quota_count_limit_per_namespace", "app_quota_bytes_limit_per_namespace", "app_quota_count_usage_per_namespace",
    "app_quota_bytes_usage_per_namespace", "cnt_close_session_prep_time", "cnt_connection_token_deficit", "cnt_dbinittime",
    "cnt_startup_snap_load_time", "cnt_election_time", "proposal_count", "commit_count", "request_commit_queued",
    "cnt_propagation_latency", "digest_mismatches_count",
)


def _counted(report, kind):
    def counted(one):
        with Server(one, SETTINGS) as server:
            four_letters(server.port, "srst")
            _play(server.port)
            mntr = server.mntr()
            return {name: mntr.get(f"zk_{name}") for name in SAME}
    theirs, ours = counted(ORACLE), counted(kind)
    for name in SAME:
        with report.check(NAME, kind, f"after the same history {name} is Apache's"):
            equal(ours[name], theirs[name], name)
    for check in (srst_forgets_what_the_default_provider_counts, srst_leaves_what_prometheus_is_told):
        with report.check(NAME, kind, check.__name__.replace("_", " ")):
            check(kind)


def srst_forgets_what_the_default_provider_counts(kind):
    with Server(kind, SETTINGS) as server:
        _play(server.port)
        assert int(server.mntr()["zk_cnt_updatelatency"]) > 0
        server.ask("srst")
        after = server.mntr()
        for name in ("cnt_updatelatency", "max_updatelatency", "sum_app_write_per_namespace", "watch_bytes"):
            equal(after[f"zk_{name}"], "0", name)


def srst_leaves_what_prometheus_is_told(kind):
    page = ports.free()
    with Server(kind, f"{SETTINGS}\n{scrape.settings(page)}") as server:
        _play(server.port)
        key = ("watch_bytes", ())
        server.wait_for(lambda: scrape.values(page)[key] > 0, "no watch was counted")
        before = scrape.values(page)[key]
        server.ask("srst")
        equal(scrape.values(page)[key], before, "watch_bytes")
        equal(float(server.mntr()["zk_watch_bytes"]), before, "watch_bytes in mntr")


def _page(report, kind):
    port = ports.free()
    with Server(kind, f"{SETTINGS}\n{scrape.settings(port)}") as server:
        _play(server.port)
        report.run(NAME, kind, (
            the_page_says_what_it_is, other_paths_are_not_found, a_trace_is_refused, who_names_samples_gets_these_only,
            mntr_speaks_the_dialect_of_prometheus, every_line_of_mntr_is_split_at_a_tab,
        ), server, port)
    report.run(NAME, kind, (
        a_port_that_is_taken_ends_the_start, a_class_of_nobody_ends_the_start, the_null_provider_tells_nothing,
        without_jvm_info_there_are_no_figures_of_the_process, no_ack_is_measured_where_the_frequency_is_0,
        a_learner_counts_none_of_its_leaders_changes,
    ), kind)
    report.run(NAME, kind, (the_rules_are_rules_and_none_fires_on_a_fresh_server,), kind)
    if kind != ORACLE:  # Apache's tells no such thing
        report.run(NAME, kind, (days_to_expiry_are_told_of_each_certificate,), kind)


def the_page_says_what_it_is(_server, port):
    status, headers, text = scrape.ask(port)
    equal((status, headers["Content-Type"].lower().replace(" ", "")), (200, "text/plain;version=0.0.4;charset=utf-8"), "head")
    assert len(scrape.families(text)) > 150


def other_paths_are_not_found(_server, port):
    equal(scrape.ask(port, "/")[0], 404, "/")
    equal(scrape.ask(port, "/metricsx")[0], 404, "/metricsx")


def a_trace_is_refused(_server, port):
    assert scrape.ask(port, method="TRACE")[0] >= 400


def who_names_samples_gets_these_only(_server, port):
    query = "name%5B%5D=znode_count&name%5B%5D=watch_bytes"
    text = scrape.ask(port, f"/metrics?{query}")[2]
    samples = sorted(line.split()[0] for line in text.splitlines() if not line.startswith("#"))
    equal(samples, ["watch_bytes", "znode_count"], "samples")


def mntr_speaks_the_dialect_of_prometheus(server, port):
    lines = server.ask("mntr").splitlines()
    equal([line.split("\t")[0] for line in lines[:2]], ["zk_version", "zk_server_state"], "in front")
    told_lines = dict(line.split("\t", 1) for line in lines)
    for key in ('zk_readlatency{quantile="0.99"}', "zk_readlatency_count", 'zk_write_per_namespace_sum{key="app"}'):
        assert key in told_lines, f"no {key}"
    equal(told_lines["zk_znode_count"], f"{float(told_lines['zk_znode_count'])}", "a double, as Java writes it")
    assert "zk_avg_readlatency" not in told_lines


def every_line_of_mntr_is_split_at_a_tab(server, _port):
    for line in server.ask("mntr").splitlines():
        assert re.fullmatch(r"zk_[^\t]+\t[^\t]*", line), line


def a_port_that_is_taken_ends_the_start(kind):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(kind, scrape.settings(taken.getsockname()[1]))
        try:
            server.launch()
            assert server.wait(40) != 0, "it ended without a failure"
            assert re.search(r"[Aa]ddress already in use|in use", server.log()), server.log_tail()
        finally:
            server.close()


def a_class_of_nobody_ends_the_start(kind):
    server = Server(kind, "metricsProvider.className=org.example.Nobody\n")
    try:
        server.launch()
        assert server.wait(40) != 0, "it ended without a failure"
        assert "org.example.Nobody" in server.log(), server.log_tail()
    finally:
        server.close()


def the_null_provider_tells_nothing(kind):
    with Server(kind, "metricsProvider.className=org.apache.zookeeper.metrics.impl.NullMetricsProvider\n") as server:
        equal(list(server.mntr()), ["zk_version", "zk_server_state"], "mntr")


def without_jvm_info_there_are_no_figures_of_the_process(kind):
    port = ports.free()
    settings = scrape.settings(port).replace("exportJvmInfo=true", "exportJvmInfo=false")
    with Server(kind, settings):
        found = scrape.families(scrape.ask(port)[2])
        equal([name for name in found if name.startswith(("jvm_memory", "jvm_threads", "process_"))], [], "names")
        assert "znode_count" in found


def no_ack_is_measured_where_the_frequency_is_0(kind):
    for frequency, is_measured in ((0, False), (1, True)):
        settings = SETTINGS.replace("ackLoggingFrequency=1", f"ackLoggingFrequency={frequency}")
        with _members(kind, False, settings) as (servers, _):
            _play(servers["leader"].port)
            keys = [key for key in servers["leader"].mntr() if key.endswith("_ack_latency") and key.startswith("zk_cnt_")]
            equal(sorted(keys), ["zk_cnt_1_ack_latency", "zk_cnt_2_ack_latency", "zk_cnt_quorum_ack_latency"] if is_measured
                  else ["zk_cnt_quorum_ack_latency"], f"every {frequency}th")


def a_learner_counts_none_of_its_leaders_changes(kind):
    with _members(kind, False) as (servers, _):
        for role in ROLES:
            _play(servers[role].port, f"/{role}")
        for role in ROLES:
            mntr = servers[role].mntr()
            queued, removed = (int(mntr[f"zk_outstanding_changes_{what}"]) for what in ("queued", "removed"))
            equal((queued > 0, removed > 0), (role == "leader", role == "leader"), f"{role}: whether {queued} and {removed} are counted")


def days_to_expiry_are_told_of_each_certificate(kind):
    home = rundir.new("expiry")
    page = ports.free()
    try:
        world = World(Maker(home))
        with SecureServer(kind, f"{SETTINGS}\n{scrape.settings(page)}\n{world.settings()}", world):
            days = {labels: value for (name, labels), value in scrape.values(page).items() if name in OF_TLS}
    finally:
        rundir.remove(home)
    equal(sorted(Path(dict(labels)["store"]).name for labels in days), ["server.pem", "trust.pem"], "stores")
    assert all(1 < left < 4000 for left in days.values()), days


def the_rules_are_rules_and_none_fires_on_a_fresh_server(kind):
    rules = sorted((paths.PROJECT / "conf" / "prometheus").glob("*.yml"))
    assert rules, "no rules"
    code, out, err = processes.run([paths.PROMETHEUS / "promtool", "check", "rules", *rules])
    equal(code, 0, f"promtool check rules: {out}{err}")
    port = ports.free()
    with Server(kind, f"{SETTINGS}\n{scrape.settings(port)}") as server, scrape.Prometheus({"zookeeper": port}, rules) as prometheus:
        _play(server.port)
        prometheus.wait_for_scrapes(5)
        firing = [row["metric"]["alertname"] for row in prometheus.query('ALERTS{alertstate="firing"}')]
        equal(firing, [], "alerts")
