# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha heartbeat check: contradictions are found, --fix mends what it says.
Pacemaker's properties come from a real cibadmin on a CIB file."""

import json
import os
import struct
import subprocess
import unittest

from blocks import Beating
from case import Case
from daemon import SELF, STATUS, Daemon

CIB = """\
<cib validate-with="pacemaker-3.0" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
%s      </cluster_property_set>
    </crm_config>
    <nodes/>
    <resources>%s</resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
"""
DEVICE = '<primitive id="f" class="stonith" type="fence_vmha"/>'


class Base(Case):
    """Runs it on real files and a corosync.conf."""

    def check(self, *words, code=1, env=None):
        """Findings by what they are about, and the whole answer. Without a
        watchdog device, a check of this machine finds something bad."""
        told = self.json("check", "--socket", self.path("no"), *words,
                         code=code, env=env)
        return {f["what"]: f for f in told["findings"]}, told

    def levels(self, found, *names):
        """Their levels."""
        return [found[n]["level"] if n in found else None for n in names]

    def conf_names(self, *names):
        """Rewrites vmha.conf."""
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("[heartbeat]\ndatastores="
                    + ";".join(self.path(n) for n in names) + "\n")


class Check(Base):
    """What it finds."""

    def test_sound(self):
        self.create()
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertEqual(
            self.levels(found, "configuration", "datastores", "redundancy",
                        "times", "cluster name", "slots", "quorum",
                        "failover"), ["ok"] * 8)
        # All three are on this machine's one disk.
        self.assertEqual(self.levels(found, "devices"), ["warn"])
        # token 1000 + 650 for the third node, consensus 1.2 of that
        self.assertIn("3.6 s", found["failover"]["value"])

    def test_a_line_for_each(self):
        self.create()
        done = self.heartbeat("check", self.corosync("h1", "h2", "h3"),
                              "--socket", self.path("no"), code=1)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[1].startswith("ok    configuration"))
        self.assertRegex(lines[-1], r"^\d+ ok, \d+ to be looked at, \d+ bad")

    def test_no_conf(self):
        found, _ = self.check(self.corosync("h1"))
        self.assertEqual(found["configuration"]["level"], "bad")

    def test_wrong_conf(self):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("[heartbeat]\ndatastore=/x\n")
        found, _ = self.check(self.corosync("h1"))
        self.assertIn("datastore", found["configuration"]["todo"])

    def test_names_differ(self):
        self.create()
        found, _ = self.check(self.corosync("h1", "h2", "h3", name="prod"))
        self.assertEqual(found["cluster name"]["level"], "bad")
        self.assertIn("prod", found["cluster name"]["value"])

    def test_hosts_differ(self):
        self.create()
        _, told = self.check(self.corosync("h1", "h2", "n4"))
        slots = [f for f in told["findings"] if f["what"] == "slots"]
        self.assertEqual([(f["level"], f["value"].split()[0])
                          for f in slots], [("bad", "node"), ("warn", "h3")])

    def test_number_differs(self):
        self.create()
        self.conf_names("hb1", "hb2")
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertIn("2 in vmha.conf, 3", found["datastores"]["value"])
        self.assertEqual(found["datastores"]["level"], "bad")

    def test_foreign_area_in_conf(self):
        self.create()
        self.create(name="b", prefix="x")
        self.conf_names("hb1", "hb2", "x3")
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertIn("of cluster b", found["datastore"]["value"])

    def test_quorum(self):
        self.create(hosts="h1,h2")
        for quorum, level in (("two_node: 1", "ok"),
                              ("two_node: 1\n    wait_for_all: 0", "bad"),
                              ("", "warn")):
            found, _ = self.check(self.corosync("h1", "h2", quorum=quorum))
            self.assertEqual(found["quorum"]["level"], level, quorum)

    def test_redundancy(self):
        self.create(stores=2)
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertEqual(found["redundancy"]["level"], "warn")

    def test_watchdog(self):
        self.create()
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write("watchdog=" + self.path("none") + "\n")
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertEqual(found["watchdog"]["level"], "bad")

    def test_impossible_times(self):
        for area in self.create():
            for block in (0, 1):
                area.change(block, 48 + 120, struct.pack("<I", 1000), True)
        found, _ = self.check(self.corosync("h1", "h2", "h3"))
        self.assertEqual(found["times"]["level"], "bad")
        self.assertIn("watchdog_ms", found["times"]["todo"])


