# SPDX-License-Identifier: GPL-2.0-or-later
"""What vmha says of admission control where the master does not tell, or told a
while ago: judged on this host, on the CIB as it is. The heartbeat daemon is
scripted; real ones are tried in the cluster tests."""

import json
import os
import unittest

from cib import fault_domain, gate, meta_of, ticket
from daemon import Daemon, heartbeat, host
from simulated import SimulatedCase
from test_admitted import SizedCase, machine

OLD = "2252 of 3000 MB, an old sentence"
REFUSED = {"state": "waiting", "reason": "waits-for-admission", "text": OLD}
RED = ('<transient_attributes id="2"><instance_attributes id="s2"><nvpair '
       'id="s2a" name="vmha-admission" value="red: an old sentence"/>'
       '</instance_attributes></transient_attributes>')
NOBODY = "nobody judges admission"


class FreshCase(SizedCase):
    """No manager answers on this host; h2 is master."""

    def began(self, params=None, vms="", gates="", tickets="", red=False,
              master=True):
        """The cluster, and the daemon of this host."""
        if os.path.exists(self.path("heartbeatd.sock")):
            os.unlink(self.path("heartbeatd.sock"))
        self.cluster((fault_domain(**(params or {}))
                      if params is not None else "") + vms, gates)
        self.change("<tickets>", "<tickets>" + tickets)
        for name in ("db1", "db2", "web1", "web2", "batch"):
            if f'rsc="{name}"' not in gates:
                self.change("<constraints>", "<constraints>" + gate(name))
                self.change("<tickets>", "<tickets>" + ticket(name))
        if red:
            self.change('expected="member"><lrm id="2">',
                        f'expected="member">{RED}<lrm id="2">')
        flags = {"flags": ["master"], "term": 4} if master else {}
        self.addCleanup(heartbeat(
            self.path("heartbeatd.sock"),
            [host("h1", 0), host("h2", 1, **flags)],
            lists={"h1": {"db1": "running"}, "h2": {}}).__exit__)

    def change(self, old, new):
        """In the CIB's text."""
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))

    def problems(self, code=1):
        """Of vmha status."""
        return self.told("status", code=code)["problems"]


class Sentences(FreshCase):
    """Fresh ones, with help, on any host."""

    def refused(self, memory):
        """"new" waits for admission."""
        self.began({}, machine("new", memory, self.path("vm.xml")),
                   gate("new"), ticket("new", "false", **REFUSED))

    def test_refused(self):
        self.refused(30000)
        told = self.told("why", "new", code=1)
        reason, = [r for r in told["reasons"] if r["rule"] == "admission"]
        self.assertIn("of 60000 MB are reserved", reason["text"])
        self.assertIn("no host is that large", reason["todo"])
        for words in (("why", "new"), ("status",)):
            text = self.vmha(*words, code=1).stdout
            self.assertIn("of 60000 MB", text)
            self.assertNotIn("an old sentence", text)
        self.assertIn("of 60000 MB", self.vmha("vm", "list").stdout)

    def test_start(self):
        self.refused(30000)
        done = self.vmha("vm", "start", "new", "--json", code=1)
        self.assertIn("admission control refuses it: memory: ", done.stderr)
        self.assertIn("What would help: no host is that large", done.stderr)
        self.assertIn("of 60000 MB", json.loads(done.stdout)["why"])

    def test_refused_over(self):
        """There is room by now."""
        self.refused(100)
        text = " ".join(self.vmha("why", "new", code=1).stdout.split())
        self.assertIn("there is room for it by now, and the master is about "
                      "to judge it again; it had said: " + OLD, text)

    def test_red(self):
        """With policy and help, also without a manager (maintenance)."""
        self.began({"host_failures": 2}, red=True)
        text = self.vmha("status", code=1).stdout
        self.assertRegex(text, r"\nadmission: red, percentage, 2 host failures"
                         r", guarantee plan: memory: \d+ of 60000 MB")
        self.assertIn("; what would help: free ", text)
        self.assertNotIn("an old sentence", text)
        self.began({}, red=True)
        self.assertIn("an old sentence (judged again here and now it would "
                      "be green", self.vmha("status", code=1).stdout)

    def raised(self, value, params=None):
        """db1 was admitted with so many MB; 8000 are its utilization."""
        self.began(params or {}, gates=gate("db1"), tickets=ticket(
            "db1", cpu="1000", memory=value))

    def test_raised(self):
        self.raised("300", {"memory_percent": "60"})
        needle = ("runs, and is not admitted as it is: reserves 8000 MB, "
                  "admitted are 300 MB: memory: ")
        self.assertTrue(any(p.startswith("db1 " + needle)
                            for p in self.problems()), self.problems())
        text = " ".join(self.vmha("why", "db1").stdout.split())
        self.assertIn(needle, text)
        self.assertIn("-> free ", text)
        self.assertIn(needle, self.vmha("vm", "list").stdout)

    def test_raised_fits(self):
        """The master admits that in a moment."""
        self.raised("300")
        self.assertEqual(self.problems(0), [])
        self.assertNotIn("admission", self.vmha("why", "db1").stdout)

    def test_disabled(self):
        self.began({"admission_policy": "disabled"})
        self.assertIn("\nadmission: disabled, nothing is refused\n",
                      self.vmha("status").stdout)

    def test_homeless(self):
        """Short, and no more than three."""
        self.began({})
        text = "{} (32 MHz, 9 MB) has no place beside the others if h1 fails: "
        manager = Daemon(self.path("fdmd.sock"), {"status": {
            "state": "master", "is_master": True, "term": 4, "vms": [],
            "hosts": [], "plan": {"homeless": [
                {"resource": f"web{i}", "host": "h1",
                 "text": text.format(f"web{i}") + "h2 is full"}
                for i in range(5)]}}})
        self.addCleanup(manager.__exit__)
        self.assertEqual(self.problems(), [
            *(f"web{i} would have no place if h1 died: h2 is full"
              for i in range(3)), "and 2 more: vmha plan show"])


