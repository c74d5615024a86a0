"""Servers that log in to each other with tickets of a real KDC: ironkeeper among Apache's servers and alone, who is not let in,
and tickets that are old soon.

ironkeeper is the one that is built with the feature gssapi. Unless a check says otherwise one of three servers is Apache's; for
Apache all are.
"""

import time

from ironlab import jaas, kdc, paths
from ironlab.ensemble import Ensemble
from ironlab.members import Members
from ironlab.report import equal

from .ensemble_security import ORACLE, SETTINGS, serves_through_changes_of_its_leader, serving_without_the_third, write_everywhere
from .kerberos import MODULE

NAME = "ensemble kerberos"
LOGINS = "quorum.auth.enableSasl=true\nquorum.auth.learnerRequireSasl=true\nquorum.auth.serverRequireSasl=true\n"
ANY_HOST = "quorum.auth.kerberos.servicePrincipal=zkquorum/_HOST\n"
HERE = {sid: "localhost" for sid in (1, 2, 3)}
# Two names of the same machine, so that not all servers have the same Kerberos name.
HOSTS = {**HERE, 3: "127.0.0.1"}
SHORT_S, SKEW_S = 6, 1


def run(report, kind):
    with Realm() as realm:
        with report.check(NAME, kind, "servers of one name"):
            serves_through_changes_of_its_leader(realm.ensemble(kind, HERE, LOGINS))
        with report.check(NAME, kind, "servers whose names have their hosts"):
            serves_through_changes_of_its_leader(realm.ensemble(kind, HOSTS, LOGINS + ANY_HOST))
        with report.check(NAME, kind, "servers whose lines name hosts by their addresses, and DNS by names"):
            serves_through_changes_of_its_leader(realm.ensemble(kind, HOSTS, LOGINS, CANONICAL))
        with report.check(NAME, kind, "servers of one kind alone"):
            serves_through_changes_of_its_leader(realm.ensemble(kind, HOSTS, LOGINS + ANY_HOST, kinds={}))
        for name in ["zkquorum/elsewhere", "zkquorum"]:
            with report.check(NAME, kind, f"a server that is {name} is not let in"):
                _is_not_let_in(realm, kind, name)
    if kind != ORACLE:
        with report.check(NAME, kind, "servers start while there is no KDC"), Realm() as realm:
            _waits_for_its_kdc(realm, kind)
        # Apache's asks for no new ticket in the first minute (`Login`, kerberos.minReLoginTimeMs).
        with report.check(NAME, kind, "servers get new tickets"), Realm(life_s=SHORT_S, skew_s=SKEW_S) as realm:
            _outlives_its_tickets(realm, kind)


CANONICAL = {"zookeeper.kerberos.canonicalizeHostNames": "true"}


class Realm(kdc.Kdc):
    """With the names of servers."""

    def __enter__(self):
        super().__enter__()
        self._keytabs = {}
        return self

    def ensemble(self, kind, hosts, lines, properties=None, own_names=None, kinds=None):
        """Not started. Each server is of its host's name for those that log in to it, and logs in by that name or another one."""
        own = {}
        for sid, host in hosts.items():
            service = f"zkquorum/{'localhost' if properties else host}"
            own[sid] = {"properties": {**self._jaas(sid, service, (own_names or {}).get(sid, service)), **(properties or {})}}
        return Ensemble(kind, Members((1, 2, 3), settings=SETTINGS, hosts=hosts), extra=lines, own=own,
                        kinds={2: ORACLE} if kinds is None else kinds, binary=paths.kerberos_binary())

    def _jaas(self, sid, service, name):
        path = self.home / f"jaas-{sid}.conf"
        path.write_text(self._section("QuorumServer", service) + self._section("QuorumLearner", name))
        return {"java.security.krb5.conf": self.conf, "java.security.auth.login.config": path}

    def _section(self, section, name):
        if name not in self._keytabs:
            self._keytabs[name] = self.keytab(name)
        options = {"useKeyTab": "true", "storeKey": "true", "useTicketCache": "false", "keyTab": str(self._keytabs[name])}
        return jaas.section(section, {**options, "principal": name}, module=MODULE)


def _is_not_let_in(realm, kind, name):
    ensemble = realm.ensemble(kind, HERE, LOGINS, own_names={3: name})
    with serving_without_the_third(ensemble) as (members, _stranger):
        if kind == ORACLE:
            return
        said = [line for line in members[0].log().splitlines() if "is no member" in line]
        assert said and f"{name}@{kdc.REALM} has logged in" in said[0], members[0].log_tail()


def _waits_for_its_kdc(realm, kind):
    """Apache's servers do not start then."""
    ensemble = realm.ensemble(kind, HERE, LOGINS, kinds={})
    try:
        realm.kill()
        for server in ensemble.servers.values():
            server.launch()
        ensemble.wait_for(lambda: all("no login by SASL: Kerberos: " in server.log() for server in ensemble.servers.values()),
                          "each says that it has no ticket")
        equal(set(ensemble.modes().values()), {None}, "roles")
        realm.serve()
        write_everywhere(ensemble, "/later")
    finally:
        ensemble.close()


def _outlives_its_tickets(realm, kind):
    """All logins are made again by processes whose first tickets nobody takes any more."""
    with realm.ensemble(kind, HERE, LOGINS, kinds={}) as ensemble:
        for number in range(2):
            write_everywhere(ensemble, f"/round-{number}")
            old = time.monotonic() + SHORT_S + SKEW_S
            ensemble.wait_for(lambda until=old: time.monotonic() > until, "tickets are old")
            leader = ensemble.leader
            leader.stop()
            ensemble.wait_for_leader(ensemble.others(leader))
            leader.start()
        write_everywhere(ensemble, "/at-the-end")
