# SPDX-License-Identifier: GPL-2.0-or-later
"""The bed's own test: what other tests rely on when they blame the product.

One bed of three hosts for most of it (TestHosts), small beds without a cluster
for what concerns beds as such (TestBeds). Needs root and the stock packages.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from . import proc
from .client import Bed, elapsed_printer
from .cluster import Cluster
from .net import BED_NUMBER, NETWORKS, address
from .proc import BedError, wait_for
from .timeline import Timeline

DUMMY = "primitive d ocf:pacemaker:Dummy op monitor interval=2s\n"
FAILOVER_DEADLINE_S = 20
REJOIN_DEADLINE_S = 30
LINK_DEADLINE_S = 10
SHORT_S = 5
RB_AUTOBOOT = 0x01234567  # reboot(2)
METADATA_RNG = "/usr/share/cluster/relaxng/metadata.rng"
GUEST = """<domain type='qemu'>
<name>guest</name>
<memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices>
</domain>
"""


class Watch:
    """What the kernel still shows of a bed; made while the bed is up."""

    def __init__(self, bed):
        self.state = bed.state()
        self.folder = bed.dir
        self.pins = proc.Pins(self.state)

    def left(self):
        left = self.pins.processes()
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            left += [line for line in f if self.folder in line]
        if proc.start_time(self.state["pid"]) == self.state["started"]:
            left.append("supervisor")
        return left


def spilled():
    """What a bed would leave on the machine itself: mounts that its setup
    names "bed", its bridges and cables. Only those: other programs mount."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        found = [line for line in f if line.split(" - ")[1].split()[1] == "bed"]
    _, links = proc.command("ip", "-o", "link", "show")
    names = [line.split(": ")[1].split("@")[0] for line in links.splitlines()]
    return found + [n for n in names if n.endswith(NETWORKS)]


class TestHosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="bed-test.")
        cls.bed = Bed("test", folder=f"{cls.dir}/three",
                      progress=elapsed_printer(sys.stderr))
        cls.bed.up()
        cls.cluster = Cluster(cls.bed)

    @classmethod
    def tearDownClass(cls):
        watch = Watch(cls.bed)
        cls.bed.down()
        try:
            assert not watch.left(), watch.left()
            watch.pins.close()
            assert not spilled(), spilled()
        finally:
            shutil.rmtree(cls.dir)

    def test_1_power_loss_moves_the_resource(self):
        self.cluster.configure("h1", DUMMY)
        victim = self.cluster.wait_started("d")
        line = Timeline(self.bed)
        line.mark(f"power off {victim}", is_zero=True)
        self.bed.poweroff(victim)
        self.cluster.wait_started("d", FAILOVER_DEADLINE_S, not_on=victim)
        self.assertIsNotNone(line.first(f"fencing result: off {victim} OK"))
        lost = line.first(f"membership: {victim} lost")
        begin = line.first("op begin: start d")
        self.assertLess(lost, begin)
        line.mark(f"power on {victim}")
        old = self.bed.state()["hosts"][victim]["pid"]
        self.bed.poweron(victim)
        self.cluster.wait_online(REJOIN_DEADLINE_S)
        line.mark("rejoined")
        self.assertNotEqual(old, self.bed.state()["hosts"][victim]["pid"])
        print(line.table("power loss"), file=sys.stderr)

    def test_2_cut_link(self):
        def links(text):
            done = self.bed.run("h1", "corosync-cfgtool", "-n")
            return done.stdout.count(text)
        wait_for(lambda: links("enabled connected") == 4, LINK_DEADLINE_S,
                 "all links up")
        self.bed.cut("h2", "link0")
        wait_for(lambda: links("enabled connected") == 3, LINK_DEADLINE_S,
                 "link0 to h2 down")
        self.assertEqual(self.bed.status()[1]["cut"], ["link0"])
        self.assertTrue(self.cluster.state("h1").all_online())
        self.bed.restore("h2", "link0")
        wait_for(lambda: links("enabled connected") == 4, LINK_DEADLINE_S,
                 "link0 to h2 up again")

    def test_2_deaf(self):
        """One way, and a partition: the gateway answers all the while."""
        def hears(host, number, network="link0"):
            return self.bed.run(host, "ping", "-c1", "-W1",
                                address(network, number),
                                check=False).returncode == 0
        self.bed.fence_device("fail")
        self.addCleanup(self.bed.fence_device, "ok")
        self.bed.deafen("h2", "h1")
        self.assertFalse(hears("h2", 1))
        self.assertTrue(hears("h2", 3))
        self.assertTrue(hears("h2", 1, "storage"))
        self.bed.split(["h1", "h3"], ["h2"])
        self.assertFalse(hears("h3", 2))
        self.assertTrue(hears("h3", 1))
        wait_for(lambda: not self.cluster.state("h2").quorate, LINK_DEADLINE_S,
                 "h2 without quorum")
        self.assertTrue(hears("h2", BED_NUMBER))
        self.bed.join()
        self.assertTrue(hears("h2", 1) and hears("h3", 2))
        self.cluster.wait_online()

    def test_3_daemon_freeze(self):
        virsh = ("virsh", "-q", "list")
        self.bed.run("h1", *virsh)
        self.bed.freeze("h1", "libvirtd")
        with self.assertRaises(BedError):
            self.bed.run("h1", *virsh, deadline_s=1)
        self.assertEqual(self.bed.status()[0]["daemons"]["libvirtd"], "frozen")
        self.bed.thaw("h1", "libvirtd")
        self.bed.run("h1", *virsh, deadline_s=SHORT_S)
        self.bed.kill("h1", "libvirtd")
        self.assertEqual(self.bed.status()[0]["daemons"]["libvirtd"], "-")
        self.bed.start("h1", "libvirtd")

    def test_4_migration(self):
        self.bed.run("h1", "virsh", "-q", "create", "/dev/stdin", stdin=GUEST)
        self.bed.run("h1", "virsh", "-q", "migrate", "--live", "guest",
                     "qemu+tcp://h2/system")
        done = self.bed.run("h2", "virsh", "-q", "domstate", "guest")
        self.assertEqual(done.stdout.strip(), "running")
        self.bed.run("h2", "virsh", "-q", "destroy", "guest")

    def test_5_shares(self):
        self.bed.run("h1", "touch", "/srv/config/x", "/srv/ds1/y")
        self.assertTrue(os.path.exists(f"{self.bed.shared('config')}/x"))
        self.bed.unshare_config("h2")
        self.bed.run("h1", "test", "-e", "/srv/config/x")
        self.bed.run("h2", "test", "!", "-e", "/srv/config/x")
        self.bed.share_config("h2")
        self.bed.run("h2", "test", "-e", "/srv/config/x")
        with self.assertRaises(BedError):
            self.bed.unshare("h2", "nothing")

    def test_6_fence_agent(self):
        done = self.bed.run("h1", "fence_bed", "-o", "metadata")
        proc.command("xmllint", "--noout", "--relaxng", METADATA_RNG, "-",
                     stdin=done.stdout)
        done = self.bed.run("h1", "fence_bed", stdin="action=list\n")
        self.assertEqual(done.stdout.split(), ["h1,", "h2,", "h3,"])
        self.bed.run("h1", "fence_bed", stdin="action=status\nplug=h3\n")
        self.bed.fence_device("fail")
        done = self.bed.run("h1", "fence_bed", "-o", "off", "-n", "h3",
                            check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.bed.status()[2]["state"], "on")
        self.bed.fence_device("ok")
        done = self.bed.run("h1", "fence_bed", "-o", "off", "-n", "nobody",
                            check=False)
        self.assertEqual(done.returncode, 1)

    def test_7_clean_shutdown_is_not_fenced(self):
        line = Timeline(self.bed)
        self.bed.shutdown("h3")
        state = self.cluster.wait(lambda s: s.nodes["h3"] != "online",
                                  SHORT_S, "h3 leaves", host="h1")
        self.assertEqual(state.nodes["h3"], "offline")
        self.assertIsNone(line.first("fencing"))
        done = self.bed.run("h1", "fence_bed", "-o", "status", "-n", "h3",
                            check=False)
        self.assertEqual(done.returncode, 2)
        done = self.bed.run("h1", "fence_bed", "-o", "on", "-n", "h3")
        self.assertEqual(self.bed.status()[2]["state"], "on")
        self.cluster.wait_online(REJOIN_DEADLINE_S)


