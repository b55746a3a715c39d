# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha vm add and remove, and what check says of gates, on a CIB file by the
real cibadmin."""

import json
import unittest

from cib import CibCase, gate, meta_of, ticket, vm

MANAGER = ('<primitive id="fdm" class="ocf" provider="vmha" '
           'type="FaultDomain"/>')
RUNS = ('<node_state id="1" uname="h1" in_ccm="true" crmd="online" '
        'join="member" expected="member"><lrm id="1"><lrm_resources>'
        '<lrm_resource id="web1" class="ocf" provider="vmha" '
        'type="VirtualMachine"><lrm_rsc_op id="web1_last_0" '
        'operation="start" interval="0" op-status="0" rc-code="0" '
        'call-id="5" transition-key="1:1:0:a" '
        'transition-magic="0:0;1:1:0:a"/></lrm_resource></lrm_resources>'
        '</lrm></node_state>')
DUMMY = '<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>'


class Add(CibCase):
    """Gates come."""

    def test_both_in_one_update(self):
        self.cib(vm("web1") + vm("db1"))
        self.vmha("vm", "add", "web1", "db1")
        gates, tickets = self.gates()
        self.assertEqual(gates, {"web1": "freeze", "db1": "freeze"})
        self.assertEqual({k: v["granted"] for k, v in tickets.items()},
                         {"vmha-web1": "true", "vmha-db1": "true"})
        # One update: the epoch has grown by one.
        self.assertEqual(self.read().get("epoch"), "2")
        done = self.vmha("vm", "add", "web1", "--json")
        told = json.loads(done.stdout)
        self.assertEqual((told["vms"][0]["result"], told["written"]),
                         ("unchanged", False))
        self.assertEqual(self.read().get("epoch"), "2")

    def test_the_master_admits_what_does_not_run(self):
        """With a manager the ticket of what is off is its decision."""
        self.cib(vm("web1") + vm("db1") + MANAGER, states=RUNS)
        self.vmha("vm", "add", "web1", "db1")
        tickets = self.gates()[1]
        self.assertEqual(tickets["vmha-web1"]["granted"], "true")
        self.assertEqual(tickets["vmha-db1"],
                         {"id": "vmha-db1", "granted": "false"})

    def test_refused_is_all_or_nothing(self):
        group = '<group id="g">' + vm("web2") + "</group>"
        clone = '<clone id="c">' + vm("web3") + "</clone>"
        self.cib(vm("web1") + DUMMY + group + clone)
        for name, needle in (("ip", "ocf:heartbeat:IPaddr2"),
                             ("web2", "group g"), ("web3", "clone c"),
                             ("nope", "no primitive")):
            done = self.vmha("vm", "add", "web1", name, code=1)
            self.assertIn(needle, done.stdout)
            self.assertIn("not added", done.stdout)
            self.assertIn("nothing was written", done.stderr)
        self.assertEqual(self.gates(), ({}, {}))

    def test_all_gates_what_it_can(self):
        self.cib(vm("web1") + DUMMY + '<group id="g">' + vm("web2")
                 + "</group>")
        done = self.vmha("vm", "add", "--all", code=1)
        self.assertRegex(done.stdout, "web2 +refused")
        self.assertEqual(self.gates()[0], {"web1": "freeze"})

    def test_dry_run(self):
        self.cib(vm("web1"))
        done = self.vmha("vm", "add", "web1", "--dry-run")
        self.assertIn("would be added", done.stdout)
        self.assertEqual(self.gates(), ({}, {}))

    def test_mends(self):
        """A ticket that stands is the master's word."""
        self.cib(vm("web1") + vm("web2") + vm("web3"),
                 gate("web1", "stop") + gate("web2"),
                 ticket("web1", "false", term=4) + ticket("web3", "false"))
        self.vmha("vm", "add", "--all")
        gates, tickets = self.gates()
        self.assertEqual(set(gates.values()), {"freeze"})
        self.assertEqual({k: v["granted"] for k, v in tickets.items()},
                         {"vmha-web1": "false", "vmha-web2": "true",
                          "vmha-web3": "false"})
        self.assertEqual(tickets["vmha-web1"]["vmha-term"], "4")

    def test_template(self):
        self.cib('<template id="t" class="ocf" provider="vmha" '
                 'type="VirtualMachine"/><primitive id="web1" template="t"/>')
        self.vmha("vm", "add", "web1")
        self.assertEqual(self.gates()[0], {"web1": "freeze"})

    def test_no_quorum(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1"), quorum=0)
        for verb in ("add", "remove"):
            self.assertIn("no quorum",
                          self.vmha("vm", verb, "web1", code=1).stderr)
        self.assertEqual(len(self.gates()[1]), 1)

    def test_what_is_no_name(self):
        self.cib(vm("web1"))
        for name in ("web1']|//x", "a b", '"', ""):
            self.vmha("vm", "add", name, code=1)
            self.vmha("vm", "remove", name, code=1)
        self.vmha("vm", "add", code=64)
        self.vmha("vm", "add", "--all", "web1", code=64)

    def test_no_pacemaker(self):
        self.cib_path = self.path("none.xml")
        self.assertIn("cibadmin", self.vmha("vm", "add", "x", code=1).stderr)


class Remove(CibCase):
    """Gates go."""

    def test_both_go(self):
        self.cib(vm("web1") + vm("db1"), gate("web1") + gate("db1"),
                 ticket("web1") + ticket("db1"))
        self.vmha("vm", "remove", "web1", "--dry-run")
        self.assertEqual(len(self.gates()[0]), 2)
        self.vmha("vm", "remove", "web1")
        gates, tickets = self.gates()
        self.assertEqual((list(gates), list(tickets)),
                         (["db1"], ["vmha-db1"]))
        self.assertEqual(self.read().get("epoch"), "2")
        self.assertIn("neither", self.vmha("vm", "remove", "web1").stdout)

    def test_held_stays(self):
        self.cib(vm("web1"), gate("web1"), ticket("web1", "false"))
        self.assertIn("not granted",
                      self.vmha("vm", "remove", "web1", code=1).stdout)
        self.assertEqual(len(self.gates()[0]), 1)
        self.vmha("vm", "remove", "web1", "--force")
        self.assertEqual(self.gates(), ({}, {}))


class Check(CibCase):
    """What check finds about gates."""

    def setUp(self):
        super().setUp()
        self.create()

    def found(self):
        """Findings by what they are about; several of one name: a list."""
        done = self.run_vmha("check", "--json", "--conf", self.conf,
                             "--socket", self.path("no"),
                             self.corosync("h1", "h2", "h3"), env=self.env())
        found = {}
        for f in json.loads(done.stdout)["findings"]:
            found.setdefault(f["what"], []).append(f)
        return found

    def level(self, name):
        """The worst level of a finding."""
        order = ("ok", "warn", "bad")
        return max((f["level"] for f in self.found().get(name, [])),
                   key=order.index, default=None)

    def clone(self, requires="quorum", interleave="true",
              promotable="true", role="Promoted"):
        """The fault domain manager's."""
        return ('<clone id="cl">' + meta_of("cl", interleave=interleave,
                                            promotable=promotable)
                + '<primitive id="fdm" class="ocf" provider="vmha" '
                'type="FaultDomain">' + meta_of("fdm", requires=requires)
                + '<operations><op id="o1" name="monitor" interval="11s"/>'
                f'<op id="o2" name="monitor" interval="10s" role="{role}"/>'
                "</operations></primitive></clone>")

    def test_gates(self):
        self.cib(vm("web1") + vm("web2") + self.clone(), gate("web1"),
                 ticket("web1"), no_quorum_policy="freeze")
        found = self.found()
        self.assertIn("1 of 2", found["gated VMs"][0]["value"])
        self.assertIn("web2", found["gated VMs"][0]["value"])
        self.assertEqual(found["gated VMs"][0]["level"], "ok")
        self.assertEqual(found["fault domain"][0]["level"], "ok")
        self.assertEqual(found["no-quorum-policy"][0]["level"], "ok")
        self.assertNotIn("holding", found)

    def test_policy_with_gates(self):
        for policy, level in (("stop", "bad"), ("ignore", "bad"),
                              ("freeze", "ok")):
            self.cib(vm("web1"), gate("web1"), ticket("web1"),
                     no_quorum_policy=policy)
            self.assertEqual(self.level("no-quorum-policy"), level)

    def test_bad_gate(self):
        self.cib(vm("web1") + self.clone(), gate("web1", "fence"),
                 ticket("web1"))
        self.assertEqual(self.level("gate"), "bad")

    def test_no_ticket(self):
        self.cib(vm("web1") + self.clone(), gate("web1"))
        self.assertEqual(self.level("ticket"), "warn")

    def test_manager(self):
        for resources, level in (
                ("", "bad"), (self.clone(), "ok"),
                (self.clone(requires="fencing"), "bad"),
                (self.clone(interleave="false"), "warn"),
                (self.clone(promotable="false"), "warn"),
                (self.clone(promotable="maybe"), "warn"),
                (self.clone(role="Master"), "ok"),
                (self.clone(role="Unpromoted"), "warn"),
                ('<primitive id="fdm" class="ocf" provider="vmha" '
                 'type="FaultDomain"/>', "bad")):
            self.cib(vm("web1") + resources, gate("web1"), ticket("web1"))
            self.assertEqual(self.level("fault domain"), level, resources)

    def test_guest_off_needs_the_manager(self):
        for value, manager, level in (("stop", "", "warn"),
                                      ("stop", self.clone(), None),
                                      ("restart", "", None)):
            param = ('<instance_attributes id="ia"><nvpair id="g" '
                     f'name="on_guest_shutdown" value="{value}"/>'
                     '</instance_attributes>')
            self.cib(vm("web1", param) + manager)
            self.assertEqual(self.level("on_guest_shutdown"), level, value)

    def test_what_forbids_holding(self):
        fs = '<primitive id="fs" class="ocf" provider="heartbeat" ' \
             'type="Filesystem"/>'
        self.cib(vm("web1") + fs + DUMMY + self.clone(), gate("web1"),
                 ticket("web1"))
        values = [f["value"] for f in self.found()["holding"]]
        self.assertEqual(len(values), 2)
        self.assertTrue(any(v.startswith("fs ") for v in values), values)

    def test_stickiness(self):
        def defaults(value):
            return meta_of("d", resource_stickiness=value)
        policy = ('<instance_attributes id="fi"><nvpair id="fp" '
                  'name="admission_policy" value="disabled"/>'
                  '</instance_attributes>')
        off = self.clone().replace("<operations>", policy + "<operations>")
        for manager, own, rsc_defaults, level in (
                (self.clone(), "", "", "warn"),
                (self.clone(), "", defaults(1), "warn"),
                (self.clone(), "", defaults(2), "ok"),
                (self.clone(), "", defaults("INFINITY"), "ok"),
                (self.clone(), "", defaults("-INFINITY"), "warn"),
                (self.clone(), defaults(1), defaults(100), "warn"),
                (self.clone(), defaults(2), "", "ok"),
                (off, "", "", None), ("", "", "", None)):
            self.cib(vm("web1", own.replace('"d-', '"w-')) + vm("web2")
                     + manager, gate("web1"), ticket("web1"))
            with open(self.cib_path, encoding="utf-8") as f:
                text = f.read()
            with open(self.cib_path, "w", encoding="utf-8") as f:
                f.write(text.replace("</configuration>",
                                     f"<rsc_defaults>{rsc_defaults}"
                                     "</rsc_defaults></configuration>"))
            self.assertEqual(self.level("resource-stickiness"), level,
                             (own, rsc_defaults))
            if level == "warn":
                (one,) = self.found()["resource-stickiness"]
                self.assertEqual(one["value"], "1 of 1 below it: web1")


if __name__ == "__main__":
    unittest.main()
