"""A Kerberos KDC of a realm of its own, MIT's krb5-kdc on a loopback port, and the keys of those that it knows.

Knows nothing of ZooKeeper.
"""

import os
import time

from . import ports, processes, rundir

REALM = "HOME.TEST"
TOOLS = "/usr/sbin"
DEADLINE_S = 20
_CONF = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 udp_preference_limit = 1
 clockskew = {skew_s}
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
"""
_KDC_CONF = """[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {home}/principal
  key_stash_file = {home}/stash
  max_life = {life_s}s
 }}
[logging]
 kdc = FILE:{home}/kdc.log
"""


class Kdc(processes.Scoped, processes.Daemon):
    """Use as a context manager: leaving it kills the process and removes all keys. Tickets are good for `life_s` seconds, and
    those that show and take them allow clocks to differ by `skew_s`."""

    def __init__(self, life_s=24 * 60 * 60, skew_s=300):
        self.life_s = life_s
        self.skew_s = skew_s
        self.home = rundir.new("kdc")
        self.conf = self.home / "krb5.conf"
        self._port = ports.free()

    def close(self):
        self.kill()
        rundir.remove(self.home)

    def keytab(self, principal):
        """A file with the key of somebody who is new to the realm."""
        path = self.home / f"{principal.replace('/', '_')}.keytab"
        self._admin(f"addprinc -randkey {principal}")
        self._admin(f"ktadd -k {path} {principal}")
        return path

    def change_key(self, principal):
        """The files with the key so far are worth nothing to those who come later."""
        self._admin(f"cpw -randkey {principal}")

    def start(self):
        """Makes the realm and returns once it answers."""
        own = {"realm": REALM, "port": self._port, "home": self.home, "life_s": self.life_s, "skew_s": self.skew_s}
        self.conf.write_text(_CONF.format(**own))
        profile = self.home / "kdc.conf"
        profile.write_text(_KDC_CONF.format(**own))
        self._environment = {**os.environ, "KRB5_CONFIG": str(self.conf), "KRB5_KDC_PROFILE": str(profile)}
        self._run("kdb5_util", "create", "-s", "-P", "master")
        self.serve()

    def serve(self):
        """Answers, again after it was killed."""
        with open(self.home / "out", "ab") as out:
            self._child = processes.start([f"{TOOLS}/krb5kdc", "-n"], stdout=out, stderr=out, env=self._environment)
        deadline = time.monotonic() + DEADLINE_S
        while not ports.is_open(self._port):
            assert time.monotonic() < deadline, (self.home / "out").read_text()
            time.sleep(0.02)

    def _admin(self, query):
        self._run("kadmin.local", "-q", query)

    def _run(self, name, *arguments):
        code, out, err = processes.run([f"{TOOLS}/{name}", *arguments], env=self._environment)
        assert code == 0, f"{name} {arguments}: exit code {code}\n{out}{err}"
