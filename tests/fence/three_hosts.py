# SPDX-License-Identifier: GPL-2.0-or-later
"""Three hosts with corosync and heartbeatd and no Pacemaker, so that nobody
fences: the bed below the tests that ask the real daemons, and the words in
which they ask. Needs root.
"""
import json
import os
import shutil
import sys
import tempfile
import unittest

from bed import Bed, wait_for
from bed.client import elapsed_printer

STAGE = os.environ["STAGE"]
PYTHON = "/usr/bin/python3"
READY_S = 60
NEWS_S = 20  # what a host says is read by another
ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(60)
s.connect("/run/vmha/heartbeatd.sock")
s.send(sys.argv[1].encode())
print(s.recv(1 << 20).decode())
"""


def uuid(number):
    return f"{number:08d}-2222-3333-4444-555555555555"


def vm(number):
    return {"uuid": uuid(number), "resource": f"vm{number}"}


class ThreeHosts(unittest.TestCase):
    """One bed for all tests of a class, called `name`; may_die are the hosts
    that a test of it powers off."""
    hosts = ("h1", "h2", "h3")
    name = None
    may_die = ()

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix=f"{cls.name}.")
        cls.bed = Bed(cls.name, folder=f"{cls.dir}/bed", hosts=len(cls.hosts),
                      cluster=False, heartbeat=3, profile="standard",
                      stage=STAGE, progress=elapsed_printer(sys.stderr))
        cls.bed.up()
        try:
            cls.begin()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def begin(cls):
        """All hosts beat and take VMs."""
        cls.bed.prepare_heartbeat()
        for daemon in ("corosync", "heartbeatd"):
            for host in cls.hosts:
                cls.bed.start(host, daemon)
        for host in cls.hosts:
            cls.wait_open(host)

    @classmethod
    def tearDownClass(cls):
        cls.bed.down()
        shutil.rmtree(cls.dir)

    def tearDown(self):
        """A host that has died explains more than what failed then."""
        self.assertEqual([(h["host"], h["why"]) for h in self.bed.status()
                          if h["state"] != "on" and
                          h["host"] not in self.may_die], [])

    @classmethod
    def ask(cls, at, op, /, **args):
        request = json.dumps({"v": 1, "op": op, **args})
        done = cls.bed.run(at, PYTHON, "-c", ASK, request)
        return json.loads(done.stdout)

    @classmethod
    def own(cls, host):
        return cls.ask(host, "status")["self"]

    @classmethod
    def wait_open(cls, host):
        """Not sealed: it may take VMs."""
        wait_for(lambda: not cls.own(host)["sealed"], READY_S,
                 f"{host} is not sealed")

    def good(self, at, op, /, **args):
        answer = self.ask(at, op, **args)
        self.assertTrue(answer["ok"], answer)
        return answer

    def bad(self, code, words, at, op, /, **args):
        answer = self.ask(at, op, **args)
        self.assertFalse(answer["ok"], answer)
        self.assertEqual(answer["errno"], code, answer)
        self.assertIn(words, answer["error"])

    def listed(self, host, by=None):
        """What that host lists, as `by` has read it."""
        answer = self.good(by or host, "vms", host=host)
        return {v["resource"]: v["state"] for v in answer["vms"]}