class Parameters(FreshCase):
    """Those that have no effect."""

    def test_values(self):
        """Each is told, by any host; its default holds."""
        bad = {"admission_policy": "percentag", "host_failures": "99",
               "slot_cpu_mhz": "1GHz", "admission_guarantee": "none",
               "host_memory_overhead": "lots", "default_cpu_mhz": "1e3",
               "cpu_percent": "many", "restart_retry_waits": "soon"}
        self.began(bad)
        told = self.problems()
        self.assertEqual(len(told), len(bad), told)
        for name, value in bad.items():
            self.assertTrue(any(
                p.startswith(f'fd: parameter {name}: "{value}" ')
                and p.endswith("; its default holds") for p in told), told)
        warned = self.told("admission", "check")["warnings"]
        self.assertEqual(set(told) - set(warned), set())
        # What the manager says of one of them is no second line.
        manager = Daemon(self.path("fdmd.sock"), {"status": {
            "state": "master", "is_master": True, "term": 4, "vms": [],
            "hosts": [], "admission": {"state": "green", "errors": [
                told[0].split(": ", 1)[1].rsplit(";", 1)[0],
                "a share hangs"]}}})
        self.addCleanup(manager.__exit__)
        self.assertEqual(sorted(self.problems()),
                         sorted([*told, "a share hangs"]))

    def test_rules(self):
        """Values that don't go together."""
        self.began({"admission_policy": "dedicated"})
        problem, = self.problems()
        self.assertIn("needs failover_hosts", problem)

    def test_names(self):
        self.began({"host_failurs": "2", "colour": "red"})
        told = ["fd: there is no parameter host_failurs, it has no effect; "
                "did you mean host_failures?",
                "fd: there is no parameter colour, it has no effect"]
        self.assertEqual(self.problems(), told)
        done = self.run_vmha("check", "--json", env=self.env())
        self.assertIn(told[0], done.stdout)
        json.loads(done.stdout)


class Nobody(FreshCase):
    """FaultDomain is configured, and nobody does its work."""

    def stopped(self, role="Stopped", **more):
        """As crm resource stop leaves it."""
        self.began({"host_failures": 2}, master=False, **more)
        if role:
            self.change('<clone id="fd-clone">', '<clone id="fd-clone">'
                        + meta_of("fd-clone", target_role=role))

    def test_status(self):
        self.stopped()
        problem, = self.problems()
        self.assertTrue(problem.startswith("the fault domain manager "
                                           "fd-clone is stopped: "), problem)
        self.assertIn(NOBODY, problem)
        self.assertTrue(problem.endswith("crm resource start fd-clone"))
        self.stopped(None)
        problem, = self.problems()
        self.assertIn("no host is master of the fault domain", problem)
        self.began(None, master=False)
        self.assertFalse(any(NOBODY in p for p in self.problems(0)))

    def test_standing(self):
        self.stopped()
        told = self.told("admission", "check", code=1)
        self.assertFalse(told["judged_policy"]["enforced"])
        self.assertIn("nobody enforces it: its ocf:vmha:FaultDomain is "
                      "stopped", self.vmha("admission", "show",
                                           code=1).stdout)

    def test_reservation(self):
        """Nobody judges: written at once, and said."""
        self.stopped(gates=gate("db1"),
                     tickets=ticket("db1", cpu="1000", memory="8000"),
                     red=True)
        done = self.vmha("vm", "set-reservation", "db1", "memory_mb=70000")
        self.assertIn("Nobody judges it", done.stdout)
        self.assertEqual(self.read().find(
            ".//primitive[@id='db1']//nvpair[@name='memory_mb']").get(
                "value"), "70000")


class Commands(SimulatedCase):
    """Of an administrator."""

    def test_maintenance(self):
        """With the manager stopped nobody judges: said, and not refused."""
        stopped = fault_domain(host_failures=2).replace(
            "</clone>", meta_of("fd-clone", target_role="Stopped")
            + "</clone>")
        self.cib(stopped)
        done = self.vmha("host", "maintenance", "h3", "on", "--dry-run")
        self.assertIn("nobody judges whether the cluster can do without h3",
                      done.stderr)
        self.cib(fault_domain(host_failures=2))
        done = self.vmha("host", "maintenance", "h3", "on", "--dry-run",
                         code=1)
        self.assertIn("admission control refuses it", done.stderr)


if __name__ == "__main__":
    unittest.main()