class Fix(Base):
    """check --fix."""

    def fix(self, *words, code=1):
        """What it changed."""
        return self.check("--fix", *words, code=code)

    def test_conf_order_and_doubles(self):
        self.create()
        self.conf_names("hb3", "hb1", "hb2")
        found, told = self.fix(self.corosync("h1", "h2", "h3"))
        self.assertEqual(len(told["changes"]), 1)
        with open(self.conf, encoding="utf-8") as f:
            self.assertIn(";".join(self.path(f"hb{i}") for i in (1, 2, 3)),
                          f.read())
        self.assertEqual(found["datastores"]["level"], "ok")
        _, told = self.fix(self.corosync("h1", "h2", "h3"))
        self.assertEqual(told["changes"], [])

    def test_missing_host(self):
        self.create()
        found, told = self.fix(self.corosync("h1", "h2", "h3", "h4"))
        self.assertIn("h4: slot 3", told["changes"][0])
        self.assertEqual(found["slots"]["level"], "ok")

    def test_not_for_another_cluster(self):
        self.create()
        _, told = self.fix(self.corosync("h1", "h9", name="prod"))
        self.assertEqual(told["changes"], [])

    def test_profile(self):
        areas = self.create()
        option = self.corosync("h1", "h2", "h3")
        with Beating(areas[2], 1, "h2"):
            done = self.heartbeat("check", "--fix", "--profile", "standard",
                                  option, code=1)
            self.assertIn("while hosts beat (h2)", done.stderr)
        self.assertEqual(self.json("list")["areas"][0]["profile"], "fast")
        self.fix("--profile", "standard", option)
        told = self.json("list")["areas"]
        self.assertEqual([(a["profile"], a["beat_ms"], a["generation"])
                          for a in told], [("standard", 1000, 2)] * 3)

    def test_torn_superblock(self):
        areas = self.create()
        areas[1].change(0, 100, b"\xff", False)
        areas[2].change(2, 100, b"\xff", False)
        self.heartbeat("list")
        found, told = self.fix(self.corosync("h1", "h2", "h3"))
        self.assertEqual(len(told["changes"]), 3)
        self.assertNotIn("superblock", found)
        self.assertNotIn("slot table", found)
        self.heartbeat("dump", areas[1].path)
        self.heartbeat("dump", areas[2].path)

    def test_lost_area_stops_it(self):
        areas = self.create()
        os.unlink(areas[1].path)
        done = self.heartbeat("check", "--fix", self.corosync("h1", "h4"),
                              code=1)
        self.assertIn("not changed", done.stderr)


class Running(Base):
    """The daemon against vmha.conf."""

    def running(self, stores=("hb1", "hb2", "hb3"), watchdog="/dev/watchdog",
                limit=2, beat_ms=500):
        """Levels and values of what was found."""
        path = self.path("s")
        status = {**STATUS, "self": SELF, "hosts": [],
                  "stores": [{"path": self.path(s), "working": True}
                             for s in stores],
                  "watchdog": {"path": watchdog},
                  "brake": {"limit": limit},
                  "timing": {"beat_ms": beat_ms, "watchdog_ms": 2000,
                             "tolerance_ms": 500}}
        with Daemon(path, {"status": status}):
            told = self.json("check", "--socket", path,
                             self.corosync("h1", "h2", "h3"), code=1)
        os.unlink(path)
        return [(f["level"], f["value"]) for f in told["findings"]
                if f["what"] == "running daemon"]

    def test_running(self):
        self.create()
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write("fence_limit=2\nwatchdog=/dev/watchdog\n")
        self.assertEqual([level for level, _ in self.running()], ["ok"])
        for change, level, needle in (
                ({"stores": ("hb1", "hb2", "other")}, "bad", "other"),
                ({"stores": ("hb1", "hb2")}, "bad", "2 of the 3"),
                ({"watchdog": "/dev/watchdog1"}, "bad", "/dev/watchdog1"),
                ({"limit": 5}, "warn", "fence_limit=5"),
                ({"beat_ms": 1000}, "bad", "1000/2000/500")):
            found = self.running(**change)
            self.assertEqual([f[0] for f in found], [level], found)
            self.assertIn(needle, found[0][1])


