# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha admission inventory on CIB files: the real cibadmin's, files by name,
domain XMLs that are there, are not, or are none."""

import json
import os
import unittest

from cib import CibCase, meta_of, ticket
from simulated import prefer, states

DOMAIN = """<domain type='qemu'><name>%(name)s</name>
<memory unit='MiB'>2048</memory><vcpu>4</vcpu><iothreads>1</iothreads>%(more)s
<devices><video><model type='vga' vram='16384'/></video></devices></domain>
"""
LOCKED = "<memoryBacking><locked/></memoryBacking>"
MINIMUM = ("<memtune><min_guarantee unit='MiB'>700</min_guarantee></memtune>")


def vm(name, config=None, inner="", **utilization):
    """A VM's primitive."""
    pairs = "".join(f'<nvpair id="{name}-u-{k}" name="{k}" value="{v}"/>'
                    for k, v in utilization.items())
    if utilization:
        inner += f'<utilization id="{name}-u">{pairs}</utilization>'
    if config:
        inner += (f'<instance_attributes id="{name}-i"><nvpair '
                  f'id="{name}-c" name="config" value="{config}"/>'
                  '</instance_attributes>')
    return (f'<primitive id="{name}" class="ocf" provider="vmha" '
            f'type="VirtualMachine">{inner}</primitive>')


