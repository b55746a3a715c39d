# SPDX-License-Identifier: GPL-2.0-or-later
"""list and dump: what an area holds, whatever was done to its bytes."""

import os
import subprocess
import struct
import unittest

from blocks import STARTING, STOPPED
from case import Case
from daemon import SELF, STATUS, Daemon, host


class Dump(Case):
    """Of areas with real damage."""

    def setUp(self):
        super().setUp()
        self.areas = self.create()
        self.area = self.areas[0]

    def dump(self, code=0):
        """The first area."""
        return self.json("dump", self.area.path, code=code)

    def test_beat_and_list(self):
        self.area.beat(1, "h2", incarnation=3, sequence=77, flags=0x41,
                       vms=2, generation=5, copy=1)
        self.area.vm_list(1, 1, 3, 5, ["web1", "db1"])
        self.area.vm_list(1, 0, 3, 4, ["web1"])
        slot = self.dump()["slots"][1]
        beat = slot["beat"]
        self.assertEqual((beat["state"], beat["incarnation"],
                          beat["sequence"], beat["flags"]),
                         ("armed", 3, 77, "member,quorate"))
        named, other = slot["lists"][1], slot["lists"][0]
        self.assertEqual([vm["resource"] for vm in named["vms"]],
                         ["web1", "db1"])
        self.assertEqual((named["named"], other["named"]), (True, False))
        self.assertEqual(other["count"], 1)
        text = self.heartbeat("dump", self.area.path).stdout
        self.assertIn("db1", text)
        self.assertIn("77 of incarnation 3", text)

    def test_stale_list(self):
        """A list of another generation than the beat names is not it."""
        self.area.beat(1, "h2", incarnation=3, vms=1, generation=5)
        self.area.vm_list(1, 0, 3, 4, ["web1"])
        self.assertEqual(
            self.dump(code=1)["slots"][1]["lists"][0]["verdict"], "stale")

    def test_torn_list(self):
        self.area.beat(1, "h2", incarnation=3, vms=1, generation=5)
        self.area.vm_list(1, 0, 3, 5, ["web1"])
        first = self.area.lists + 2 * self.area.list_blocks
        self.area.change(first, 2048, b"\x01", False)
        self.assertEqual(
            self.dump(code=1)["slots"][1]["lists"][0]["verdict"], "torn")

    def test_verdicts_of_a_beat(self):
        place = self.area.beats + 1
        self.area.beat(1, "h2", sequence=5)
        good = self.area.read(place)
        cluster = bytes(b ^ 0xFF for b in good[16:32])
        for verdict, offset, data, is_sealed in (
                ("torn", 3000, b"\x01", False),
                ("alien", 0, b"\x00", False),
                ("newer", 11, b"\x02", True),
                ("foreign", 16, cluster, True),
                ("misplaced", 32, struct.pack("<I", 2), True),
                ("invalid", 48 + 96, struct.pack("<I", 99), True)):
            self.area.write(place, good)
            self.area.change(place, offset, data, is_sealed)
            slot = self.dump(code=1)["slots"][1]
            self.assertEqual(slot["verdict"], verdict)
            self.assertNotIn("beat", slot)
            self.assertIn(verdict,
                          self.heartbeat("dump", self.area.path,
                                         code=1).stdout)
        self.area.write(place, bytes(4096))
        self.assertEqual(self.dump(code=1)["slots"][1]["verdict"], "blank")

    def test_one_superblock_is_enough(self):
        self.area.change(0, 100, b"\xff", False)
        told = self.dump(code=1)
        self.assertEqual([b["verdict"] for b in told["superblocks"]],
                         ["torn", "ok"])
        self.assertEqual(told["superblock"]["cluster"], "lab")
        self.area.change(1, 100, b"\xff", False)
        self.assertNotIn("superblock", self.dump(code=1))

    def test_newer_superblock(self):
        for block in (0, 1):
            self.area.change(block, 48 + 8, b"\x01", True)
        self.assertEqual(
            [b["verdict"] for b in self.dump(code=1)["superblocks"]],
            ["newer", "newer"])

    def test_newer_feature_is_not_written(self):
        for area in self.areas:
            for block in (0, 1):
                area.change(block, 48 + 4, b"\x01", True)
        self.dump()
        self.refused("newer vmha", "add-host", "h9")

    def test_wrong_files(self):
        self.refused("does not exist", "dump", self.path("nothing"))
        self.refused("directory", "dump", self.folder)
        with open(self.path("sparse"), "wb") as f:
            f.truncate(1 << 20)
        self.refused("sparse", "dump", self.path("sparse"))
        size = os.path.getsize(self.area.path)
        os.truncate(self.area.path, size - 4096)
        self.refused("cut off", "dump", self.area.path)

    def test_nothing_is_written(self):
        with open(self.area.path, "rb") as f:
            before = f.read()
        self.dump()
        self.heartbeat("list")
        with open(self.area.path, "rb") as f:
            self.assertEqual(f.read(), before)


