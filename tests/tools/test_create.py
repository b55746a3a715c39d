# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha heartbeat create: what is made, and everything that is refused."""

import os
import shutil
import tempfile
import unittest

from blocks import ARMED, STARTING, STOPPED, AreaFile, Beating
from case import Case


class Create(Case):
    """On real files."""

    def test_made(self):
        areas = self.create()
        told = self.json("list")
        self.assertEqual([a["verdict"] for a in told["areas"]], ["ok"] * 3)
        self.assertEqual([a["index"] for a in told["areas"]], [0, 1, 2])
        self.assertEqual(len({a["uuid"] for a in told["areas"]}), 1)
        self.assertEqual(len({a["store"] for a in told["areas"]}), 3)
        self.assertEqual([s["host"] for s in told["slots"]],
                         ["h1", "h2", "h3"])
        self.assertEqual({s["state"] for s in told["slots"]}, {"unclaimed"})
        size = os.stat(areas[0].path)
        self.assertEqual(size.st_size, told["areas"][0]["bytes"])
        self.assertGreaterEqual(size.st_blocks * 512, size.st_size)

    def test_conf_is_written_or_shown(self):
        self.create()
        with open(self.conf, encoding="utf-8") as f:
            line = "datastores=" + ";".join(
                self.path(f"hb{i}") for i in (1, 2, 3))
            self.assertIn(line, f.read())
        done = self.heartbeat("create", "--cluster", "x", "--hosts", "a",
                              self.path("one"))
        self.assertIn("[heartbeat]\ndatastores=" + self.path("one"),
                      done.stdout)

    def test_conf_keeps_other_keys(self):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("# mine\n[heartbeat]\nfence_limit=3\n"
                    "datastores=/old\nhost=h2\n")
        self.create()
        with open(self.conf, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("# mine", text)
        self.assertIn("fence_limit=3\ndatastores=" + self.path("hb1"), text)
        self.assertIn("host=h2", text)
        self.assertNotIn("/old", text)

    def test_names_of_corosync(self):
        option = self.corosync("n1", "n2", name="prod")
        self.heartbeat("create", option, "--write-conf", self.path("a"))
        told = self.json("list")
        self.assertEqual(told["areas"][0]["cluster"], "prod")
        self.assertEqual([s["host"] for s in told["slots"]], ["n1", "n2"])

    def test_warnings(self):
        done = self.heartbeat("create", "--cluster", "x", "--hosts", "a",
                              self.path("a"), self.path("b"))
        self.assertIn("2 datastores", done.stderr)
        self.assertIn("on one device", done.stderr)
        told = self.json("create", "--cluster", "x", "--hosts", "a",
                         self.path("c"))
        self.assertIn("one datastore", told["warnings"][0])

    def test_warns_of_names_and_local_files(self):
        option = self.corosync("h1", "h2")
        told = self.json("create", "--cluster", "lab", "--hosts", "h1,hx",
                         "--slots", "8", "--vms", "16", option,
                         *[self.path(f"hb{i}") for i in (1, 2, 3)])
        text = "\n".join(told["warnings"])
        self.assertIn("hx is no node of corosync", text)
        self.assertNotIn("h1 is no node", text)
        shm = tempfile.mkdtemp(dir="/dev/shm")
        self.addCleanup(shutil.rmtree, shm)
        done = self.heartbeat("create", "--cluster", "lab", "--hosts", "h1",
                              "--slots", "8", "--vms", "16", f"{shm}/hb1")
        self.assertIn(f"{shm}/hb1 is on tmpfs, a local file system",
                      done.stderr)

    def test_times(self):
        self.refused("watchdog_ms", "create", "--cluster", "x", "--hosts",
                     "a", "--beat-ms", "2000", "--watchdog-ms", "4000",
                     "--tolerance-ms", "1000", self.path("a"))
        self.refused("profile", "create", "--cluster", "x", "--hosts", "a",
                     "--profile", "slow", self.path("a"))
        self.assertFalse(os.path.exists(self.path("a")))
        self.create(more=["--beat-ms", "400", "--tolerance-ms", "400"])
        area = self.json("list")["areas"][0]
        self.assertEqual((area["profile"], area["beat_ms"]),
                         ("custom", 400))

    def test_bad_words(self):
        base = ("create", "--cluster", "x")
        for needle, words in (
                ("named twice", ("--hosts", "a,a", self.path("a"))),
                ("beside letters", ("--hosts", "a b", self.path("a"))),
                ("absolute", ("--hosts", "a", "relative")),
                ("directory", ("--hosts", "a", self.folder)),
                ("one and the same", ("--hosts", "a", self.path("a"),
                                      self.path("a"))),
                ("less than", ("--hosts", "a,b", "--slots", "1",
                               self.path("a")))):
            self.refused(needle, *base, *words)
        self.refused("no number", *base, "--slots", "0", "--hosts", "a",
                     self.path("a"), code=64)
        self.assertEqual(os.listdir(self.folder), [])


class Refusals(Case):
    """What is on the path is not overwritten unasked."""

    def again(self, *words):
        """create once more on the first area."""
        return ("create", "--cluster", "lab", "--hosts", "h1",
                "--profile", "fast", *words, self.path("hb1"))

    def test_existing(self):
        area = self.create()[0]
        before = area.read(0)
        self.refused("already", *self.again())
        self.assertEqual(area.read(0), before)
        self.heartbeat(*self.again("--force"))
        self.assertNotEqual(area.read(0), before)

    def test_foreign(self):
        self.create(name="other")
        self.assertIn("another cluster other",
                      self.refused("already", *self.again()))

    def test_live(self):
        area = self.create()[0]
        with Beating(area, 1, "h2"):
            for force in ((), ("--force",)):
                text = self.refused("in use", *self.again(*force))
                self.assertIn("h2", text)
        # A beat that stands still is a dead host's.
        self.refused("already", *self.again())

    def test_live_forced(self):
        area = self.create()[0]
        before = area.cluster
        area.beat(1, "h2", state=ARMED)
        self.heartbeat(*self.again("--force"))
        self.assertNotEqual(AreaFile(area.path).cluster, before)
        with Beating(AreaFile(area.path), 0, "h1"):
            self.heartbeat(*self.again("--force-live"))

    def test_damaged_and_live(self):
        area = self.create()[0]
        for block in (0, 1):
            area.change(block, 100, b"\xff", False)
        self.refused("superblock is torn", *self.again())
        with Beating(area, 1, "h2"):
            self.refused("in use", *self.again("--force"))

    def test_data(self):
        for offset, magic, words in ((0, b"XFSB", "XFS"),
                                     (512, b"LABELONE", "LVM"),
                                     (0x438, b"\x53\xef", "ext4"),
                                     (510, b"\x55\xaa", "partition"),
                                     (70000, b"x", "does not know")):
            path = self.path("hb1")
            with open(path, "wb") as f:
                f.truncate(1 << 20)
                f.seek(offset)
                f.write(magic)
            self.refused(words, *self.again())
        self.heartbeat(*self.again("--force"))

    def test_empty_file_is_taken(self):
        with open(self.path("hb1"), "wb") as f:
            f.truncate(1 << 24)
        self.heartbeat(*self.again())

    def test_one_bad_path_leaves_all_alone(self):
        with open(self.path("data"), "wb") as f:
            f.write(b"precious")
        self.refused("holds", "create", "--cluster", "x", "--hosts", "a",
                     self.path("new"), self.path("data"))
        self.assertFalse(os.path.exists(self.path("new")))

    def test_no_folder(self):
        self.refused("directory", "create", "--cluster", "x", "--hosts", "a",
                     self.path("new"), self.path("no/such"))
        self.assertFalse(os.path.exists(self.path("new")))


class Hosts(Case):
    """add-host and remove-host."""

    def slot_of(self, host):
        """By the list command."""
        return {s["host"]: s["slot"]
                for s in self.json("list")["slots"]}.get(host)

    def test_add(self):
        self.create()
        self.assertEqual(self.json("add-host", "h4")["slot"], 3)
        self.assertEqual(self.slot_of("h4"), 3)
        for i in (1, 2, 3):
            dump = self.json("dump", self.path(f"hb{i}"))
            self.assertEqual(dump["slots"][3]["host"], "h4")
        self.refused("already", "add-host", "h4")
        self.refused("beside letters", "add-host", "h 4")

    def test_add_needs_all_areas(self):
        self.create()
        self.refused("must reach all", "add-host", "h4", self.path("hb1"),
                     self.path("hb2"))
        self.assertIsNone(self.slot_of("h4"))

    def test_full(self):
        self.create(hosts="a,b,c,d,e,f,g,h")
        self.refused("all 8 slots", "add-host", "i")

    def test_remove(self):
        areas = self.create()
        self.heartbeat("remove-host", "h3")
        self.assertIsNone(self.slot_of("h3"))
        self.refused("no slot", "remove-host", "h3")
        for area in areas:
            area.beat(1, "h2", state=STOPPED)
        self.heartbeat("remove-host", "h2")

    def test_remove_refuses(self):
        areas = self.create()
        with Beating(areas[0], 0, "h1"):
            self.refused("h1 beats", "remove-host", "h1")
            self.refused("h1 beats", "remove-host", "--force", "h1")
        # Silent, but armed when it was last seen: it may live by the ring.
        self.refused("not stopped cleanly", "remove-host", "h1")
        areas[1].beat(1, "h2", state=STOPPED, vms=2, generation=4)
        self.refused("2 VMs", "remove-host", "h2")
        self.heartbeat("remove-host", "--force", "h1")
        # A claim on one area does not hide the VMs of who was armed, nor does
        # a clean stop before it say that the host is out of the way.
        areas[2].beat(1, "h2", state=STARTING, incarnation=9)
        self.refused("2 VMs", "remove-host", "h2")
        areas[1].beat(1, "h2", state=STOPPED)
        self.refused("starting", "remove-host", "h2")

    def test_host_returns_to_its_slot(self):
        areas = self.create()
        for area in areas:
            area.beat(1, "h2", state=STOPPED, incarnation=7)
        self.heartbeat("remove-host", "h2")
        self.assertEqual(self.json("add-host", "other")["slot"], 3)
        self.assertEqual(self.json("add-host", "h2")["slot"], 1)
        dump = self.json("dump", areas[0].path)
        self.assertEqual(dump["slots"][1]["beat"]["incarnation"], 7)

    def test_used_slot_is_wiped_for_another(self):
        areas = self.create(hosts="a,b,c,d,e,f,g,h")
        for area in areas:
            area.beat(4, "e", state=STOPPED, incarnation=7)
            area.vm_list(4, 0, 1, 1, ["old"])
        # One datastore lags behind.
        areas[2].beat(4, "e", state=STOPPED, incarnation=6)
        self.heartbeat("remove-host", "e")
        self.assertEqual(self.json("add-host", "new")["slot"], 4)
        for area in areas:
            slot = self.json("dump", area.path)["slots"][4]
            # What old holds and words name is older than the new host.
            self.assertEqual(slot["beat"]["incarnation"], 8)
            self.assertEqual(slot["beat"]["state"], "stopped")
            self.assertEqual(slot["beat"]["host"], "new")
            self.assertEqual(area.read(area.lists + 8 * area.list_blocks),
                             bytes(4096))
        self.heartbeat("remove-host", "new")
        self.assertEqual(self.json("add-host", "third")["slot"], 4)
        slot = self.json("dump", areas[0].path)["slots"][4]
        self.assertEqual(slot["beat"]["incarnation"], 9)

    def test_damaged_beats_hide_the_incarnation(self):
        areas = self.create(hosts="a,b,c,d,e,f,g,h")
        for area in areas:
            area.beat(4, "e", state=STOPPED, incarnation=7)
        self.heartbeat("remove-host", "e")
        for area in areas[:2]:
            area.write(area.beats + 4, b"x" * 4096)
        self.heartbeat("add-host", "new")
        slot = self.json("dump", areas[0].path)["slots"][4]
        self.assertEqual(slot["beat"]["incarnation"], 8 + 2 ** 48)


if __name__ == "__main__":
    unittest.main()
