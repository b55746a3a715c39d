# SPDX-License-Identifier: GPL-2.0-or-later
"""Start: whole, or nothing. Above all nothing that comes up later.

That no guest ran is proven by the disk: a nano guest counts its boots there
before it does anything else, so an unchanged count means that none came up.
"""
import glob
import os
import shutil
import subprocess
import sys
import time
import unittest

from bedhost import (AGENT_DEADLINE_S, GENERIC, OFF, OK, SHORT_S, digest,
                     wait_for)
from case import HostCase

FROZEN_TIMEOUT_MS = 15000
SHORT_TIMEOUT_MS = 4000
SETTLE_S = 5.0
SETTLE_POLL_S = 0.05


DYING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dying.py")
# One is always in its exit, and none for as long as the agent has patience.
DYING_EVERY_S = 0.2
DYING_LIVES_S = 0.5
DYING_COUNT = 50


class TestStart(HostCase):
    def assert_nothing_comes_up(self, vm, boots=0, seconds=SETTLE_S):
        """No process stays and no guest runs; one that libvirt launches and
        that ends at once is the way in which a late request fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(SETTLE_POLL_S)
            self.assertEqual(vm.boots(), boots, "a guest came up")
        self.assertEqual(vm.pids(), [])

    def freeze_in_start(self, vm, **how):
        """Begins a start that libvirtd accepts and does not carry out."""
        vm.freeze_at_start()
        child = vm.begin("start", **how)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait, SHORT_S)
        self.addCleanup(child.kill)
        self.host.wait_frozen()
        return child

    # -- libvirtd is not well --------------------------------------------------

    def test_libvirtd_dead(self):
        vm = self.vm("nodaemon")
        self.host.kill_libvirtd()
        result = self.assert_rc(vm.call("start"), GENERIC, "can't be started",
                                "libvirt")
        self.assert_in_time(result.wall_s, SHORT_S, result)
        self.host.heal_libvirtd()
        vm.start()
        vm.wait_boots(1)

    def test_libvirtd_frozen_before(self):
        vm = self.vm("before")
        self.host.freeze_libvirtd()
        result = self.assert_rc(vm.call("start", timeout_ms=SHORT_TIMEOUT_MS),
                                GENERIC, "can't be started", "libvirt")
        self.assert_in_time(result.wall_s, SHORT_TIMEOUT_MS / 1000, result)
        self.host.thaw_libvirtd()
        self.assert_nothing_comes_up(vm, seconds=1)
        vm.start()
        vm.wait_boots(1)

    def test_libvirtd_freezes_with_the_request(self):
        """The request is with libvirtd and is carried out after the thaw."""
        vm = self.vm("late")
        child = self.freeze_in_start(vm, timeout_ms=FROZEN_TIMEOUT_MS)
        begin = time.monotonic()
        self.assertNotEqual(vm.call("monitor").rc, OFF)
        _, err = child.communicate(timeout=FROZEN_TIMEOUT_MS / 1000)
        self.assertEqual(child.returncode, GENERIC, err)
        self.assertIn("can't be started", err)
        self.note("start, libvirtd frozen in it, timeout 15 s",
                  f"fails after {time.monotonic() - begin:.1f} s")
        self.assertEqual(vm.pids(), [])
        self.assertTrue(vm.is_revoked())
        self.assert_rc(vm.call("monitor"), OFF)
        self.host.thaw_libvirtd()
        self.assert_nothing_comes_up(vm)
        result = vm.start()
        self.note("start after that", f"{result.wall_s:.1f} s")
        vm.wait_boots(1)
        self.assert_stops(vm)

    # -- other QEMUs ------------------------------------------------------------

    def test_others_end_all_the_time(self):
        """libvirt tries emulators out in short-lived QEMUs."""
        with open(DYING, encoding="utf-8") as f:
            code = f.read()
        vm = self.vm("amid")
        child = subprocess.Popen(self.host.argv(
            sys.executable, "-c", code, str(DYING_EVERY_S),
            str(DYING_LIVES_S), str(DYING_COUNT)), stdin=subprocess.DEVNULL)
        self.addCleanup(child.wait, SHORT_S)
        self.addCleanup(child.kill)
        time.sleep(2 * DYING_LIVES_S)
        vm.start()
        vm.wait_boots(1)
        self.assert_stops(vm)
        self.assertIsNone(child.poll(), "the test came too late")

    # -- the agent is killed ----------------------------------------------------

    def kill_in_start(self, vm):
        child = self.freeze_in_start(vm)
        child.kill()
        child.wait(SHORT_S)
        # A process in its exit has no name any more, and counts as alive.
        agent = vm.record()["agent_pid"]
        wait_for(lambda: self.host.run(
            "test", "-e", f"/proc/{agent}", check=False).returncode != 0,
                 SHORT_S, "end of the agent")
        self.assertEqual(vm.record().get("phase"), "starting")
        self.assertFalse(vm.is_revoked())

    def check_after_kill(self, vm):
        self.assertTrue(vm.is_revoked())
        self.host.thaw_libvirtd()
        self.assert_nothing_comes_up(vm)
        self.assert_rc(vm.call("monitor"), OFF)
        self.assert_stops(vm)
        vm.start()
        vm.wait_boots(1)

    def test_agent_killed_then_probe(self):
        vm = self.vm("kprobe")
        self.kill_in_start(vm)
        self.assert_rc(vm.call("monitor"), OFF)
        self.check_after_kill(vm)

    def test_agent_killed_then_monitor(self):
        vm = self.vm("kmonitor")
        self.kill_in_start(vm)
        self.assert_rc(vm.call("monitor", interval_ms=10000), OFF)
        self.check_after_kill(vm)

    def test_agent_killed_then_stop(self):
        vm = self.vm("kstop")
        self.kill_in_start(vm)
        self.assert_rc(vm.call("stop"), OK)
        self.check_after_kill(vm)

    def test_agent_killed_then_start(self):
        """The next start makes its own request, the old one stays dead."""
        vm = self.vm("kstart")
        self.kill_in_start(vm)
        self.host.thaw_libvirtd()
        vm.start()
        vm.wait_boots(1)
        self.assert_nothing_else(vm)

    def assert_nothing_else(self, vm):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            self.assertLessEqual(len(vm.pids()), 1)
            time.sleep(SETTLE_POLL_S)
        self.assertLessEqual(vm.boots(), 2)
        self.assert_rc(vm.call("monitor"), OK)

    def test_a_start_at_work_is_left_alone(self):
        """Neither "not running", nor taken back, while its agent lives."""
        vm = self.vm("atwork")
        child = self.freeze_in_start(vm)
        result = vm.call("monitor")
        self.assertEqual(result.rc, GENERIC, result)
        self.assertFalse(vm.is_revoked())
        self.host.thaw_libvirtd()
        child.communicate(timeout=AGENT_DEADLINE_S)
        self.assertEqual(child.returncode, OK)
        vm.wait_boots(1)

    # -- state that must not come back --------------------------------------------

    def test_autostart(self):
        vm = self.vm("auto")
        vm.define()
        self.host.virsh("autostart", vm.name)
        self.assert_rc(vm.call("start"), GENERIC,
                       f"virsh autostart --disable {vm.name}")
        self.host.virsh("autostart", "--disable", vm.name)
        vm.start()
        vm.wait_boots(1)

    def test_managed_save(self):
        vm = self.vm("saved")
        vm.define()
        self.host.virsh("start", vm.name)
        vm.wait_boots(1)
        self.host.virsh("managedsave", vm.name)
        vm.wait_gone()
        image = self.host.path(f"/var/lib/libvirt/qemu/save/{vm.name}.save")
        before = digest(image), os.stat(image).st_mtime_ns
        self.assert_rc(vm.call("start"), GENERIC,
                       f"virsh managedsave-remove {vm.name}")
        vm.start(params={"managed_save": "ignore"})
        vm.wait_boots(2)
        self.assert_stops(vm)
        self.assertEqual((digest(image), os.stat(image).st_mtime_ns), before)

    def test_overlay_beside_the_disk(self):
        vm = self.vm("overlay")
        overlay = f"{vm.dir}/{vm.name}.snap"
        self.host.run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                      "-b", vm.disk, overlay)
        self.assert_rc(vm.call("start"), GENERIC, overlay, vm.disk,
                       "disk_overlays=ignore")
        vm.start(params={"disk_overlays": "ignore"})
        vm.wait_boots(1)

    def test_overlay_with_a_relative_name(self):
        vm = self.vm("relative")
        self.host.run("sh", "-c", f"cd {vm.dir} && qemu-img create -q -f qcow2"
                      f" -F raw -b {vm.name}.img {vm.name}.snap")
        self.assert_rc(vm.call("start"), GENERIC, f"{vm.name}.snap")

    def test_external_snapshot_that_libvirt_knows(self):
        vm = self.vm("snap")
        vm.define()
        self.host.virsh("start", vm.name)
        vm.wait_boots(1)
        self.host.virsh("snapshot-create-as", vm.name, "s1", "--disk-only")
        self.host.virsh("destroy", vm.name)
        for path in glob.glob(self.host.path(f"{vm.dir}/{vm.name}.s1")):
            os.unlink(path)
        self.assert_rc(vm.call("start"), GENERIC, "external snapshots",
                       f"virsh snapshot-list --external {vm.name}")

    # -- the user's files ----------------------------------------------------------

    def test_definition_stays_as_it_is(self):
        vm = self.vm("stays")
        vm.define()
        config = digest(self.host.path(vm.config))
        before = vm.persistent()
        vm.start()
        vm.wait_boots(1)
        self.assertEqual(vm.persistent(), before)
        self.assert_stops(vm)
        vm.wait_libvirt_forgot()
        self.assertEqual(vm.persistent(), before)
        self.assertEqual(digest(self.host.path(vm.config)), config)

    def test_disk_missing(self):
        vm = self.vm("nodisk")
        shutil.move(self.host.path(vm.disk), self.host.path(vm.disk) + ".off")
        self.assert_rc(vm.call("start"), GENERIC, vm.disk)
        self.assertEqual((vm.pids(), vm.record()), ([], {}))
        shutil.move(self.host.path(vm.disk) + ".off", self.host.path(vm.disk))
        vm.start()

    def test_second_copy_by_another_resource(self):
        """The image lock keeps a second QEMU from the disk."""
        vm = self.running("first")
        other = self.vm("second")
        self.host.write(other.config, other.xml.replace(other.disk, vm.disk))
        self.assert_rc(other.call("start"), GENERIC, "lock")
        self.assertEqual(other.pids(), [])
        wait_for(lambda: other.record() == {}, SHORT_S, "no record")
        self.assert_rc(vm.call("monitor"), OK)
        self.assertEqual(vm.boots(), 1)


if __name__ == "__main__":
    unittest.main()