class List(Case):
    """Several areas at once."""

    def test_newest_beat_counts(self):
        areas = self.create()
        areas[0].beat(1, "h2", incarnation=2, sequence=9)
        areas[1].beat(1, "h2", incarnation=3, sequence=1, state=STOPPED)
        areas[2].beat(1, "h2", incarnation=2, sequence=10)
        slot = self.json("list")["slots"][1]
        self.assertEqual((slot["incarnation"], slot["state"]),
                         (3, "stopped"))

    def test_claim_on_one_is_no_beat(self):
        areas = self.create()
        areas[0].beat(1, "h2", incarnation=2, sequence=9, state=STOPPED)
        areas[1].beat(1, "h2", incarnation=9, sequence=99, state=STARTING)
        areas[2].beat(1, "h2", incarnation=2, sequence=9, state=STOPPED)
        slot = self.json("list")["slots"][1]
        self.assertEqual((slot["incarnation"], slot["state"]),
                         (2, "stopped"))
        areas[0].beat(1, "h2", incarnation=9, sequence=1, state=STARTING)
        slot = self.json("list")["slots"][1]
        self.assertEqual((slot["incarnation"], slot["sequence"]), (9, 99))
        # All that is known of a host is better than nothing.
        areas[2].beat(2, "h3", incarnation=1, sequence=4, state=STARTING)
        self.assertEqual(self.json("list")["slots"][2]["incarnation"], 1)

    def test_broken_area_has_its_line(self):
        areas = self.create()
        areas[1].change(areas[1].beats + 2, 60, b"\xff", False)
        for block in (0, 1):
            areas[2].change(block, 60, b"\xff", False)
        os.unlink(areas[0].path)
        told = self.json("list", code=1)
        self.assertEqual([a["verdict"] for a in told["areas"]],
                         ["unreadable", "ok", "torn"])
        self.assertIn("torn", told["slots"][2]["damaged"])
        text = self.heartbeat("list", code=1).stdout
        self.assertIn("does not exist", text)

    def test_two_clusters(self):
        first = self.create()
        other = self.create(name="b", prefix="x")
        self.refused("another one", "list", first[0].path, other[0].path)
        self.refused("areas of one cluster", "add-host", "h9",
                     first[0].path, other[0].path)

    def test_no_conf(self):
        self.assertIn("create", self.refused("there is no", "list"))


