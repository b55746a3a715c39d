# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha host maintenance, on a CIB file by Pacemaker's own scheduler."""

import json
import os
import unittest

from cib import Asked, fault_domain, gate, ticket
from daemon import Daemon
from simulated import SimulatedCase, machine, prefer, states


class Maintenance(SimulatedCase):
    """on, off and status."""

    def began(self, *names, constraints="", tickets="", **meta):
        """These VMs run on h1."""
        self.cib("".join(machine(n, **meta) for n in names),
                 "".join(prefer(n, "h1") for n in names) + constraints,
                 tickets)
        self.act()
        for name in names:
            self.assertIn(f'{name}_start_0', self.text())

    def duty(self, verb, *words, code=0):
        """The finished command for h1."""
        return self.vmha("host", "maintenance", "h1", verb, *words, code=code)

    def told(self, verb, *words, code=0):
        """Its JSON."""
        return json.loads(self.duty(verb, "--json", *words, code=code).stdout)

    def is_standby(self):
        """As the CIB says."""
        at = self.read().find(".//node[@uname='h1']//nvpair[@name='standby']")
        return at is not None and at.get("value") == "on"

    def refused(self, needle, *words):
        """Nothing is changed, and the sentence says why."""
        before = self.text()
        done = self.duty("on", *words, code=1)
        self.assertIn(needle, " ".join(done.stderr.split()))
        self.assertEqual(self.text(), before)
        return done

    def test_live(self):
        self.began("web1", "web2")
        self.live()
        done = self.duty("on")
        self.assertRegex(done.stdout, "web1: h1 -> h[23], migrated live")
        self.assertIn("2 VMs have left, 2 of them live", done.stdout)
        self.assertTrue(self.is_standby())
        told = self.told("status")
        self.assertEqual((told["maintenance"], told["vms"]), (True, []))
        self.assertEqual(self.told("off", "--dry-run")["commands"],
                         ["crm node online h1"])
        self.assertTrue(self.is_standby())
        # Said again it is no error, and has nothing to do.
        self.assertEqual(self.told("on")["vms"], [])
        self.assertIn("on duty again", self.duty("off").stdout)
        self.assertFalse(self.is_standby())
        self.assertIn("already", self.duty("off").stdout)
        self.assertIn("on duty", self.duty("status").stdout)

    def test_no_migration_asks(self):
        self.began("web1", "web2", allow_migrate="false")
        self.refused("say --yes")
        self.refused("allow-migrate is not set")
        self.live()
        done = self.duty("on", "--yes")
        self.assertRegex(done.stdout,
                         "web2: h1 -> h[23], stopped and started again")
        self.assertIn("2 VMs have left, 0 of them live", done.stdout)

    def test_bans(self):
        """One VM that may run nowhere else: none is moved."""
        self.began("web1", "web2", constraints=prefer("web2", "h2",
                                                      "-INFINITY")
                   + prefer("web2", "h3", "-INFINITY"))
        done = self.refused("web2 can't leave h1")
        self.assertIn("constraint web2-on-h2 bans it from h2", done.stderr)
        self.assertIn("constraint web2-on-h3 bans it from h3", done.stderr)
        self.refused("web2 can't leave h1", "--yes")
        self.live()
        told = self.told("on", "--force")
        self.assertEqual({m["vm"]: m["how"] for m in told["vms"]},
                         {"web1": "live", "web2": "stop"})

    def test_no_host_left(self):
        self.cib(machine("web1"), prefer("web1", "h1"),
                 states_xml=states("h2"))
        self.act()
        self.put(self.text().replace(
            '<node id="3" uname="h3"/>', '<node id="3" uname="h3">'
            '<instance_attributes id="n3"><nvpair id="n3s" name="standby" '
            'value="on"/></instance_attributes></node>'))
        self.refused("h2 is offline, h3 is in standby")

    def test_scheduler_knows_more(self):
        """A reason that is no ban: the scheduler's word."""
        self.began("web1", "db1", constraints='<rsc_colocation id="with" '
                   'rsc="web1" with-rsc="db1" score="INFINITY"/>'
                   + prefer("db1", "h2", "-INFINITY")
                   + prefer("db1", "h3", "-INFINITY"))
        self.refused("web1 can't leave h1: the scheduler finds no host")
        told = self.told("on", "--dry-run", code=1)
        self.assertIn("web1 can't leave h1", told["refused"])
        self.assertEqual({m["how"] for m in told["vms"]}, {"stop"})
        why = {m["vm"]: m["why"] for m in told["vms"]}
        self.assertIn("the scheduler finds no host", why["web1"])
        self.assertIn("constraint db1-on-h2 bans it", why["db1"])

    def test_stays(self):
        self.began("web1")
        self.put(self.text().replace(
            'name="allow-migrate" value="true"',
            'name="is-managed" value="false"'))
        self.refused("it is not managed", "--yes", "--force")

    def test_held_stays(self):
        self.began("web1", constraints=gate("web1"), tickets=ticket("web1"))
        self.put(self.text().replace('granted="true"', 'granted="false"'))
        self.refused("its ticket is not granted", "--force")

    def test_not_done_is_not_said(self):
        """Nobody moves them: standby is set, and it fails."""
        self.began("web1")
        done = self.duty("on", "--wait=1", code=4)
        self.assertIn("1 of 1 VMs are not settled", done.stderr)
        self.assertTrue(self.is_standby())
        self.assertEqual(self.told("status")["vms"], ["web1"])

    def test_migration_fails(self):
        """It is stopped and started instead, and that is what is told."""
        self.began("web1")
        self.live("--op-fail=web1_migrate_to_0@h1=1")
        done = self.duty("on")
        self.assertIn("stopped and started again", done.stdout)
        self.assertIn("0 of them live", done.stdout)

    def test_dry_run_refuses(self):
        """For the same as the real call."""
        self.began("web1", allow_migrate="false")
        self.refused("say --yes")
        done = self.refused("say --yes", "--dry-run")
        self.assertNotIn("crm node standby", done.stdout)
        done = self.duty("on", "--dry-run", "--yes")
        self.assertTrue(done.stdout.endswith("crm node standby h1\n"))

    def sized(self, memory=4000, **policy):
        """Three hosts of 10000 MB, a VM on each."""
        config = self.path("vm.xml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("<domain type='kvm'><name>x</name><memory unit='MiB'>64"
                    "</memory><vcpu>1</vcpu></domain>")
        inner = ('<instance_attributes id="{0}-i"><nvpair id="{0}-c" '
                 'name="config" value="{1}"/></instance_attributes>'
                 '<utilization id="{0}-u"><nvpair id="{0}-m" '
                 'name="memory_mb" value="{2}"/></utilization>')
        self.cib("".join(machine(f"vm{i}", inner=inner.format(
            f"vm{i}", config, memory)) for i in (1, 2, 3))
            + (fault_domain(**policy) if policy else ""),
            "".join(prefer(f"vm{i}", f"h{i}") for i in (1, 2, 3)))
        text = self.text()
        for i in (1, 2, 3):
            text = text.replace(
                f'<node id="{i}" uname="h{i}"/>', f'<node id="{i}" '
                f'uname="h{i}"><utilization id="n{i}u"><nvpair id="n{i}c" '
                'name="cpu_mhz" value="9000"/><nvpair '
                f'id="n{i}m" name="memory_mb" value="10000"/></utilization>'
                '</node>')
        self.put(text)
        self.act()

    def test_admission(self):
        """A host whose loss the promise would not outlive stays, by the
        cluster's own policy; a dry run says the same."""
        self.sized(host_failures=1)
        needle = "admission control refuses it: without h1, "
        for more in ((), ("--dry-run",), ("--yes",)):
            done = self.refused(needle, *more)
            self.assertIn("What would help: ", done.stderr)
            self.assertIn("with --force it goes on", done.stderr)
            # What will not happen is not shown.
            self.assertEqual(done.stdout, "")
        told = self.told("on", "--dry-run", code=1)
        self.assertIn(needle, told["refused"])
        told = self.told("on", "--dry-run", "--force")
        self.assertIn(needle, told["warnings"][0])
        done = self.duty("on", "--dry-run", "--force")
        self.assertIn("and that promise is broken", done.stderr)
        # It fits with less, where less is promised, or where nobody does.
        for memory, policy in ((1000, {"host_failures": 1}),
                               (4000, {"host_failures": 0}),
                               (4000, {"admission_policy": "disabled"}),
                               (4000, {})):
            self.sized(memory, **policy)
            self.duty("on", "--dry-run")

    def door(self, answer, code=0):
        """on, with a master that answers so; what it was asked."""
        manager = Daemon(self.path("fdmd.sock"), {"status": {
            "host": "h2", "master": "h3", "vms": []}})
        self.addCleanup(manager.__exit__)
        asked = Asked(self, answer, None)
        done = self.duty("on", f"--manager-socket={self.path('fdmd.sock')}",
                         "--wait=1", code=code)
        asked.stop()
        os.unlink(self.path("fdmd.sock"))
        self.assertNotIn("vmha-ask", self.text())
        return done, [q.split()[1:] for q in asked.questions]

    def test_master_decides(self):
        """What this host's CIB would allow is the master's to allow."""
        self.sized(1000, host_failures=1)
        done, questions = self.door("no memory is short", code=1)
        self.assertIn("the master refuses it: without h1, memory is short. "
                      "Nothing was changed", " ".join(done.stderr.split()))
        self.assertEqual(questions, [["remove-host", "h1"]])
        self.assertFalse(self.is_standby())
        done, questions = self.door("yes", code=4)
        self.assertIn("not settled within 1 s", done.stderr)
        self.assertEqual(questions, [["remove-host", "h1"]])
        self.assertTrue(self.is_standby())
        # Said again it is no news, and nobody is asked.
        self.assertEqual(self.door("no never", code=4)[1], [])

    def test_admission_guarantee(self):
        """As configured: the sums hold, and one VM has no place."""
        self.sized(4000, host_failures=1, cpu_percent=0, memory_percent=0,
                   admission_guarantee="arithmetic")
        self.duty("on", "--dry-run")
        self.sized(4000, host_failures=1, cpu_percent=0, memory_percent=0)
        self.refused("if h2 fails, vm", "--dry-run")

    def test_admission_again(self):
        """What has left already is not refused a second time."""
        self.sized(4000, host_failures=1)
        self.live()
        self.duty("on", "--force")
        self.assertEqual(self.told("on")["vms"], [])

    def judged(self, full, host):
        """vm1 leaves; `full` has no room for it, and its plan names that."""
        self.sized(4000, host_failures=0)
        number = full[1:]
        text = self.text().replace(
            f'id="vm{number}-m" name="memory_mb" value="4000"',
            f'id="vm{number}-m" name="memory_mb" value="7000"')
        self.put(text.replace(
            '</constraints>', '<rsc_location id="vmha-plan-vm1" rsc="vm1" '
            f'node="{full}" score="49"/></constraints>'))
        before = self.text()
        for more in ((), ("--force",)):
            told = self.told("on", "--dry-run", *more)
            self.assertEqual([m["to"] for m in told["vms"]], [host])
            self.assertEqual(told["warnings"], [])
        self.assertEqual(self.text(), before)

    def test_places(self):
        """What was judged is what happens: the place with room, whatever the
        plan says for the failure of h1, and whatever Pacemaker likes."""
        for full, host in (("h2", "h3"), ("h3", "h2")):
            self.judged(full, host)
        self.live()
        (move,) = self.told("on")["vms"]
        self.assertEqual((move["how"], move["to"]), ("live", "h2"))
        plan = self.read().find(".//rsc_location[@id='vmha-plan-vm1']")
        self.assertEqual((plan.get("node"), plan.get("score")), ("h2", "49"))

    def test_overfull(self):
        """A score of its user's own sends it where it has no room."""
        self.judged("h2", "h3")
        self.put(self.text().replace(
            'rsc="vm1" node="h1" score="50"',
            'rsc="vm1" node="h1" score="500"').replace(
                '</constraints>', prefer("vm1", "h2", "200")
                + '</constraints>'))
        needle = ("without h1, h2 would hold more than it has: 64 of 9000 MHz "
                  "and 11078 of 10000 MB would be reserved there, since "
                  "Pacemaker would send it vm1. What would help: wait ")
        for more in ((), ("--dry-run",)):
            done = self.refused(needle, *more)
            self.assertRegex(done.stdout, "vm1 +h2 +live")
        told = self.told("on", "--dry-run", code=1)
        self.assertIn(needle, told["refused"])
        done = self.duty("on", "--dry-run", "--force")
        self.assertIn(needle, done.stderr)
        self.assertIn("With --force it goes on", done.stderr)
        self.live()
        told = self.told("on", "--force")
        self.assertEqual([m["to"] for m in told["vms"]], ["h2"])
        self.assertEqual(len(told["warnings"]), 1)
        self.assertIn(needle, told["warnings"][0])

    def test_overfull_by_a_start(self):
        """One that is just being started takes the room."""
        self.sized(4000, host_failures=0)
        text = self.text()
        begin = text.index('<primitive id="vm3"')
        end = text.index("</primitive>", begin) + len("</primitive>")
        self.put(text[:end] + text[begin:end].replace("vm3", "vm4")
                 + text[end:].replace("</constraints>", prefer("vm4", "h2")
                                      + "</constraints>"))
        self.refused("since Pacemaker would send it vm1, vm4. What would help: "
                     "wait until no VM starts")
        self.act()
        told = self.told("on", "--dry-run")
        self.assertEqual([m["to"] for m in told["vms"]], ["h3"])

    def test_overfull_already(self):
        """What is wrong as it stands is named, and it is no VM's fault."""
        self.sized(1000, host_failures=0)
        self.put(self.text().replace(
            'id="vm2-m" name="memory_mb" value="1000"',
            'id="vm2-m" name="memory_mb" value="10001"'))
        self.refused("without h1, h2 would hold more than it has: 10040 of "
                     "10000 MB")

    def spared(self, *more, memory=1000):
        """h3 is a failover host, and the plan's target of vm1."""
        self.sized(memory, admission_policy="dedicated", failover_hosts="h3")
        self.put(self.text().replace(
            '</constraints>', '<rsc_location id="vmha-plan-vm1" rsc="vm1" '
            'node="h3" score="49"/></constraints>'))
        before = self.text()
        self.told("on", "--dry-run", *more)
        self.assertEqual(self.text(), before)
        self.live()
        (move,) = self.told("on", *more)["vms"]
        self.assertEqual((move["vm"], move["how"], move["to"]),
                         ("vm1", "live", "h2"))
        plan = self.read().find(".//rsc_location[@id='vmha-plan-vm1']")
        self.assertEqual((plan.get("node"), plan.get("score")), ("h2", "49"))

    def test_failover_host(self):
        """The plan sends them there if h1 dies; they leave for others."""
        self.spared()

    def test_failover_host_force(self):
        """Also where the promise is broken: vm3 fills the failover host."""
        self.spared("--force", memory=4000)

    def test_dry_run(self):
        self.began("web1")
        before = self.text()
        done = self.duty("on", "--dry-run")
        self.assertRegex(done.stdout, "web1 +h[23] +live")
        self.assertTrue(done.stdout.endswith("crm node standby h1\n"))
        self.assertEqual(self.text(), before)

    def test_refusals(self):
        self.began("web1")
        for words, needle in ((("h9", "on"), "no node h9"),
                              (("h9", "status"), "no node h9"),
                              (("h1|", "on"), "is no name")):
            done = self.vmha("host", "maintenance", *words, code=1)
            self.assertIn(needle, done.stderr)
        self.vmha("host", "maintenance", "h1", "maybe", code=64)
        self.vmha("host", "maintenance", "h1", code=64)
        began = self.text()
        self.put(began.replace('uname="h1" in_ccm="true"',
                               'uname="h1" in_ccm="false"'))
        self.refused("h1 is offline")
        self.put(began.replace('<node id="1" uname="h1"/>',
                               '<node id="1" uname="h1"><instance_attributes '
                               'id="n1"><nvpair id="n1m" name="maintenance" '
                               'value="true"/></instance_attributes></node>'))
        self.refused("Pacemaker's own maintenance")
        self.put(began.replace('have-quorum="1"', 'have-quorum="0"'))
        self.refused("no quorum")


if __name__ == "__main__":
    unittest.main()
