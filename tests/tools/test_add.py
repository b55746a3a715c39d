# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha vm add FILE.xml and vm remove --resource, on a CIB file by the real
cibadmin, crm shell and scheduler; the crm scripts that are wizards for it."""

import json
import os
import subprocess
import time
import unittest
import xml.etree.ElementTree as tree

from cib import gate, ticket
from installed import InstalledCase
from simulated import machine, prefer

UUID = "3b1f8d2c-5a77-4e0b-9c11-0a4f6d7e8b9"
DOMAIN = """\
<domain type='{kind}'>
  <name>{name}</name>
  {uuid}
  <memory unit='{unit}'>{memory}</memory>
  <vcpu>{vcpus}</vcpu>
  <devices>{disks}{more}</devices>
</domain>
"""
DISK = ("<disk type='{0}' device='disk'><source {1}='{2}'/>"
        "<target dev='{3}'/>{4}</disk>")
QEMU = "/usr/bin/qemu-system-x86_64"
QEMU_IMG = "/usr/bin/qemu-img"
QEMU_S = 10


class AddCase(InstalledCase):
    """Domain XMLs in the test's folder, on the machine's own disk: most tests
    therefore say --force. Their disks are on the network."""

    def domain(self, name="web1", digit="0", disks=None, more="", kind="kvm",
               uuid=None, file=None, memory="2048", unit="MiB", vcpus="2"):
        """Writes one; its path."""
        if disks is None:
            disks = DISK.format("network", "protocol='rbd' name", "p/v",
                                "vda", "")
        path = self.path(file or f"{name}.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(DOMAIN.format(
                name=name, kind=kind, disks=disks, more=more, memory=memory,
                unit=unit, vcpus=vcpus,
                uuid=f"<uuid>{UUID}{digit}</uuid>" if uuid is None else uuid))
        return path

    def add(self, *words, code=0):
        """vmha vm add --force."""
        return self.vmha("vm", "add", "--force", *words, code=code)

    def refused(self, needle, *words, force=True):
        """It refuses with these words, and has changed nothing."""
        before = self.text()
        done = self.vmha("vm", "add", *(["--force"] * force), *words, code=1)
        self.assertIn(needle, done.stdout + done.stderr)
        self.assertIn("nothing was written", done.stderr)
        self.assertEqual(self.text(), before)
        return done.stdout

    def values(self, name, kind):
        """{name: value} of a set of the primitive."""
        at = self.read().find(f".//primitive[@id='{name}']/{kind}")
        return {n.get("name"): n.get("value") for n in at.iter("nvpair")}


class Add(AddCase):
    """A resource comes."""

    def test_whole(self):
        self.cib()
        epoch = int(self.read().get("epoch"))
        text = self.add(self.domain(), "--priority", "high", "--param",
                        "migration_transport=tcp").stdout
        self.assertIn("web1: added, 2048 MiB, 2 vCPUs (64 MHz), live "
                      "migration", text)
        self.assertIn("vmha vm start web1", text)
        # One update: the epoch has grown by one.
        self.assertEqual(int(self.read().get("epoch")), epoch + 1)
        self.assertEqual(self.values("web1", "instance_attributes"),
                         {"config": self.path("web1.xml"),
                          "uuid": f"{UUID}0", "restart_priority": "high",
                          "migration_transport": "tcp"})
        self.assertEqual(self.values("web1", "meta_attributes"),
                         {"allow-migrate": "true", "target-role": "Stopped"})
        self.assertEqual(self.values("web1", "utilization"),
                         {"cpu_mhz": "64", "memory_mb": "2048"})
        gates, tickets = self.gates()
        self.assertEqual(gates, {"web1": "freeze"})
        self.assertEqual(tickets["vmha-web1"]["granted"], "true")
        self.crm("configure", "verify")

    def test_operations_are_the_agents(self):
        """Time-outs and intervals as its meta-data advises."""
        self.cib()
        self.add(self.domain())
        agent = self.path("agents/vmha/VirtualMachine")
        advised = {a.get("name"): (a.get("timeout"), a.get("interval", "0s"))
                   for a in tree.fromstring(
                       self.installed(agent, "meta-data").stdout)
                   .iter("action")}
        ops = {o.get("name"): (o.get("timeout"), o.get("interval"))
               for o in self.read().iter("op")}
        self.assertEqual(set(ops), {"start", "stop", "monitor", "migrate_to",
                                    "migrate_from"})
        for name, found in ops.items():
            self.assertEqual(found, advised[name], name)

    def test_dry_run_is_the_same(self):
        """What it prints, run by a shell, gives the same configuration."""
        self.cib()
        self.domain("my.web-2", "1", more="<hostdev/>")
        words = [self.domain(), self.path("my.web-2.xml"), "--depends", "db1",
                 "--param", "ready_delay=20s"]
        self.cib(machine("db1"))
        script = self.add("--dry-run", *words).stdout
        before = self.text()
        self.assertEqual(self.gates(), ({}, {}))
        self.installed("sh", "-e", stdin=script)
        by_crm, tickets_by_crm = self.picture()
        self.put(before)
        self.add(*words)
        by_vmha, tickets = self.picture()
        self.assertEqual(by_crm, by_vmha)
        self.assertEqual(tickets_by_crm, tickets)
        self.assertEqual(tickets, {"vmha-web1": "true",
                                   "vmha-my.web-2": "true"})

    def picture(self):
        """The configuration, whatever the order of attributes and elements."""
        def plain(at):
            return (at.tag, sorted(at.attrib.items()),
                    sorted(plain(child) for child in at))
        return (plain(self.read().find("configuration")),
                {k: v["granted"] for k, v in self.gates()[1].items()})

    def test_start(self):
        """It waits until the scheduler's cluster runs it."""
        self.cib()
        self.live()
        done = self.add(self.domain(), "--start", "--json")
        told = json.loads(done.stdout)
        self.assertTrue(told["written"])
        self.assertIn(told["vms"][0]["host"], ("h1", "h2", "h3"))
        self.assertEqual(self.values("web1", "meta_attributes"),
                         {"allow-migrate": "true"})

    def test_start_in_vain(self):
        """It is there, and the sentence says what it waits for."""
        self.cib(states_xml="")
        done = self.vmha("vm", "add", "--force", "--start", "--wait", "1",
                         self.domain(), code=4)
        self.assertIn("added, but web1 is not proven running", done.stderr)
        self.assertEqual(list(self.gates()[0]), ["web1"])

    def test_ticket_of_before(self):
        """One that stands is the master's word."""
        self.cib(tickets=ticket("web1", "false", term=7))
        text = self.add(self.domain()).stdout
        self.assertIn("ticket stood already", text)
        self.assertEqual(self.gates()[1]["vmha-web1"]["granted"], "false")
        self.assertEqual(self.gates()[1]["vmha-web1"]["vmha-term"], "7")

    def test_names(self):
        """Resource and domain may have different names."""
        self.cib()
        path = self.domain("web server", uuid="")
        self.refused("no name for a resource", path)
        self.refused("<uuid>", path, "--name", "web1")
        self.add(path, "--name", "web1", "--param", f"uuid={UUID}7")
        self.assertEqual(self.values("web1", "instance_attributes")["uuid"],
                         f"{UUID}7")

    def test_several(self):
        """All or none."""
        self.cib()
        good, other = self.domain(), self.domain("db1", "1")
        bad = self.domain("db2", "2", memory="0")
        text = self.refused("<memory>", good, other, bad)
        self.assertIn("web1: not added", text)
        self.add(good, other, "--priority", "low")
        self.assertEqual(set(self.gates()[0]), {"web1", "db1"})

    def test_migration(self):
        """What can't move says so."""
        disk = self.path("web1.img")
        for more, needle in (("<hostdev/>", "device of the host"),
                             ("<filesystem/>", "folder of the host")):
            self.cib()
            text = self.add(self.domain(more=more)).stdout
            self.assertIn(needle, text)
            self.assertIn("no live migration", text)
            self.assertEqual(self.values("web1", "meta_attributes")
                             ["allow-migrate"], "false")
        with open(disk, "w", encoding="utf-8"):
            pass
        for more, needle, word in (
                ("<transient/>", "is transient", "false"),
                ("", "is this host's", "false"), ("<readonly/>", "", "true")):
            self.cib()
            text = self.add(self.domain(disks=DISK.format(
                "file", "file", disk, "vda", more))).stdout
            self.assertIn(needle, text)
            self.assertEqual(self.values("web1", "meta_attributes")
                             ["allow-migrate"], word)

    def test_what_is_told(self):
        self.cib(placement_strategy="balanced")
        pool = ("<disk type='volume'><source pool='p' volume='v'/>"
                "<target dev='vda'/></disk>")
        text = self.add(self.domain(memory="9", unit="TiB", vcpus="4096",
                                    disks=pool)).stdout
        for needle in ("placement-strategy=balanced", "p/v", "4096 vCPUs",
                       "9437184 MiB, is more than this host"):
            self.assertIn(needle, text)

    def test_relative_path(self):
        self.cib()
        self.domain()
        done = subprocess.run(
            [os.environ["VMHA"], "vm", "add", "--force", "web1.xml"],
            cwd=self.folder, env=self.env(), check=False, timeout=QEMU_S,
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.values("web1", "instance_attributes")["config"],
                         os.path.realpath(self.path("web1.xml")))