class Inventory(CibCase):
    """What it shows."""

    def domain(self, name, more=""):
        """A domain XML; its path."""
        path = self.path(f"{name}.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(DOMAIN % {"name": name, "more": more})
        return path

    def hosts(self, **memory_mb):
        """Gives the hosts of the CIB file utilization."""
        with open(self.cib_path, encoding="utf-8") as f:
            text = f.read()
        for i, name in enumerate(("h1", "h2", "h3"), 1):
            if name in memory_mb:
                text = text.replace(
                    f'<node id="{i}" uname="{name}"/>',
                    f'<node id="{i}" uname="{name}"><utilization id="u{i}">'
                    f'<nvpair id="c{i}" name="cpu_mhz" value="9000"/>'
                    f'<nvpair id="m{i}" name="memory_mb" '
                    f'value="{memory_mb[name]}"/></utilization>'
                    f'<instance_attributes id="a{i}"><nvpair id="k{i}" '
                    'name="vmha-capacity" value="cpu_mhz=9000 '
                    'memory_mb=4096"/></instance_attributes></node>')
        with open(self.cib_path, "w", encoding="utf-8") as f:
            f.write(text)

    def inventory(self, *words, code=0):
        """Its JSON, and what it warns of."""
        done = self.vmha("admission", "inventory", "--output", "json", *words,
                         code=code)
        return json.loads(done.stdout), done.stderr

    def rows(self, kind, *words):
        """By name."""
        return {r["name"]: r for r in self.inventory(*words)[0][kind]}

    def test_contract(self):
        """The very keys of the inventory file, and nothing else."""
        self.cib(vm("web1", self.domain("web1"), cpu_mhz=128, memory_mb=1024)
                 + vm("web2", inner=meta_of("web2", target_role="Stopped")),
                 '<rsc_colocation id="c" rsc="web1" with-rsc="web2" '
                 'score="-INFINITY"/>' + prefer("web1", "h3", "-INFINITY"),
                 states=states("h3"))
        self.hosts(h1=4096, h2=777, h3=1)
        found, warned = self.inventory()
        self.assertEqual(found, {
            "hosts": [
                {"name": "h1", "cpu_mhz": 9000, "memory_mb": 4096,
                 "state": "online", "failover_host": False},
                {"name": "h2", "cpu_mhz": 9000, "memory_mb": 777,
                 "state": "online", "failover_host": False},
                {"name": "h3", "cpu_mhz": 9000, "memory_mb": 1,
                 "state": "error", "failover_host": False}],
            "vms": [
                {"name": "web1", "cpu_mhz": 128, "memory_mb": 1024,
                 # 30 + 4 * 8 + 8 + 16 + 2048 / 512
                 "overhead_mb": 90, "host": None, "power": "off",
                 "priority": "medium", "hosts_allowed": ["h1", "h2"]},
                {"name": "web2", "cpu_mhz": 0, "memory_mb": 0,
                 "overhead_mb": 54, "host": None, "power": "off",
                 "priority": "medium"}],
            "rules": [{"type": "separate", "vms": ["web1", "web2"],
                       "mandatory": True}]})
        self.assertIn("web1 is to run, and runs nowhere yet", warned)
        self.assertIn("web2: it has no parameter config", warned)

    def test_demands(self):
        """Each source of a reservation, by its name in the table."""
        self.cib(vm("a", self.domain("a", MINIMUM))
                 + vm("b", self.domain("b", MINIMUM), memory_mb=512)
                 + vm("c", self.domain("c", LOCKED), memory_mb=512)
                 + vm("d", self.domain("d"), memory_mb=512),
                 tickets=ticket("d", "true", cpu=300, memory=600),
                 states=states())
        rows = self.rows("vms")
        self.assertEqual([rows[n]["memory_mb"] for n in "abcd"],
                         [700, 512, 2048, 600])
        self.assertEqual(rows["d"]["cpu_mhz"], 300)
        text = self.vmha("admission", "inventory").stdout
        for name, source in (("a", "min_guarantee"), ("b", "utilization"),
                             ("c", "pinned"), ("d", "ticket")):
            self.assertRegex(text, rf"\n{name} +on .* {source} ")

    def test_bad_domains(self):
        """Each is named, and the VM is counted all the same."""
        bad = self.path("bad.xml")
        with open(bad, "w", encoding="utf-8") as f:
            f.write("<html/>")
        os.mkfifo(self.path("hangs.xml"))
        self.cib(vm("a", bad, memory_mb=1024)
                 + vm("b", self.path("none.xml"), memory_mb=1024)
                 + vm("c", self.path("hangs.xml"), memory_mb=1024)
                 + vm("d", self.domain("d"), memory_mb=1024),
                 states=states())
        found, warned = self.inventory()
        self.assertEqual([v["overhead_mb"] for v in found["vms"]],
                         [56, 56, 56, 90])
        for needle in ("a: ", "is no domain XML", "b: ", "No such file",
                       "c: ", "timed out"):
            self.assertIn(needle, warned)
        self.assertNotIn("warning: d: ", warned)

    def test_capacity(self):
        """Nobody's is 0 and told; vmha's and a hand's look different."""
        self.cib(states=states())
        self.hosts(h1=4096, h2=777)
        done = self.vmha("admission", "inventory")
        self.assertRegex(done.stdout, "h1 +online +9000 +vmha +4096 +vmha")
        self.assertRegex(done.stdout, "h2 +online +9000 +vmha +777 +hand")
        self.assertRegex(done.stdout, "h3 +online +0 +nobody +0 +nobody")
        self.assertIn("crm node utilization h3 set memory_mb", done.stderr)

    def test_files(self):
        """--cib reads a file, - standard input, and no cluster."""
        self.cib(vm("a"), states=states())
        other = self.path("other.xml")
        os.rename(self.cib_path, other)
        self.assertEqual(list(self.rows("vms", "--cib", other)), ["a"])
        with open(other, encoding="utf-8") as f:
            done = self.run_vmha("admission", "inventory", "--json", "--cib",
                                 "-", stdin=f)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["vms"]), 1)
        for text in ("<domain/>", "no XML", ""):
            with open(other, "w", encoding="utf-8") as f:
                f.write(text)
            done = self.vmha("admission", "inventory", "--cib", other, code=1)
            self.assertIn("CIB", done.stderr)
            self.assertEqual(done.stdout, "")
        self.vmha("admission", "inventory", "--cib", self.path("no"), code=1)
        self.vmha("admission", "inventory", "--output", "yaml", code=64)


if __name__ == "__main__":
    unittest.main()
