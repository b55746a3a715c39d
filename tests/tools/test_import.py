# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha vm import, on a CIB file by Pacemaker's own scheduler and tools. A
refresh needs a controller; here the test takes the history away as that one
would, and says what the new agent's probes find."""

import json
import os
import unittest
import xml.etree.ElementTree as tree

from simulated import SimulatedCase, machine, prefer

UUID = "0d3cc0aa-5e1f-4fd0-8bd4-0f1f0f1f0f1f"
XML = f"""<domain type="qemu"><name>web1</name><uuid>{UUID}</uuid>
<devices>%s</devices></domain>"""
CHANNEL = ('<channel type="unix"><target type="virtio" '
           'name="org.qemu.guest_agent.0"/></channel>')


# crm_resource 2.1.5 says "skipping clean-up ... due to CIB_file" and ends by a
# segmentation fault: that alone is forgiven.
REFRESH = """#!/bin/sh
/usr/sbin/crm_resource "$@"
rc=$?
case "$1 $rc" in "--refresh 139") exit 0 ;; esac
exit $rc
"""


class Import(SimulatedCase):
    """A VirtualDomain that runs on h1."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        with open(self.path("bin/crm_resource"), "w", encoding="utf-8") as f:
            f.write(REFRESH)
        os.chmod(self.path("bin/crm_resource"), 0o755)

    def env(self):
        """With that crm_resource."""
        env = super().env()
        return {**env, "PATH": f"{self.path('bin')}:{env['PATH']}"}

    def old(self, channel=CHANNEL, **params):
        """Its CIB, and its config file."""
        config = self.path("web1.xml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(XML % channel)
        params = {"config": config, "migration_transport": "tcp", **params}
        rows = "".join(f'<nvpair id="web1-p-{k}" name="{k}" value="{v}"/>'
                       for k, v in params.items() if v is not None)
        inner = ('<instance_attributes id="web1-p">' + rows
                 + '</instance_attributes><operations><op id="web1-stop" '
                 'name="stop" interval="0" timeout="77s"/></operations>'
                 '<utilization id="web1-u"><nvpair id="web1-u-m" '
                 'name="hv_memory" value="64"/></utilization>')
        self.cib(machine("web1", "heartbeat", "VirtualDomain", inner),
                 prefer("web1", "h1"))
        self.act()
        self.assertEqual(self.agent(), "heartbeat:VirtualDomain")

    def agent(self):
        """provider:type of web1."""
        at = self.read().find(".//primitive[@id='web1']")
        return f"{at.get('provider')}:{at.get('type')}"

    def params(self):
        """Parameters and meta attributes of web1, as the CIB has them."""
        at = self.read().find(".//primitive[@id='web1']")
        return ({n.get("name"): n.get("value")
                 for n in at.findall("instance_attributes/nvpair")},
                {n.get("name"): n.get("value")
                 for n in at.findall("meta_attributes/nvpair")})

    def refresh(self, new=(0, 7, 7), old=(0, 7, 7)):
        """A controller that forgets and probes when the agent has changed:
        what the hosts' probes say, by the new agent and by the old one.
        Whatever stops the guest is kept."""
        seen = []

        def step():
            text = self.text()
            root = tree.fromstring(text)
            agent = root.find(".//primitive[@id='web1']")
            managed = agent.find(".//nvpair[@name='is-managed']")
            rcs = new if agent.get("provider") == "vmha" else old
            fresh = [h for h in root.iter("lrm_resource")
                     if h.get("provider") == agent.get("provider")]
            if managed is None:
                return
            seen.append(managed.get("value"))
            if len(fresh) == len(rcs):
                return
            for at in root.iter("lrm_resources"):
                at.clear()
            self.put_tree(root, text)
            self.act(*(f"--op-fail=web1_monitor_0@h{i + 1}={rc}"
                       for i, rc in enumerate(rcs) if rc != 7))
        self.live(act=step)
        return seen

    def run_import(self, *words, code=0):
        """The finished command."""
        return self.vmha("vm", "import", "web1", *words, code=code)

    def test_imported(self):
        self.old(migration_downtime="250", migration_speed="10",
                 force_stop="false", autoset_utilization_cpu="true",
                 migrate_options="--p2p --auto-converge "
                 "--migrateuri=tcp://%n-mig")
        seen = self.refresh()
        done = self.run_import()
        self.assertIn("it runs on h1", done.stdout)
        self.assertIn("its guest was not touched", done.stdout)
        self.assertIn("vmha vm add web1", done.stdout)
        self.assertIn("false", seen)
        self.assertEqual(self.agent(), "vmha:VirtualMachine")
        params, meta = self.params()
        self.assertEqual(params, {
            "config": self.path("web1.xml"), "uuid": UUID,
            "migration_transport": "tcp", "migration_downtime": "250ms",
            "migration_bandwidth": "10", "migration_auto_converge": "true",
            "migration_uri": "tcp://%n-mig"})
        # Managed again, and the rest as it was.
        self.assertEqual(meta, {"allow-migrate": "true"})
        at = self.read().find(".//primitive[@id='web1']")
        self.assertEqual(at.find("operations/op").get("timeout"), "77s")
        self.assertEqual(at.find("utilization/nvpair").get("value"), "64")
        # The scheduler has nothing to do: the guest stays where it is.
        self.assertNotIn("web1", self.act().split("Transition Summary:")[1]
                         .split("Executing")[0])

    def test_dry_run(self):
        self.old()
        before = self.text()
        done = self.run_import("--dry-run")
        self.assertEqual(self.text(), before)
        lines = done.stdout.splitlines()
        self.assertIn("crm resource refresh web1", lines)
        told = json.loads(self.run_import("--dry-run", "--json").stdout)
        self.assertEqual(told["host"], "h1")
        self.assertIn('name="is-managed" value="false"',
                      told["commands"][0])
        self.assertNotIn("is-managed", told["commands"][2])
        self.assertEqual(self.text(), before)

    def test_found_elsewhere(self):
        """The new agent does not find it, or finds it twice: all is put back,
        managed."""
        for new, needle in (((7, 7, 7), "not found on h1"),
                            ((0, 0, 7), "found on h2 too"),
                            ((1, 7, 7), "probe on h1 failed")):
            self.old()
            before = self.params()
            end = self.refresh(new=new)
            done = self.run_import(code=1)
            self.assertIn(needle, done.stderr)
            self.assertIn("is as it was", done.stderr)
            self.assertEqual(self.agent(), "heartbeat:VirtualDomain")
            self.assertEqual(self.params(), before)
            self.assertIn("false", end)
            self.doCleanups()
            self.setUp()

    def test_no_answer(self):
        """No host probes: the old agent's history still stands, and so does
        its definition."""
        self.old()
        before = self.params()
        done = self.run_import("--wait=1", code=4)
        self.assertIn("is as it was", done.stderr)
        self.assertEqual(self.agent(), "heartbeat:VirtualDomain")
        self.assertEqual(self.params(), before)

    def test_lost_stays_unmanaged(self):
        """Neither agent finds it: nobody is to stop or start anything."""
        self.old()
        self.refresh(new=(7, 7, 7), old=(7, 7, 7))
        done = self.run_import(code=1)
        self.assertIn("left unmanaged", done.stderr)
        self.assertIn("crm resource manage web1", done.stderr)
        self.assertEqual(self.params()[1]["is-managed"], "false")

    def test_no_guest_agent_asks(self):
        self.old(channel="")
        before = self.text()
        self.assertIn("--yes", self.run_import(code=1).stderr)
        self.assertEqual(self.text(), before)
        self.refresh()
        self.run_import("--yes")

    def test_what_has_no_counterpart(self):
        self.old()
        for more, needle in (
                ({"snapshot": "/srv/s"}, "saves no memory"),
                ({"stateless": "true"}, "backing file"),
                ({"monitor_scripts": "/x"}, "scripts are not run"),
                ({"shutdown_mode": "initctl"}, "only agent, acpi"),
                ({"hypervisor": "xen:///"}, "only qemu:///system"),
                ({"migrate_options": "--copy-storage-all"},
                 "--copy-storage-all"),
                ({"migration_transport": "rdma"}, "only ssh, tcp and tls"),
                ({"brand_new": "1"}, "not known"),
                ({"config": None}, "no parameter config")):
            self.old(**more)
            before = self.text()
            done = self.run_import("--yes", code=1)
            self.assertIn(needle, done.stdout)
            self.assertIn("Nothing was changed", done.stderr)
            self.assertEqual(self.text(), before)
        self.old(snapshot="/srv/s")
        told = json.loads(self.run_import("--dry-run", "--force",
                                          "--json").stdout)
        self.assertEqual(len(told["dropped"]), 1)
        self.old(snapshot="", stateless="false", start_resources="0")
        self.run_import("--dry-run")

    def test_mapping(self):
        """What the same means in the new agent's words."""
        for old, new in (
                ({"migration_transport": None},
                 {"migration_transport": "tls"}),
                ({"migration_transport": None, "remoteuri": "qemu+x://%n/y"},
                 {"migration_connect_uri": "qemu+x://%n/y"}),
                ({"force_stop": "1"}, {"shutdown_mode": "off"}),
                ({"shutdown_mode": "acpi,agent"},
                 {"shutdown_mode": "agent-acpi"}),
                ({"migration_network_suffix": "-m"},
                 {"migration_network_suffix": "-m"}),
                ({"migration_network_suffix": "-m", "migrateport": "4711"},
                 {"migration_uri": "tcp://%n-m:4711"}),
                ({"migrateport": "4711"}, {}),
                ({"migration_speed": "0", "migration_downtime": "0"}, {}),
                ({"migrateuri": "tcp://&amp;%n"},
                 {"migration_uri": "tcp://&%n"}),
                ({"migrate_options": "--unsafe --parallel-connections=4"},
                 {"migration_unsafe": "true",
                  "migration_parallel_connections": "4"})):
            self.old(**old)
            told = json.loads(self.run_import("--dry-run", "--json").stdout)
            base = {"config": self.path("web1.xml"), "uuid": UUID}
            if "migration_transport" not in old:
                base["migration_transport"] = "tcp"
            self.assertEqual(told["parameters"], {**base, **new}, old)

    def test_stopped_one(self):
        self.old()
        self.put(self.text().replace('name="allow-migrate" value="true"',
                                     'name="target-role" value="Stopped"'))
        self.act()
        self.refresh(new=(7, 7, 7))
        done = self.run_import()
        self.assertIn("it runs nowhere", done.stdout)
        self.assertEqual(self.params()[1], {"target-role": "Stopped"})

    def test_config_out_of_reach(self):
        self.old(config="/nowhere/web1.xml")
        told = json.loads(self.run_import("--dry-run", "--json").stdout)
        self.assertNotIn("uuid", told["parameters"])
        self.assertTrue(any("can't be read" in n for n in told["notes"]))

    def test_refusals(self):
        group = ('<group id="g">' + machine("web2", "heartbeat",
                                            "VirtualDomain") + "</group>")
        idle = machine("web3", "heartbeat", "VirtualDomain",
                       is_managed="false")
        template = ('<template id="t" class="ocf" provider="heartbeat" '
                    'type="VirtualDomain"/><primitive id="web4" '
                    'template="t"/>')
        self.cib(machine("web1") + group + idle + template)
        for name, needle in (("web1", "only ocf:heartbeat:VirtualDomain"),
                             ("web2", "stands in group g"),
                             ("web3", "not managed"), ("web4", "template t"),
                             ("nope", "no resource"), ("a b", "is no name")):
            done = self.vmha("vm", "import", name, code=1)
            self.assertIn(needle, done.stderr)
        self.old()
        began = self.text()
        for old, new, needle in (
                ('have-quorum="1"', 'have-quorum="0"', "no quorum"),
                ('uname="h1" in_ccm="true"', 'uname="h1" in_ccm="false"',
                 "which is offline")):
            self.put(began.replace(old, new))
            self.assertIn(needle, self.run_import(code=1).stderr)
        self.put(began.replace(
            '<instance_attributes id="web1-p">', '<instance_attributes '
            'id="web1-p"><rule id="r" score="INFINITY"><expression id="e" '
            'attribute="a" operation="defined"/></rule>'))
        self.assertIn("hang on a rule", self.run_import(code=1).stderr)


if __name__ == "__main__":
    unittest.main()
