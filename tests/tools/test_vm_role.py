# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha vm list, show, start and stop, on a CIB file by Pacemaker's own
scheduler and tools."""

import json
import os
import unittest

from cib import gate, meta_of, ticket, vm
from daemon import heartbeat, host
from simulated import SimulatedCase, machine, prefer

PENDING = ('<node_state id="1" uname="h1" in_ccm="true" crmd="online" '
           'join="member"><lrm id="1"><lrm_resources><lrm_resource id="web1" '
           'class="ocf" provider="vmha" type="VirtualMachine"><lrm_rsc_op '
           'id="web1_last_0" operation="{0}" call-id="{1}" rc-code="{2}" '
           'op-status="{3}" interval="{4}" exit-reason="{5}"/>'
           "</lrm_resource></lrm_resources></lrm></node_state>")


class List(SimulatedCase):
    """All VMs."""

    def rows(self, hosts=None, lists=None, **more):
        """{VM: its row}."""
        if hosts is None:
            hosts = [host("h1", 0), host("h2", 1, flags=["master"])]
        with heartbeat(self.path("heartbeatd.sock"), hosts, lists=lists,
                       **more):
            done = self.vmha("vm", "list", "--json")
        os.unlink(self.path("heartbeatd.sock"))
        return {r["vm"]: r for r in json.loads(done.stdout)["vms"]}

    def words(self, name="web1", **more):
        """(state, host, protection) and why."""
        row = self.rows(**more)[name]
        return (row["state"], row["host"], row["protection"]), row["why"]

    def test_protected(self):
        self.cib(machine("web1"), gate("web1"), ticket("web1"))
        self.assertEqual(
            self.words(lists={"h1": {"web1": "running"}}),
            (("running", "h1", "protected"), ""))

    def test_never_protected_in_doubt(self):
        """Each thing that a restart needs, taken away."""
        mine = {"lists": {"h1": {"web1": "running"}}}
        nobody = [host("h1", 0), host("h2", 1)]
        lost = [host("h1", 0, "late", member=False, beat_state="armed"),
                host("h2", 1, flags=["master"])]
        gone = [host("h1", 0, "standing-down", member=False),
                host("h2", 1, flags=["master"])]
        for resources, constraints, tickets, more, word, needle in (
                (machine("web1"), "", ticket("web1"), mine, "unprotected",
                 "vmha vm add web1"),
                (machine("web1"), gate("web1", "stop"), ticket("web1"), mine,
                 "unprotected", "mends it"),
                (machine("web1"), gate("web1"), ticket("web1", "false"), mine,
                 "held", "vmha why web1"),
                (machine("web1"), gate("web1"), "", mine, "held", "why"),
                (machine("web1", target_role="Stopped"), gate("web1"),
                 ticket("web1"), mine, "unprotected", "vmha vm start web1"),
                (machine("web1", is_managed="false"), gate("web1"),
                 ticket("web1"), mine, "unprotected", "not managed"),
                (f'<group id="g">{machine("web1")}</group>', gate("web1"),
                 ticket("web1"), mine, "unprotected", "group g"),
                (machine("web1"), gate("web1"), ticket("web1"),
                 {"hosts": nobody, **mine}, "unprotected", "no host is master"),
                (machine("web1"), gate("web1"), ticket("web1"),
                 {"hosts": gone, **mine}, "unknown", "not proven dead"),
                (machine("web1"), gate("web1"), ticket("web1"),
                 {"hosts": lost, **mine}, "protected", "")):
            self.cib(resources, constraints, tickets)
            found, why = self.words(**more)
            self.assertEqual(found[2], word, why)
            self.assertIn(needle, why)

    def test_protected_list(self):
        """Protected is what the datastores say, and nothing else."""
        self.cib(machine("web1"), gate("web1"), ticket("web1"))
        mine = {"lists": {"h1": {"web1": "running"}}}
        away = {"ok": False, "errno": 110, "error": "no answer in time"}
        doubt = {"complete": False, "why": "too few datastores", "vms": []}
        late = {"complete": True, "flushed": False, "vms": [
            {"resource": "web1", "state": "protected"}]}
        for more, word, needle in (
                ({"on_disk": {}}, "being protected", "not written it"),
                ({"on_disk": {"web1": "off"}}, "being protected", "list"),
                ({"protected": late}, "being protected", "list"),
                ({"protected": away}, "unknown", "no answer in time"),
                ({"protected": doubt}, "unknown", "too few datastores")):
            found, why = self.words(**mine, **more)
            self.assertEqual(found[2], word, more)
            self.assertIn(needle, why)

    def test_powered_off(self):
        """Its ticket is taken away: by its user, or by a power loss."""
        for role, reason, needle in (
                ("Stopped", "powered-off", "stopped by an administrator"),
                ("Started", "was-off", "lost its power")):
            self.cib(machine("web1", target_role=role), gate("web1"),
                     ticket("web1", "false", state="off", reason=reason))
            row = self.rows(on_disk={"web1": "off"})["web1"]
            self.assertEqual((row["ticket"], row["protection"]),
                             ("off", "unprotected"))
            self.assertIn(needle, row["why"])
            self.assertIn("vmha vm start web1", row["why"])

    def test_power_on(self):
        """Its user has started it, and its ticket is on its way."""
        self.cib(machine("web1", target_role="Started"), gate("web1"),
                 ticket("web1", "false", state="off", reason="powered-off"))
        found, why = self.words(on_disk={"web1": "off"})
        self.assertEqual(found[2], "being protected")
        self.assertIn("the master grants its ticket", why)

    def test_pacemaker_alone(self):
        """What no list names is what its history says; unlisted is not
        protected."""
        self.cib(machine("web1") + machine("db1", target_role="Stopped"),
                 gate("web1") + prefer("web1", "h3"), ticket("web1"))
        self.act()
        found, why = self.words()
        self.assertEqual(found, ("running", "h3", "unprotected"))
        self.assertIn("no VM list", why)
        self.assertEqual(self.words("db1")[0][:2], ("stopped", None))
        self.assertIn("does not run here", self.vmha("vm", "list").stdout)
        row = json.loads(self.vmha("vm", "list", "--json").stdout)["vms"][0]
        self.assertEqual(row["protection"], "unknown")

    def test_under_way(self):
        for past, state in ((("start", 5, 193, -1, 0, ""), "starting"),
                            (("stop", 5, 193, -1, 0, ""), "stopping"),
                            (("migrate_to", 5, 0, 0, 0, ""), "busy"),
                            (("start", 5, 1, 0, 0, "no disk"), "failed"),
                            (("monitor", 5, 7, 0, 10000, ""), "failed"),
                            (("monitor", 5, 7, 0, 0, ""), "stopped"),
                            (("monitor", 5, 190, 0, 10000, ""), "running"),
                            (("stop", 5, 1, 0, 0, ""), "failed"),
                            (("stop", 5, 0, 0, 0, ""), "stopped")):
            self.cib(vm("web1"), states_xml=PENDING.format(*past))
            self.assertEqual(self.words()[0][0], state, past)

    def test_text(self):
        self.cib(machine("web1") + machine("db1"), gate("web1"),
                 ticket("web1"))
        with heartbeat(self.path("heartbeatd.sock"),
                       [host("h1", 0), host("h2", 1, flags=["master"])],
                       lists={"h1": {"web1": "running"}}):
            text = self.vmha("vm", "list").stdout
        self.assertRegex(text, "web1 +running +h1 +granted +protected")
        self.assertRegex(text, "db1 +never started +- +no gate +unprotected")

    def test_nothing(self):
        self.cib()
        self.assertIn("No resource", self.vmha("vm", "list").stdout)
        self.cib_path = self.path("none.xml")
        self.assertIn("cibadmin", self.vmha("vm", "list", code=1).stderr)

    def test_show(self):
        inner = ('<instance_attributes id="web1-p"><nvpair id="web1-c" '
                 'name="config" value="/srv/web1.xml"/></instance_attributes>'
                 '<operations><op id="web1-s" name="stop" interval="0" '
                 'timeout="77s"/></operations>')
        self.cib(machine("web1", inner=inner) + machine("db1"),
                 gate("web1") + prefer("web1", "h2")
                 + '<rsc_colocation id="apart" rsc="web1" with-rsc="db1" '
                 'score="-INFINITY"/>' + prefer("db1", "h1"),
                 ticket("web1"))
        self.act()
        told = json.loads(self.vmha("vm", "show", "web1", "--json").stdout)
        self.assertEqual(told["parameters"], {"config": "/srv/web1.xml"})
        self.assertEqual(told["meta"], {"allow-migrate": "true"})
        self.assertEqual(told["operations"][0]["timeout"], "77s")
        self.assertEqual(told["constraints"],
                         ["vmha-gate-web1", "web1-on-h2", "apart"])
        self.assertEqual({h["host"]: h["is"] for h in told["history"]},
                         {"h1": "off", "h2": "on", "h3": "off"})
        text = self.vmha("vm", "show", "web1").stdout
        for needle in ("web1: running on h2", "config=/srv/web1.xml",
                       "stop: timeout 77s", "h2: on by start"):
            self.assertIn(needle, text)
        for name in ("nope", "apart"):
            self.assertIn("is no resource",
                          self.vmha("vm", "show", name, code=1).stderr)


class Role(SimulatedCase):
    """Start and stop."""

    def role(self):
        """target-role of web1."""
        at = self.read().find(".//primitive[@id='web1']//nvpair"
                              "[@name='target-role']")
        return None if at is None else at.get("value")

    def test_stop_and_start(self):
        self.cib(machine("web1"), gate("web1") + prefer("web1", "h2"),
                 ticket("web1"))
        self.act()
        self.live()
        text = self.vmha("vm", "stop", "web1").stdout
        self.assertIn("web1 is stopped, after", text)
        self.assertIn("unprotected", text)
        self.assertEqual(self.role(), "Stopped")
        # Its ticket is the master's.
        self.assertEqual(self.gates()[1]["vmha-web1"]["granted"], "true")
        self.assertIn("stopped already", self.vmha("vm", "stop",
                                                   "web1").stdout)
        told = json.loads(self.vmha("vm", "start", "web1", "--json").stdout)
        self.assertEqual((told["outcome"], told["host"], told["changed"]),
                         ("running", "h2", True))
        self.assertEqual(self.role(), "Started")
        self.assertIn("runs on h2 already",
                      self.vmha("vm", "start", "web1").stdout)

    def test_no_proof_no_word(self):
        """A stop that failed is no stop, and nothing done is none either."""
        self.cib(machine("web1"), prefer("web1", "h2"))
        self.act()
        done = self.vmha("vm", "stop", "web1", "--wait=1", code=4)
        self.assertIn("not proven stopped", done.stderr)
        self.assertEqual(self.role(), "Stopped")
        self.act("--op-fail=web1_stop_0@h2=1")
        done = self.vmha("vm", "stop", "web1", "--wait=1", code=4)
        self.assertIn("stop failed on h2", done.stdout)

    def test_held_waits(self):
        self.cib(machine("web1"), gate("web1"), ticket("web1", "false"))
        self.live()
        done = self.vmha("vm", "start", "web1", "--wait=2", code=4)
        self.assertIn("its ticket is not granted", done.stdout)
        self.assertEqual(self.gates()[1]["vmha-web1"]["granted"], "false")

    def test_reasons(self):
        self.cib(machine("web1", target_role="Stopped"),
                 "".join(prefer("web1", h, "-INFINITY")
                         for h in ("h1", "h2", "h3")))
        self.live()
        done = self.vmha("vm", "start", "web1", "--wait=2", code=4)
        self.assertIn("bans it from h3", done.stdout)

    def test_dry_run(self):
        self.cib(machine("web1"))
        before = self.read().get("epoch")
        self.assertEqual(self.vmha("vm", "stop", "web1", "--dry-run").stdout,
                         "crm resource stop web1\n")
        told = json.loads(self.vmha("vm", "start", "web1", "--dry-run",
                                    "--json").stdout)
        self.assertEqual(told["commands"], ["crm resource start web1"])
        self.assertEqual(self.read().get("epoch"), before)

    def test_refusals(self):
        dummy = ('<primitive id="ip" class="ocf" provider="heartbeat" '
                 'type="IPaddr2"/>')
        group = f'<group id="g">{machine("web2")}</group>'
        idle = vm("web3", meta_of("web3", is_managed="false"))
        self.cib(machine("web1") + dummy + group + idle)
        for name, needle in (("ip", "IPaddr2"), ("web2", "group g"),
                             ("web3", "not managed"), ("nope", "no resource"),
                             ("a b", "is no name"), ("--", None)):
            for verb in ("start", "stop"):
                done = self.vmha("vm", verb, name, code=1 if needle else 64)
                self.assertIn(needle or "at least 1", done.stderr)
        self.cib(machine("web1"), quorum=0)
        self.assertIn("no quorum", self.vmha("vm", "stop", "web1",
                                             code=1).stderr)
        self.assertIsNone(self.role())

    def test_offline_host_is_no_proof(self):
        """What ran on a host that is away is not stopped before it is
        fenced."""
        self.cib(machine("web1"), prefer("web1", "h2"))
        self.act()
        self.put(self.text().replace('uname="h2" in_ccm="true"',
                                     'uname="h2" in_ccm="false"'))
        self.assertIn("not proven stopped",
                      self.vmha("vm", "stop", "web1", "--wait=1",
                                code=4).stderr)


if __name__ == "__main__":
    unittest.main()