class TestBeds(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="bed-test.")
        self.addCleanup(shutil.rmtree, self.dir)

    def bed(self, name, **kwargs):
        kwargs.setdefault("hosts", 1)
        return Bed(name, folder=f"{self.dir}/{name}", cluster=False, **kwargs)

    def assert_gone(self, watch):
        wait_for(lambda: not watch.left(), SHORT_S, "nothing left of the bed")
        watch.pins.close()
        self.assertEqual(spilled(), [])

    def test_two_beds_and_a_stage(self):
        stage = f"{self.dir}/stage"
        os.makedirs(f"{stage}/usr/bin")
        os.makedirs(f"{stage}/etc/product")
        with open(f"{stage}/usr/bin/product", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\necho ours\n")
        os.chmod(f"{stage}/usr/bin/product", 0o755)
        with self.bed("one", hosts=2) as one, \
                self.bed("two", stage=stage) as two:
            one.run("h1", "ping", "-c1", "-W1", "h2")
            done = two.run("h1", "ping", "-c1", "-W1", "10.77.0.2",
                           check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(two.run("h1", "product").stdout, "ours\n")
            two.run("h1", "test", "-d", "/etc/product")
            one.run("h1", "test", "!", "-e", "/usr/bin/product")
            two.run("h1", "logger", "-t", "bed", "a word")
            wait_for(lambda: "bed: a word" in self.text(
                two.log_path("h1")), SHORT_S, "the word in the log")
            watches = [Watch(b) for b in (one, two)]
            with self.assertRaisesRegex(BedError, "up already"):
                self.bed("one").up()
        for watch in watches:
            self.assert_gone(watch)

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def test_pause_leaves_frozen_what_was(self):
        with self.bed("pause") as bed:
            first = bed.popen("h1", "sleep", "1000")
            second = bed.popen("h1", "tail", "-f", "/dev/null")
            wait_for(lambda: self.states(bed) == "SS", SHORT_S, "both run")
            bed.freeze("h1", "sleep")
            bed.pause("h1")
            self.assertEqual(self.states(bed), "TT")
            self.assertEqual(bed.status()[0]["state"], "paused")
            bed.resume("h1")
            wait_for(lambda: self.states(bed) == "TS", SHORT_S, "resumed")
            bed.poweroff("h1")
            for child in (first, second):
                child.wait(SHORT_S)

    def test_who_is_off_has_no_namespace(self):
        """The next host to boot may have its number."""
        with self.bed("off", hosts=2) as bed:
            self.assertEqual(sorted(bed.pid_namespaces().values()),
                             ["h1", "h2"])
            for host in ("h1", "h2"):
                bed.poweroff(host)
            bed.poweron("h1")
            self.assertEqual(list(bed.pid_namespaces().values()), ["h1"])

    @staticmethod
    def states(bed):
        inode = bed.state()["hosts"]["h1"]["ns"]["pid"]
        found = {proc.argv0(p): proc.state(p)
                 for p in proc.in_namespace("pid", inode)}
        return found.get("sleep", "-") + found.get("tail", "-")

    def test_panic_ends_the_host_not_the_machine(self):
        """sysrq where the kernel has it, and reboot(2), which the kernel
        itself keeps inside the pid namespace."""
        ways = [["/usr/bin/python3", "-c",
                 f"import ctypes; ctypes.CDLL(None).reboot({RB_AUTOBOOT:#x})"]]
        with self.bed("panic") as bed:
            if os.path.exists("/proc/sysrq-trigger"):
                kind = bed.run("h1", "stat", "-c", "%F",
                               "/proc/sysrq-trigger")
                self.assertEqual(kind.stdout, "fifo\n")
                ways.append(["sh", "-c", "echo b >/proc/sysrq-trigger"])
            for way in ways:
                bed.run("h1", *way, check=False)
                wait_for(lambda: bed.status()[0]["state"] == "off", SHORT_S,
                         "the host is off")
                bed.poweron("h1")

    def test_killed_supervisor_leaves_nothing(self):
        bed = self.bed("killed", hosts=2)
        bed.up()
        bed.run("h1", "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &")
        bed.pause("h1")
        watch = Watch(bed)
        self.assertGreater(len(watch.left()), 3)
        bed.supervisor.send_signal(signal.SIGKILL)
        bed.supervisor.wait(SHORT_S)
        self.assert_gone(watch)
        self.assertFalse(bed.is_up())
        bed.down()
        with self.bed("killed"):
            pass

    def test_goes_with_its_owner(self):
        with subprocess.Popen(["sleep", "1000"]) as owner:
            try:
                bed = self.bed("owned", owner=owner.pid)
                bed.up()
                watch = Watch(bed)
            finally:
                owner.kill()
        bed.supervisor.wait(SHORT_S)
        self.assert_gone(watch)
        bed.down()


if __name__ == "__main__":
    unittest.main(verbosity=2)