class Words(Case):
    """Help, man pages, completion, exit codes."""

    def test_usage(self):
        for words in ((), ("heartbeat",), ("hartbeat",),
                      ("heartbeat", "lst"), ("status", "more"),
                      ("heartbeat", "list", "--jsom"),
                      ("heartbeat", "create"),
                      ("heartbeat", "dump", "--conf")):
            done = self.run_vmha(*words)
            self.assertEqual(done.returncode, 64, words)
            self.assertTrue(done.stderr)
        self.assertIn('did you mean "heartbeat list"',
                      self.run_vmha("heartbeat", "lst").stderr)
        self.assertIn("did you mean --json",
                      self.run_vmha("heartbeat", "list", "--jsom").stderr)

    def test_help_names_every_command_and_page(self):
        text = self.run_vmha("--help").stdout
        pages = ""
        for path in os.environ["VMHA_MAN"].split():
            with open(path, encoding="utf-8") as f:
                pages += f.read().replace("\\-", "-")
        with open(os.environ["VMHA_COMPLETION"], encoding="utf-8") as f:
            completion = f.read()
        for name in ("status", "disarm", "arm", "create", "list", "dump",
                     "add-host", "remove-host", "watch", "message", "check"):
            self.assertIn(name, text)
            self.assertIn(name, pages)
            self.assertIn(name, completion)

    def test_man_pages_render(self):
        for path in os.environ["VMHA_MAN"].split():
            done = subprocess.run(
                ["man", "--warnings", "-l", path], capture_output=True,
                text=True, timeout=30, check=False,
                env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)

    def complete(self, *words):
        """What bash offers for the last word."""
        script = ('. "$1"; shift; COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); _vmha; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(
            ["bash", "-c", script, "bash", os.environ["VMHA_COMPLETION"],
             "vmha", *words], capture_output=True, text=True, timeout=30,
            check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(self.complete("heartb"), ["heartbeat"])
        self.assertEqual(self.complete("heartbeat", "cre"), ["create"])
        self.assertIn("--force-live",
                      self.complete("heartbeat", "create", "--f"))
        self.assertEqual(
            self.complete("heartbeat", "create", "--profile", "=", "fa"),
            ["fast"])
        self.assertEqual(self.complete("heartbeat", "message", "h1", "re"),
                         ["reset"])

    def test_no_daemon(self):
        for words in (("status",), ("heartbeat", "status"), ("disarm",),
                      ("heartbeat", "watch", "--once"),
                      ("heartbeat", "message", "h1", "test")):
            done = self.run_vmha(*words, "--socket", self.path("no"))
            self.assertEqual(done.returncode, 3, done.stderr)

    def test_deadly_message_asks(self):
        done = self.run_vmha("heartbeat", "message", "h1", "fry", "--socket",
                             self.path("no"))
        self.assertEqual(done.returncode, 64)


class Deadline(Case):
    """A datastore that hangs ends the command, not the other way round."""

    def test_fifo_is_refused(self):
        os.mkfifo(self.path("fifo"))
        self.refused("neither file nor block device", "dump",
                     self.path("fifo"))


class Proof(Case):
    """What list shows of hosts: their last word, and what is proven."""

    def test_a_dead_host_is_not_armed(self):
        areas = self.create()
        for area in areas:
            area.beat(0, "h1", sequence=5)
            area.beat(1, "h2", sequence=5)
        uuid = self.json("list")["areas"][0]["uuid"]
        hosts = [host("h1", 0, "dead"), host("h2", 1)]
        socket = self.path("s")
        done = self.heartbeat("list", "--socket", socket)
        self.assertIn("Whether a host lives is not known", done.stdout)
        self.assertRegex(done.stdout, "h1 +[?] +armed")
        with Daemon(socket, {"status": {
                **STATUS, "self": SELF, "hosts": hosts,
                "cluster": {"name": "lab", "uuid": uuid}}}):
            done = self.heartbeat("list", "--socket", socket)
            told = self.json("list", "--socket", socket)
        self.assertRegex(done.stdout, "h1 +dead +armed")
        self.assertRegex(done.stdout, "h2 +live +armed")
        self.assertEqual([s["proof"] for s in told["slots"][:2]],
                         ["dead", "live"])
        os.unlink(socket)
        # A daemon of another cluster proves nothing here.
        with Daemon(socket, {"status": {**STATUS, "self": SELF,
                                        "hosts": hosts}}):
            told = self.json("list", "--socket", socket)
        self.assertEqual([s["proof"] for s in told["slots"][:2]],
                         [None, None])


if __name__ == "__main__":
    unittest.main()
