# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults of the test bed, seen from inside a host: storage, watchdog,
resets. What the product's tests rely on when they blame the product.

Beds without a cluster. Needs root and FUSE.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from in_time import InTimeCase
from bed import Bed, BedError, wait_for
from bed.client import elapsed_printer

INHOST = os.path.abspath(f"{os.path.dirname(__file__)}/inhost.py")
SHORT_S = 5
BLOCK = 4096
DELAY_MS = 400
EXPIRY_MARGIN_MS = 200
CROWD = 80  # more than a thread pool of 64
RB = {"restart": 0x01234567, "power off": 0x4321FEDC}  # reboot(2)
PYTHON = "/usr/bin/python3"


class InBed(InTimeCase):
    hosts = 1

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="faults-test.")
        cls.bed = Bed("faults", folder=f"{cls.dir}/bed", hosts=cls.hosts,
                      cluster=False, heartbeat=1, fault_ds1=True,
                      progress=elapsed_printer(sys.stderr))
        cls.bed.up()
        for h in cls.bed.hosts:
            cls.install(h)

    @classmethod
    def install(cls, host):
        with open(INHOST, encoding="utf-8") as f:
            cls.bed.write(host, "/etc/inhost.py", f.read())

    @classmethod
    def tearDownClass(cls):
        cls.bed.down()
        shutil.rmtree(cls.dir)

    def do(self, host, what, *args, **kwargs):
        """The words of the last line that the client says."""
        done = self.bed.run(host, PYTHON, "/etc/inhost.py", what,
                            *map(str, args), **kwargs)
        return done.stdout.split()

    @contextlib.contextmanager
    def running(self, host, *cmd):
        """A test that fails must not wait for what it has hung."""
        child = self.bed.popen(host, *cmd, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        try:
            yield child
        except BaseException:
            self.bed.heal()
            raise
        finally:
            child.kill()
            child.communicate(timeout=SHORT_S)

    def begin(self, host, what, *args):
        return self.running(host, PYTHON, "/etc/inhost.py", what,
                            *map(str, args))

    def end(self, *children):
        for child in children:
            child.communicate(timeout=SHORT_S)

    def waiting(self, host, store="hb1"):
        return sum(int(line.split("waiting=")[1].split()[0])
                   for line in self.bed.faults(host)
                   if line.split()[1] == store)

    def wait_waiting(self, host, count):
        wait_for(lambda: self.waiting(host) == count, SHORT_S,
                 f"{count} operations wait")

    def why(self, host="h1"):
        wait_for(lambda: self.state(host)["state"] == "off", SHORT_S,
                 f"{host} is off")
        return self.state(host)["why"]

    def state(self, host):
        return next(h for h in self.bed.status() if h["host"] == host)

    def backing(self, name, store="hb1"):
        with open(f"{self.bed.shared(store)}/{name}", "rb") as f:
            return f.read()


class TestStorage(InBed):
    hosts = 2

    def setUp(self):
        self.addCleanup(self.bed.heal)
        for host in ("h1", "h2"):
            self.assertEqual(self.do(host, "write", f"/srv/hb1/{host}",
                                     "o")[:2], ["wrote", str(BLOCK)])

    def test_passthrough(self):
        self.assertEqual(self.do("h1", "names", "/srv/hb1"), ["good"])
        self.assertEqual(self.do("h1", "write", "/srv/hb1/x", "a", 100),
                         ["EINVAL"])
        dsync = os.O_DSYNC
        self.do("h1", "write", "/srv/hb1/x", "a", 8 * BLOCK, dsync)
        self.assertEqual(self.backing("x"), b"a" * 8 * BLOCK)
        self.assertEqual(self.do("h2", "read", "/srv/hb1/x"),
                         ["read", str(BLOCK), "a"])
        self.assertEqual(self.do("h1", "sync", "/srv/hb1/x"), ["synced"])
        with self.begin("h2", "watch", "/srv/hb1/x", "b") as child:
            self.assertEqual(child.stdout.readline(), "open\n")
            self.do("h1", "write", "/srv/hb1/x", "b")
            out, _ = child.communicate("\n", SHORT_S)
            self.assertEqual(out, "same\n")

    def test_disk_images(self):
        """O_DIRECT and Linux AIO, as QEMU and the daemon use them."""
        disk = "/srv/ds1/disk.qcow2"
        self.bed.run("h1", "qemu-img", "create", "-qf", "qcow2", disk, "16M")
        done = self.bed.run(
            "h1", "qemu-io", "-t", "none", "-n", "-c",
            "aio_write -P 7 0 256k", "-c", "aio_write -P 8 4M 4k", "-c",
            "aio_flush", "-c", "read -P 8 4M 4k", disk)
        self.assertNotIn("failed", done.stdout)
        done = self.bed.run("h2", "qemu-io", "-t", "none", "-c",
                            "read -P 7 0 256k", disk)
        self.assertNotIn("failed", done.stdout)
        self.bed.fault("h1", "ds1", "write", "fail EIO")
        done = self.bed.run("h1", "qemu-io", "-t", "none", "-n", "-c",
                            "write 0 4k", disk, check=False)
        self.assertIn("Input/output error", done.stdout + done.stderr)

    def test_locks_meet_over_hosts(self):
        with self.begin("h1", "lock", "/srv/hb1/l", 1000) as child:
            self.assertEqual(child.stdout.readline(), "locked\n")
            self.assertEqual(self.do("h2", "lock", "/srv/hb1/l"), ["EAGAIN"])
            self.bed.kill("h1", "python3")
        self.assertEqual(self.do("h2", "lock", "/srv/hb1/l"), ["locked"])

    def test_delay(self):
        self.bed.fault("h1", "hb1", "write", f"delay {DELAY_MS} 10", "h1")
        done = self.do("h1", "write", "/srv/hb1/h1", "d")
        self.assertGreaterEqual(float(done[2]), DELAY_MS / 1000)
        for host, name in (("h1", "h2"), ("h2", "h1")):
            done = self.do(host, "write", f"/srv/hb1/{name}", "e")
            self.assert_in_time(float(done[2]), DELAY_MS / 1000)

    def test_hang_until_healed(self):
        self.bed.fault("h1", "hb1", "write", "hang", "h1")
        with self.begin("h1", "write", "/srv/hb1/h1", "L") as child:
            self.wait_waiting("h1", 1)
            self.assertEqual(self.do("h1", "read", "/srv/hb1/h1")[2], "o")
            self.do("h1", "write", "/srv/hb1/h2", "p")
            self.do("h2", "write", "/srv/hb1/h2", "p")
            self.assertIsNone(child.poll())
            self.bed.heal("h1", "hb1")
            out, _ = child.communicate(timeout=SHORT_S)
            self.assertTrue(out.startswith("wrote"), out)
        self.assertEqual(self.backing("h1")[:1], b"L")

    def test_aio_goes_on_beside_what_hangs(self):
        """In one file, which the daemon's heartbeat area is."""
        self.do("h1", "write", "/srv/hb1/area", "o", 3 * BLOCK)
        self.bed.fault("h1", "hb1", "write", "hang", count=1)
        with self.begin("h1", "aio", "/srv/hb1/area") as child:
            self.assertEqual(child.stdout.readline(),
                             f"(2, {BLOCK}) (3, {BLOCK})\n")
            self.assertEqual(self.waiting("h1"), 1)
            self.assertEqual(self.backing("area"),
                             b"o" * BLOCK + b"A" * BLOCK + b"o" * BLOCK)
            self.bed.heal("h1")
            out, _ = child.communicate("\n", SHORT_S)
            self.assertEqual(out, f"(1, {BLOCK})\n")

    def test_a_crowd_that_hangs_hurts_nobody(self):
        self.bed.fault("h1", "hb1", "read", "hang", "h1")
        line = f"for i in $(seq {CROWD}); do " \
            "dd if=/srv/hb1/h1 of=/dev/null status=none & done; wait"
        with self.running("h1", "sh", "-c", line) as crowd:
            self.wait_waiting("h1", CROWD)
            self.assertEqual(self.do("h1", "read", "/srv/hb1/h2")[0], "read")
            self.bed.heal("h1")
            crowd.wait(SHORT_S)

    def test_everything_hangs_on_one_host_only(self):
        self.bed.fault("h1", "hb1", "all", "hang")
        with self.begin("h1", "stat", "/srv/hb1") as child:
            self.wait_waiting("h1", 1)
            self.assertEqual(self.do("h2", "stat", "/srv/hb1"), ["seen"])
            self.assertEqual(self.do("h1", "stat", "/srv/ds1"), ["seen"])
            self.bed.heal()
            self.end(child)

    def test_errors(self):
        for op, what, error in (("write", "write", "EIO"),
                                ("read", "read", "ESTALE"),
                                ("open", "read", "ENODEV"),
                                ("fsync", "sync", "ETIMEDOUT")):
            self.bed.fault("all", "hb1", op, f"fail {error}", count=1)
            self.assertEqual(self.do("h1", what, "/srv/hb1/h1"), [error])
            self.assertNotEqual(self.do("h1", what, "/srv/hb1/h1"), [error])
            self.bed.heal("all")
        self.bed.fault("h1", "hb1", "write", "enospc", glob="*2")
        self.assertEqual(self.do("h1", "write", "/srv/hb1/h2"), ["ENOSPC"])
        self.assertEqual(self.do("h1", "write", "/srv/hb1/h1")[0], "wrote")

    def test_storage_that_lies(self):
        whole = ["wrote", str(BLOCK)]
        for action, seen, content in (
                ("tear 512", whole, b"T" * 512 + b"o" * (BLOCK - 512)),
                ("tearfail 1024", ["EIO"], b"T" * 1024 + b"o" * (BLOCK - 1024)),
                ("drop", whole, b"o" * BLOCK)):
            self.do("h1", "write", "/srv/hb1/h1", "o")
            self.bed.fault("h1", "hb1", "write", action)
            done = self.do("h1", "write", "/srv/hb1/h1", "T")
            self.bed.heal("h1")
            self.assertEqual(done[:2], seen, action)
            self.assertEqual(self.backing("h1"), content, action)

    def test_power_off_loses_what_hangs_and_keeps_the_fault(self):
        self.bed.fault("h2", "hb1", "write", "hang")
        with self.begin("h2", "write", "/srv/hb1/h2", "N") as child:
            self.wait_waiting("h2", 1)
            self.bed.poweroff("h2")
            self.end(child)
        self.assertEqual(self.why("h2"), "power off")
        self.assertEqual(self.backing("h2"), b"o" * BLOCK)
        self.bed.poweron("h2")
        with self.begin("h2", "write", "/srv/hb1/h2", "Y") as child:
            self.wait_waiting("h2", 1)
            self.bed.heal("h2")
            self.end(child)
        self.assertEqual(self.backing("h2"), b"Y" * BLOCK)

    def test_a_share_taken_away_and_given_back(self):
        self.bed.unshare("h1", "hb1")
        self.bed.run("h1", "test", "!", "-e", "/srv/hb1/h1")
        self.bed.fault("h1", "hb1", "read", "fail EIO")
        self.bed.share("h1", "hb1")
        self.assertEqual(self.do("h1", "read", "/srv/hb1/h1"), ["EIO"])

    def test_nonsense_is_refused(self):
        for op, action in (("read", "tear 5"), ("write", "explode"),
                           ("write", "delay"), ("write", "delay x"),
                           ("write", "fail EWHAT"), ("chew", "hang"),
                           ("write", "")):
            with self.assertRaises(BedError):
                self.bed.fault("h1", "hb1", op, action)
        for store in ("config", "hb9"):
            with self.assertRaises(BedError):
                self.bed.fault("h1", store, "read", "hang")
        self.assertEqual(self.bed.faults("h1"), [])


class TestPower(InBed):
    """The watchdog, and all other ways in which a host ends."""

    def setUp(self):
        if self.state("h1")["state"] == "off":
            self.again()

    def again(self):
        self.bed.poweron("h1")
        self.install("h1")

    def log(self):
        with open(self.bed.log_path("h1", "watchdog.log"),
                  encoding="ascii") as f:
            return [line.strip().split(" ", 1) for line in f]

    def dog_ends(self, *args):
        """From arming to the reset."""
        boots = self.state("h1")["boots"]
        with self.begin("h1", "dog_open", *args) as child:
            self.assertEqual(child.stdout.readline(), "armed\n")
            self.assertEqual(self.why(), "watchdog fired")
            self.end(child)
        at, text = self.log()[-1]
        late_ms = int(text.split()[1])
        self.assertIn("expired", text)
        self.assert_in_time(late_ms, EXPIRY_MARGIN_MS)
        print(f"expired {late_ms} ms late", file=sys.stderr)
        self.again()
        self.assertEqual(self.state("h1")["boots"], boots + 1)
        return int(at)

    def test_dog_speaks_the_api(self):
        self.bed.poweroff("h1")
        self.again()
        self.assertEqual(self.do("h1", "dog_api"), ["clean", "start"])
        self.assertIn("disarmed: magic close", self.log()[-1][1])
        self.assertEqual(self.do("h1", "dog_magic"), ["closed"])

    def test_dog_warns(self):
        self.do("h1", "dog_pretimeout")
        said = [(int(at), text.split(":")[0]) for at, text in self.log()]
        self.assertEqual(said[-2][1], "pretimeout")
        self.assertEqual(said[-1][1], "disarmed")
        self.assertEqual(said[-3][1], "setpretimeout")
        self.assert_in_time(abs(said[-2][0] - said[-3][0] - 1000),
                            EXPIRY_MARGIN_MS)

    def test_dog_not_petted(self):
        self.dog_ends(1, 1000, 0)
        self.assertEqual(self.do("h1", "dog_api"), ["card", "reset"])

    def test_dog_petted_and_then_left(self):
        """Lives while petted; a second one is refused; close without magic
        leaves it running."""
        with self.begin("h1", "dog_open", 1, 2.5, 4) as child:
            self.assertEqual(child.stdout.readline(), "armed\n")
            self.assertEqual(self.do("h1", "dog_magic"), ["EBUSY"])
            self.assertEqual(child.stdout.readline(),
                             "closed without magic\n")
            self.assertEqual(self.why(), "watchdog fired")
            self.end(child)
        self.assertIn("after the last of", self.log()[-1][1])
        self.again()

    def test_dog_does_not_pause_with_its_host(self):
        with self.begin("h1", "dog_open", 1, 1000, 10) as child:
            self.assertEqual(child.stdout.readline(), "armed\n")
            self.bed.pause("h1")
            self.assertEqual(self.why(), "watchdog fired")
            self.end(child)
        self.again()

    def test_dog_ends_a_host_that_waits_for_a_disk(self):
        self.bed.fault("h1", "hb1", "all", "hang")
        with self.begin("h1", "stat", "/srv/hb1") as stuck:
            self.wait_waiting("h1", 1)
            self.dog_ends(1, 1000, 0)
            self.end(stuck)
        self.bed.heal("h1")

    def test_reboot_from_inside(self):
        ids = set()
        for what, why in (("restart", "reset by itself"),
                          ("power off", "switched off by itself")):
            ids.add(self.bed.run("h1", "cat",
                                 "/proc/sys/kernel/random/boot_id").stdout)
            self.bed.run("h1", PYTHON, "-c", "import ctypes; "
                         f"ctypes.CDLL(None).reboot({RB[what]:#x})",
                         check=False)
            self.assertIn(why, self.why())
            self.again()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
            ids.add(f.read())
        self.assertEqual(len(ids), 3)

    def test_sysrq_stays_inside(self):
        """Through the fifo itself: not every kernel has sysrq."""
        path = "/run/bed/sysrq-trigger"
        if os.path.exists("/proc/sysrq-trigger"):
            path = "/proc/sysrq-trigger"
        kind = self.bed.run("h1", "stat", "-c", "%F", path)
        self.assertEqual(kind.stdout, "fifo\n")
        self.bed.run("h1", "sh", "-c", f"printf hsb >{path}", check=False)
        self.assertEqual(self.why(), "panic by sysrq")
        with open(f"{self.bed.dir}/hosts/h1/sysrq", encoding="ascii") as f:
            self.assertTrue(f.read().endswith("hsb"))
        self.again()

    def test_starve(self):
        self.bed.starve("h1", 10)
        with self.begin("h1", "busy", 2) as child:
            out, _ = child.communicate(timeout=SHORT_S)
        self.assertLess(float(out), 1)
        if os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"):
            done = self.bed.run("h1", "chrt", "-r", "50", PYTHON,
                                "/etc/inhost.py", "busy", "2")
            self.assertLess(float(done.stdout), 1)
        self.bed.starve("h1", None)

    def test_power_cycles_leave_nothing(self):
        def children():
            text = subprocess.run(
                ["ps", "--ppid", str(self.bed.state()["pid"]), "-o", "comm="],
                check=False, text=True, stdout=subprocess.PIPE).stdout
            return sorted(text.split())
        before = children()
        for _ in range(5):
            self.bed.poweroff("h1")
            self.assertEqual(children(), [])
            self.bed.poweron("h1")
        self.assertEqual(children(), before)
        self.assertEqual(before, ["bed-init", "faultfs", "faultfs", "wdt"])
        self.install("h1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