class Refused(AddCase):
    """Each of these keeps it out, and nothing is changed."""

    def test_file(self):
        self.cib()
        self.refused("No such file", self.path("nope.xml"))
        self.refused("not a libvirt domain", self.written("<x/>"))
        self.refused("line 1", self.written("<domain"))
        self.refused('type "xen"', self.domain(kind="xen"))
        self.refused("root file system", self.domain(), force=False)

    def written(self, text):
        """A file of that text."""
        path = self.path("bad.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_disks(self):
        self.cib()
        image = self.path("web1.img")
        with open(image, "w", encoding="utf-8"):
            pass
        for disk, needle in (
                (("file", "file", self.path("nope.img"), "vdb", ""),
                 "disk vdb: "),
                (("block", "dev", "/dev/nope", "vda", ""), "No such file"),
                (("block", "dev", image, "vda", ""), "no block device")):
            self.refused(needle, self.domain(disks=DISK.format(*disk)))

    def test_backing_files(self):
        """The whole chain; relative names are seen from the image."""
        if not os.path.exists(QEMU_IMG):
            self.skipTest("needs " + QEMU_IMG)
        os.mkdir(self.path("sub"))
        for name, options in (
                ("base", ("8k",)),
                ("sub/mid", ("-b", "../base", "-F", "qcow2")),
                ("top", ("-b", self.path("sub/mid"), "-F", "qcow2"))):
            size = [o for o in options if o == "8k"]
            subprocess.run(
                [QEMU_IMG, "create", "-q", "-f", "qcow2",
                 *(o for o in options if o != "8k"), self.path(name), *size],
                check=True, timeout=QEMU_S, stdin=subprocess.DEVNULL)
        path = self.domain(disks=DISK.format("file", "file", self.path("top"),
                                             "vda", ""))
        self.cib()
        self.add(path)
        os.unlink(self.path("base"))
        self.cib()
        self.refused("sub/../base, which can't be found", path)

    def test_others(self):
        """The same file, UUID, domain or resource."""
        path = self.domain()
        os.link(path, self.path("copy.xml"))
        self.domain("other", "0", file="uuid.xml")
        self.domain("web1", "5", file="name.xml")
        old = (f'<instance_attributes id="p"><nvpair id="p1" name="config" '
               f'value="{path}"/></instance_attributes>')
        for resources, file, words, needle in (
                (machine("vm1", inner=old), path, (), "vmha vm show vm1"),
                (machine("vm1", inner=old), self.path("copy.xml"), (),
                 "has config"),
                (machine("vm1", inner=old), self.path("uuid.xml"), (),
                 "has UUID"),
                (machine("vm1", inner=old), self.path("name.xml"), (),
                 "has the domain name web1"),
                (machine("vm1", "heartbeat", "VirtualDomain", old), path, (),
                 "vmha vm import vm1"),
                (machine("web1"), path, (), "primitive called web1"),
                ("", path, ("--name", "h1-x:y"), "no name"),
                ("", path, ("--name", "p0"), "nvpair called p0")):
            self.cib(resources)
            self.refused(needle, file, *words)
        self.cib()
        self.refused("the same name or UUID", path, self.path("uuid.xml"))

    def test_params(self):
        self.cib(machine("db1") + machine(
            "db2", inner='<instance_attributes id="q"><nvpair id="q1" '
            'name="restart_priority" value="low"/></instance_attributes>'))
        path = self.domain()
        for words, needle in (
                (("--param", "migration_trnsport=tcp"),
                 "did you mean migration_transport?"),
                (("--param", "migration_transport"), "NAME=VALUE"),
                (("--param", "migration_transport=smoke"), "smoke"),
                (("--param", "config=/x"), "given already"),
                (("--param", 'migration_user=a"b'), "quote"),
                (("--param", f"name={'x' * 9}"), "names the domain web1"),
                (("--priority", "urgent"), "urgent"),
                (("--ready", "soon"), "soon"),
                (("--depends", "web1"), "itself"),
                (("--depends", "nope"), "no VM nope"),
                (("--depends", "db1,db2"), "db2 has a lower")):
            self.refused(needle, path, *words)
        self.add(path, "--depends", "db1,db2", "--priority", "low")

    def test_ready(self):
        """A heartbeat as ready condition, without and with its channel."""
        self.cib()
        told = self.add("--dry-run", self.domain(), "--ready",
                        "guest-heartbeat").stdout
        self.assertIn("no channel org.qemu.guest_agent.0", " ".join(
            told.replace("#", "").split()))
        told = self.add("--dry-run", self.domain(more=(
            "<channel type='unix'><target type='virtio' "
            "name='org.qemu.guest_agent.0'/></channel>")), "--ready",
            "guest-heartbeat").stdout
        self.assertIn('ready_condition="guest-heartbeat"', told)
        self.assertNotIn("channel", told)

    def test_runs_here(self):
        """A QEMU of its UUID, outside the cluster."""
        if not os.path.exists(QEMU) or os.geteuid() != 0:
            self.skipTest("needs root and " + QEMU)
        self.cib()
        with subprocess.Popen(
                [QEMU, "-S", "-machine", "none", "-display", "none",
                 "-monitor", "none", "-serial", "none", "-uuid", f"{UUID}0",
                 "-name", "guest=web1"], stdin=subprocess.DEVNULL) as qemu:
            try:
                time.sleep(1)
                self.refused(f"(process {qemu.pid})", self.domain())
            finally:
                qemu.kill()
        self.add(self.domain())

    def test_no_quorum(self):
        self.cib(quorum=0)
        done = self.add(self.domain(), code=1)
        self.assertIn("no quorum", done.stderr)

    def test_usage(self):
        self.cib(machine("web2"))
        path = self.domain()
        for words in ((path, "web2"), ("--all", path),
                      (path, path, "--name", "x"), ("web2", "--name", "x"),
                      ("web2", "--start"), ("web2", "--param", "a=b")):
            self.vmha("vm", "add", *words, code=64)


class Remove(AddCase):
    """The whole resource goes."""

    def test_stopped(self):
        self.cib(machine("web1", target_role="Stopped") + machine("db1"),
                 gate("web1") + gate("db1") + prefer("web1", "h2"),
                 ticket("web1") + ticket("db1"))
        self.act()
        self.vmha("vm", "remove", "--resource", "web1", "--dry-run")
        self.assertEqual(len(self.gates()[0]), 2)
        self.vmha("vm", "remove", "--resource", "web1")
        left = self.read().find("configuration")
        self.assertNotIn("web1", tree.tostring(left, encoding="unicode"))
        self.assertEqual(list(self.gates()[1]), ["vmha-db1"])

    def test_refused(self):
        apart = ('<rsc_colocation id="apart" rsc="db1" with-rsc="web1" '
                 'score="-100"/>')
        stopped = machine("web1", target_role="Stopped")
        for resources, constraints, needle in (
                (machine("web1"), "", "vmha vm stop web1"),
                (stopped + machine("db1"), apart, "rsc_colocation apart"),
                (f'<group id="g">{stopped}</group>', "", "group g"),
                (machine("web1", "heartbeat", "Dummy",
                         target_role="Stopped"), "", "crm configure delete")):
            self.cib(resources, constraints)
            self.act()
            before = self.text()
            done = self.vmha("vm", "remove", "--resource", "web1", code=1)
            self.assertIn(needle, done.stdout)
            self.assertEqual(self.text(), before)

    def test_was_never_stopped(self):
        """Told to stop, and still there: what is deleted can't be stopped."""
        self.cib(machine("web1"))
        self.act()
        self.put(self.text().replace(
            'name="allow-migrate" value="true"',
            'name="target-role" value="Stopped"'))
        done = self.vmha("vm", "remove", "--resource", "web1", code=1)
        self.assertIn("not proven stopped", done.stdout)


class Script(AddCase):
    """vmha-add-vm, by crm shell."""

    def run_script(self, *words, code=0):
        """crm script run."""
        return self.crm("script", "run", "vmha-add-vm", *words, code=code)

    def test_adds(self):
        self.cib(machine("db1"))
        self.crm("script", "show", "vmha-add-vm")
        self.crm("script", "verify", "vmha-add-vm", "config=/x.xml")
        self.run_script(f"config={self.domain()}", "id=shop", "priority=high",
                        "depends=db1", "force=yes", code=1)
        self.run_script(f"config={self.domain()}", "id=shop", "priority=low",
                        "depends=db1", "force=yes")
        found = self.values("shop", "instance_attributes")
        self.assertEqual((found["restart_priority"],
                          found["restart_depends"]), ("low", "db1"))
        self.assertEqual(self.gates()[0], {"shop": "freeze"})
        self.crm("configure", "verify")

    def test_says_why_not(self):
        self.cib()
        done = self.run_script(f"config={self.path('nope.xml')}", code=1)
        self.assertIn("No such file", done.stdout + done.stderr)
        self.assertEqual(self.gates()[0], {})


if __name__ == "__main__":
    unittest.main()