class Pacemaker(Base):
    """Its properties, by both names."""

    def properties(self, device=DEVICE, **values):
        """Findings with these properties set."""
        rows = "".join(
            f'        <nvpair id="i{i}" name="{k.replace("_", "-")}" '
            f'value="{v}"/>\n' for i, (k, v) in enumerate(values.items()))
        path = self.path("cib.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(CIB % (rows, device))
        found, _ = self.check(self.corosync("h1", "h2", "h3"),
                              env={"CIB_file": path})
        return found

    def test_defaults(self):
        self.create()
        found = self.properties()
        self.assertEqual(
            self.levels(found, "stonith-enabled", "stonith-timeout",
                        "stonith-watchdog-timeout", "concurrent-fencing",
                        "fence device", "no-quorum-policy"),
            ["ok"] * 5 + ["warn"])

    def test_contradictions(self):
        self.create()
        for name, value, level in (("stonith-enabled", "false", "bad"),
                                   ("stonith-timeout", "14s", "bad"),
                                   ("stonith-timeout", "15s", "ok"),
                                   ("stonith-timeout", "soon", "bad"),
                                   ("stonith-max-attempts", "10", "warn"),
                                   ("stonith-max-attempts", "INFINITY", "ok"),
                                   ("stonith-watchdog-timeout", "10", "bad"),
                                   ("stonith-watchdog-timeout", "0", "ok"),
                                   ("concurrent-fencing", "false", "warn"),
                                   ("no-quorum-policy", "ignore", "bad"),
                                   ("no-quorum-policy", "freeze", "ok")):
            found = self.properties(**{name.replace("-", "_"): value})
            self.assertEqual(found[name]["level"], level, (name, value))
        self.assertEqual(self.properties("")["fence device"]["level"], "warn")

    def test_utilization_that_is_no_number(self):
        self.create()
        of = '<utilization id="%s"><nvpair id="n%s" name="%s" value="%s"/>' \
             '</utilization>'
        for name, value, level in (("memory_mb", "abc", "bad"),
                                   ("memory_mb", "1.5", "bad"),
                                   ("disks", "three", "bad"),
                                   ("disks", "3x", None),
                                   ("memory_mb", "3", None)):
            found = self.properties(
                DEVICE + '<primitive id="d" class="ocf" provider="pacemaker" '
                'type="Dummy">' + of % ("u", "u", name, value)
                + "</primitive>")
            self.assertEqual(self.levels(found, "utilization"), [level])
            if level:
                self.assertIn(f"d: {name}=", found["utilization"]["value"])
                self.assertIn(f"crm resource utilization d set {name} ",
                              found["utilization"]["todo"])

    def test_parameters_that_do_nothing(self):
        self.create()
        row = '<nvpair id="p%s" name="%s" value="%s"/>'
        manager = '<clone id="c"><instance_attributes id="ci">%s' \
            '</instance_attributes><primitive id="m" class="ocf" ' \
            'provider="vmha" type="FaultDomain"><instance_attributes ' \
            'id="mi">%s</instance_attributes></primitive></clone>'
        for clone, own, levels in (
                (("host_failurs", "2"), ("slot_cpu_mhz", "5"),
                 ["bad", None]),
                (("host_failures", "2"), ("host_failures", "1"),
                 [None, "warn"]),
                (("host_failures", "1"), ("host_failures", "1"),
                 [None, None]),
                (("host_failures", "2"), ("slot_cpu_mhz", "5"),
                 [None, None])):
            found = self.properties(DEVICE + manager % (
                row % ("1", *clone), row % ("2", *own)))
            self.assertEqual(self.levels(found, "fault domain manager",
                                         "parameter"), levels, clone)

    def test_new_names(self):
        self.create()
        found = self.properties(fencing_enabled="false", fencing_timeout="5",
                                fencing_watchdog_timeout="10")
        self.assertEqual(
            self.levels(found, "stonith-enabled", "stonith-timeout",
                        "stonith-watchdog-timeout"), ["bad"] * 3)

    def test_fencing_levels(self):
        self.create()
        other = '<primitive id="i" class="stonith" type="fence_ipmilan"/>'
        self.assertEqual(self.properties()["fencing levels"]["level"], "warn")
        found = self.properties(DEVICE + other)["fencing levels"]
        self.assertIn("1 other devices, no levels", found["value"])
        self.assertNotIn("fencing levels", self.properties(""))


class Hosts(Base):
    """Corosync's hosts and links."""

    def with_links(self, links, *names):
        """Findings with so many addresses of each host."""
        option = self.corosync(*names)
        path = option.split("=", 1)[1]
        with open(path, encoding="utf-8") as f:
            text = f.read()
        rows = "".join(f"    ring{i}_addr: 192.0.{i}.9\n"
                       for i in range(links))
        lines = [line for line in text.splitlines(True)
                 if "ring0_addr" not in line]
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(rows + line if "nodeid" in line else line
                            for line in lines))
        return self.check(option)[0]

    def test_links(self):
        self.create()
        one = self.with_links(1, "h1", "h2", "h3")["corosync links"]
        self.assertEqual((one["level"], one["value"]),
                         ("warn", "one for h1, h2, h3"))
        two = self.with_links(2, "h1", "h2", "h3")["corosync links"]
        self.assertEqual((two["level"], two["value"]), ("ok", "2"))

    def test_hosts(self):
        self.create()
        self.assertEqual(self.with_links(2, "h1")["hosts"]["level"], "bad")
        self.assertEqual(self.with_links(2, "h1", "h2")["hosts"]["level"],
                         "ok")


