# SPDX-License-Identifier: GPL-2.0-or-later
"""What every test of the vmha command has: a folder, and the command."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from blocks import AreaFile

TIMEOUT_S = 60
COROSYNC = """\
totem {
    version: 2
    cluster_name: %(name)s
    token: 1000
}
quorum {
    provider: corosync_votequorum
    %(quorum)s
}
nodelist {
%(nodes)s}
"""
NODE = """\
    node {
        ring0_addr: 10.0.0.%(id)d
        name: %(name)s
        nodeid: %(id)d
    }
"""


class Case(unittest.TestCase):
    """A folder of its own, taken away afterwards."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ["VMHA_TRY"])
        self.addCleanup(shutil.rmtree, self.folder)
        self.conf = self.path("vmha.conf")

    def path(self, name):
        """Of a file in the test's folder."""
        return os.path.join(self.folder, name)

    def run_vmha(self, *words, env=None, stdin=subprocess.DEVNULL):
        """The finished command."""
        return subprocess.run(
            [os.environ["VMHA"], *words], stdin=stdin, capture_output=True,
            text=True, timeout=TIMEOUT_S, check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})})

    def heartbeat(self, verb, *words, code=0, **more):
        """vmha heartbeat VERB with the test's vmha.conf; its exit code is
        looked at."""
        conf = [] if verb in ("status", "watch", "message") else [
            "--conf", self.conf]
        done = self.run_vmha("heartbeat", verb, *conf, *words, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, verb, *words, code=0, **more):
        """What it prints with --json."""
        return json.loads(
            self.heartbeat(verb, "--json", *words, code=code, **more).stdout)

    def refused(self, needle, verb, *words, code=1):
        """The command refuses with a sentence that has the needle."""
        done = self.heartbeat(verb, *words, code=code)
        self.assertIn(needle, done.stderr)
        self.assertTrue(done.stderr.startswith("vmha: "), done.stderr)
        return done.stderr

    def create(self, stores=3, hosts="h1,h2,h3", name="lab", prefix="hb",
               profile="fast", more=()):
        """Areas hb1, hb2, ... and the vmha.conf that names them."""
        paths = [self.path(f"{prefix}{i + 1}") for i in range(stores)]
        self.heartbeat("create", "--cluster", name, "--hosts", hosts,
                       "--profile", profile, "--slots", "8", "--vms", "16",
                       "--write-conf", *more, *paths)
        return [AreaFile(p) for p in paths]

    def corosync(self, *names, name="lab", quorum="wait_for_all: 1"):
        """A corosync.conf; returns the option that names it."""
        path = self.path("corosync.conf")
        nodes = "".join(NODE % {"id": i + 1, "name": n}
                        for i, n in enumerate(names))
        with open(path, "w", encoding="utf-8") as f:
            f.write(COROSYNC % {"name": name, "quorum": quorum,
                                "nodes": nodes})
        return f"--corosync-conf={path}"
