# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha why, status and check on restart order: what the fault domain manager
says of a VM that waits is what a person reads, and without one the ticket's
own word."""

import json
import unittest

from cib import CibCase, gate, ticket, vm
from daemon import Daemon, heartbeat, host

WAITS = "waits for priority high: db1 is not ready (since 12 s, at most 600 s)"
MASTER = [host("h1", 0), host("h2", 1, flags=["master", "quorate"], term=4)]


class Order(CibCase):
    """web1 is nobody's, and its turn has not come."""

    def known(self, reason="waits-for-priority", waits=WAITS):
        """A daemon and, with a sentence, a manager on this host."""
        self.cib(vm("web1"), gate("web1"),
                 ticket("web1", "false", state="waiting", reason=reason,
                        term=4, attempt=0))
        daemon = heartbeat(self.path("heartbeatd.sock"), MASTER)
        self.addCleanup(daemon.__exit__)
        if waits:
            one = {"resource": "web1", "waits": waits}
            manager = Daemon(self.path("fdmd.sock"),
                             {"status": {"state": "master", "term": 4,
                                         "vms": [one]}, "vm": one})
            self.addCleanup(manager.__exit__)

    def why(self):
        """Its one reason."""
        told = json.loads(self.vmha("why", "web1", "--json", code=1).stdout)
        self.assertEqual(told["ticket"]["state"], "waiting")
        self.assertEqual([r["rule"] for r in told["reasons"]], ["order"])
        return told["reasons"][0]

    def test_why(self):
        self.known()
        self.assertEqual(self.why()["text"], WAITS)
        self.assertIn("its turn comes", self.why()["todo"])

    def test_why_without_manager(self):
        self.known(waits=None)
        self.assertIn("waits-for-priority", self.why()["text"])

    def test_given_up(self):
        self.known(reason="given-up", waits="given up: 5 attempts")
        self.assertIn("vmha vm start web1", self.why()["todo"])

    def test_status(self):
        self.known()
        text = self.vmha("status", code=1).stdout
        self.assertIn("waiting", text)
        self.assertIn(WAITS, " ".join(text.split()))
        told = json.loads(self.vmha("status", "--json", code=1).stdout)
        self.assertEqual(told["tickets"][0]["ticket"], "waiting")
        self.assertIn(WAITS, "".join(told["problems"]))

    def pending(self, text):
        """web1 is granted, and nobody's."""
        self.cib(vm("web1"), gate("web1"), ticket("web1", term=4))
        daemon = heartbeat(self.path("heartbeatd.sock"), MASTER)
        self.addCleanup(daemon.__exit__)
        one = {"resource": "web1", "waits": None, "pending": text}
        two = [{"resource": f"vm{i}", "since_ms": 1000, "text": text}
               for i in range(9 if text else 0)]
        manager = Daemon(self.path("fdmd.sock"),
                         {"status": {"state": "master", "term": 4,
                                     "vms": [one], "pending": two},
                          "vm": one})
        self.addCleanup(manager.__exit__)

    def test_no_room(self):
        """Pending placement: one line for all, and why VM says it."""
        self.pending("may be started, and Pacemaker starts it nowhere")
        told = json.loads(self.vmha("why", "web1", "--json", code=1).stdout)
        reason = [r for r in told["reasons"] if r["rule"] == "room"]
        self.assertEqual(len(reason), 1)
        self.assertIn("starts it nowhere", reason[0]["text"])
        self.assertIn("bring a host back", reason[0]["todo"])
        told = json.loads(self.vmha("status", "--json", code=1).stdout)
        lines = [p for p in told["problems"] if "no host has room" in p]
        self.assertEqual(len(lines), 1)
        self.assertIn("9 VMs", lines[0])
        self.assertIn("vm0, vm1,", lines[0])
        self.assertIn("vm7 and others", lines[0])

    def test_room(self):
        """Nobody is pending: nothing is said."""
        self.pending(None)
        told = json.loads(self.vmha("why", "web1", "--json", code=1).stdout)
        self.assertEqual([r for r in told["reasons"] if r["rule"] == "room"],
                         [])
        told = json.loads(self.vmha("status", "--json").stdout)
        self.assertEqual(told["problems"], [])

    def test_check(self):
        """What can't be kept is a finding."""
        self.create()
        self.known()
        error = "web1: restart_depends names nobody"
        wrong = "restart_attempts: 0 is below 1"
        with Daemon(self.path("other.sock"),
                    {"status": {"restart": {"errors": [error]}, "isolation": {
                        "policy": {"error": wrong}}}}):
            done = self.run_vmha(
                "check", "--json", "--conf", self.conf, "--socket",
                self.path("no"), "--manager-socket", self.path("other.sock"),
                self.corosync("h1", "h2", "h3"), env=self.env())
        found = [f for f in json.loads(done.stdout)["findings"]
                 if f["what"] == "restart order"]
        self.assertEqual([(f["level"], f["value"]) for f in found],
                         [("bad", error)])
        self.assertIn(("bad", wrong), [
            (f["level"], f["value"])
            for f in json.loads(done.stdout)["findings"]
            if f["what"] == "fault domain manager"])


if __name__ == "__main__":
    unittest.main()