XML = """\
<domain type='kvm'>
  <name>web1</name>
  <features>%(features)s</features>
  %(cpu)s
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'%(cache)s/>
      <source file='%(disk)s'/>
    </disk>
    <disk type='file' device='cdrom'/>
    <disk type='network'><source protocol='rbd' name='p/v'/></disk>
    %(more)s
  </devices>
</domain>
"""
AGENT = "<channel type='unix'><target type='virtio' " \
        "name='org.qemu.guest_agent.0'/></channel>"
BRIDGE = "<interface type='bridge'><source bridge='%s'/></interface>"
DIRECT = "<interface type='direct'><source dev='%s'/></interface>"
NETWORK = "<interface type='network'><source network='%s'/></interface>"


class Domains(Base):
    """What the VMs' XML needs of this host, on this host's real files."""

    def setUp(self):
        super().setUp()
        self.create()
        self.disk = self.path("web1.img")
        with open(self.disk, "wb"):
            pass

    def find(self, params="", migrate="true", config=None, limits="", **xml):
        """(level, limit, value) of the findings about VMs."""
        path = self.path("web1.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(XML % {"features": "<acpi/>", "cpu": "",
                           "cache": " cache='none'", "disk": self.disk,
                           "more": "", **xml})
        vm = ('<primitive id="web1" class="ocf" provider="vmha" '
              'type="VirtualMachine"><instance_attributes id="a">'
              f'<nvpair id="a-c" name="config" value="{config or path}"/>'
              f'{params}</instance_attributes><meta_attributes id="m">'
              f'<nvpair id="m-m" name="allow-migrate" value="{migrate}"/>'
              '</meta_attributes></primitive>')
        with open(self.path("cib.xml"), "w", encoding="utf-8") as f:
            f.write((CIB % ("", DEVICE + vm)).replace(
                "<constraints/>", f"<constraints>{limits}</constraints>"))
        _, told = self.check(self.corosync("h1", "h2", "h3"),
                             env={"CIB_file": self.path("cib.xml")})
        return {f["what"]: f for f in told["findings"]
                if f["what"] in ("datastore path", "network", "guest agent",
                                 "live migration", "VM config", "VMs here",
                                 "ready condition")}

    def mode(self, mode):
        """Parameter shutdown_mode."""
        return f'<nvpair id="s" name="shutdown_mode" value="{mode}"/>'

    def one(self, found, what, level, *words):
        """That finding, and what it must say."""
        self.assertEqual(found[what]["level"], level, found)
        for word in ("web1", *words):
            self.assertIn(word, found[what]["value"])
        self.assertTrue(found[what]["todo"] and found[what]["limit"])

    def test_all_there(self):
        """A block device and an interface that each host has."""
        found = self.find(disk="/dev/null", more=DIRECT % "lo" + AGENT,
                          migrate="false").copy()
        found.pop("datastore path", None)  # /dev may be a tmpfs
        if found:
            self.assertEqual(list(found), ["VMs here"], found)
            self.assertIn("1 VMs, on " + os.uname().nodename,
                          found["VMs here"]["value"])

    def test_disk(self):
        missing = self.path("gone.img")
        self.one(self.find(disk=missing), "datastore path", "bad", missing,
                 "No such file")
        if subprocess.run(["stat", "-f", "-c", "%T", self.disk], text=True,
                          capture_output=True, check=True).stdout.strip() in (
                              "ext2/ext3", "xfs", "btrfs", "tmpfs",
                              "overlayfs"):
            self.one(self.find(), "datastore path", "warn", self.disk)

    def test_network(self):
        for row, word in ((BRIDGE % "vmha-none0", "bridge vmha-none0"),
                          (DIRECT % "vmha-none0", "interface vmha-none0"),
                          (NETWORK % "vmha-none",
                           "network vmha-none is not defined"),
                          (NETWORK % "../../../../etc/passwd", "passwd")):
            self.one(self.find(more=row), "network", "bad", word)
        self.assertNotIn("network", self.find(more=BRIDGE % "lo"))

    def here(self, env, code=1):
        """What it says of this host alone."""
        done = self.run_vmha("host", "check", "--json", env=env)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_this_host_alone(self):
        """vmha host check: the same findings and no others."""
        self.find(more=BRIDGE % "vmha-none0", disk="/dev/null")
        env = {"CIB_file": self.path("cib.xml")}
        told = self.here(env)
        self.assertEqual([f["what"] for f in told["findings"]
                          if f["level"] == "bad"], ["network"])
        self.find(disk="/dev/null", more=AGENT)
        told = self.here(env, code=0)
        self.assertEqual(told["bad"], 0)

    def test_elsewhere(self):
        """What other hosts tell; one that is away is not asked for."""
        own = os.uname().nodename
        states = ""
        nodes = ""
        for i, (name, online, value) in enumerate((
                (own, True, "9/9 not asked for"), ("h2", True, "0/3"),
                ("h3", True, "1/3 web1: bridge br1 is missing"),
                ("h4", True, None), ("h5", False, "1/3 of old"),
                ("h6", True, "3 of 4")), 1):
            nodes += f'<node id="{i}" uname="{name}"/>'
            pair = "" if value is None else (
                f'<nvpair id="l{i}-v" name="vmha-lacks" value="{value}"/>')
            states += (
                f'<node_state id="{i}" uname="{name}" '
                f'in_ccm="{str(online).lower()}" '
                f'crmd="{"online" if online else "offline"}">'
                f'<transient_attributes id="{i}"><instance_attributes '
                f'id="l{i}">{pair}</instance_attributes>'
                '</transient_attributes></node_state>')
        with open(self.path("cib.xml"), "w", encoding="utf-8") as f:
            f.write((CIB % ("", DEVICE)).replace(
                "<nodes/>", f"<nodes>{nodes}</nodes>").replace(
                    "<status/>", f"<status>{states}</status>"))
        _, told = self.check(self.corosync("h1", "h2", "h3"),
                             env={"CIB_file": self.path("cib.xml")})
        found = {f["value"].split(":")[0]: f for f in told["findings"]
                 if f["what"] == "VMs elsewhere"}
        self.assertEqual({host: f["level"] for host, f in found.items()},
                         {"h2": "ok", "h3": "bad", "h4": "warn",
                          "h6": "warn"})
        self.assertIn("1 of 3 VMs lack something: web1: bridge br1",
                      found["h3"]["value"])

    def test_stop(self):
        self.one(self.find(self.mode("agent")), "guest agent", "bad",
                 "shutdown_mode=agent")
        self.one(self.find(features=""), "guest agent", "warn", "agent-acpi")
        self.one(self.find(self.mode("acpi"), features="", more=AGENT),
                 "guest agent", "warn", "shutdown_mode=acpi")
        for params, xml in ((self.mode("agent"), {"more": AGENT}),
                            ("", {"features": "", "more": AGENT}),
                            (self.mode("off"), {"features": ""}), ("", {})):
            self.assertNotIn("guest agent", self.find(params, **xml))

    def test_ready_condition(self):
        guest, app = (f'<nvpair id="r" name="ready_condition" value="{w}"/>'
                      for w in ("guest-heartbeat", "application-heartbeat"))
        self.one(self.find(guest), "ready condition", "bad",
                 "guest-heartbeat, and no channel")
        self.one(self.find(app, more=AGENT), "ready condition", "bad",
                 "application-heartbeat, and no channel")
        for params, more in ((guest, AGENT), (app, AGENT.replace(
                "qemu.guest_agent", "vmha.heartbeat")), ("", "")):
            self.assertNotIn("ready condition", self.find(params, more=more))

    def test_migration(self):
        self.one(self.find(cpu="<cpu mode='host-passthrough'/>"),
                 "live migration", "warn", "host-passthrough")
        self.one(self.find(cache=""), "live migration", "warn",
                 "cache=default")
        self.one(self.find(cache=" cache='writeback'"), "live migration",
                 "warn", "writeback")
        self.one(self.find(more="<hostdev mode='subsystem' type='pci'/>"),
                 "live migration", "warn", "hostdev")
        unsafe = '<nvpair id="u" name="migration_unsafe" value="yes"/>'
        for params, xml in (("", {"migrate": "false", "cache": ""}),
                            (unsafe, {"cache": ""}),
                            ("", {"cache": " cache='directsync'"})):
            self.assertNotIn("live migration", self.find(params, **xml))

    def test_config(self):
        self.one(self.find(config=self.path("none.xml")), "VM config", "bad",
                 "No such file")
        with open(self.path("bad.xml"), "w", encoding="utf-8") as f:
            f.write("<domain><name>")
        self.one(self.find(config=self.path("bad.xml")), "VM config", "bad")

    def test_hangs(self):
        """A FIFO where nobody writes is no config; the check goes on."""
        os.mkfifo(self.path("pipe"))
        self.assertIn("VM config", self.find(config=self.path("pipe")))

    def test_not_for_this_host(self):
        """What may never run here need not be here."""
        ban = ('<rsc_location id="l" rsc="web1" '
               f'node="{os.uname().nodename}" score="-INFINITY"/>')
        self.assertEqual(self.find(disk="/none", limits=ban), {})


if __name__ == "__main__":
    unittest.main()
