# SPDX-License-Identifier: GPL-2.0-or-later
"""Stop always stops, or says that it could not.

Whether a guest was asked and obeyed is read from its disk: it writes a last
record, "clean", only on its way through its own shutdown.
"""
import os
import signal
import unittest

from bed import proc
from bedhost import DEGRADED, FREEZER, GENERIC, OFF, OK, SHORT_S, wait_for
from case import HostCase

PATIENCE_S = 2
# Patience, one QMP question, quit; the rest is a slow machine.
PATIENT_LIMIT_S = 6.0
STUCK_TIMEOUT_MS = 10000
# Asking the guest in vain, quit, SIGTERM's 5 s, SIGKILL.
STOPPED_QEMU_LIMIT_S = 20.0


class TestStop(HostCase):
    def test_guest_that_ignores_the_button(self):
        vm = self.running("deaf", "power=ignore")
        result = self.assert_stops(
            vm, params={"shutdown_timeout": f"{PATIENCE_S}s"})
        self.assertGreaterEqual(result.wall_s, PATIENCE_S, result)
        self.assert_in_time(result.wall_s, PATIENT_LIMIT_S, result)
        self.assertIn("not shut down in time", result.log)
        self.assertFalse(vm.ended_cleanly())
        vm.wait_libvirt_forgot()

    def test_guest_that_ignores_the_button_with_the_timeout_alone(self):
        """Two thirds of the stop timeout for the guest, the rest for force."""
        vm = self.running("deaf6", "power=ignore")
        result = self.assert_stops(vm, timeout_ms=6000)
        self.assertGreaterEqual(result.wall_s, 3, result)
        self.assert_in_time(result.wall_s, 6, result)

    def check_mode(self, mode, is_clean, limit_s=SHORT_S):
        vm = self.running(f"mode-{mode}")
        result = self.assert_stops(vm, params={"shutdown_mode": mode})
        self.assertEqual(vm.ended_cleanly(), is_clean, result)
        self.assert_in_time(result.wall_s, limit_s, result)

    def test_mode_acpi(self):
        self.check_mode("acpi", True)

    def test_mode_agent_acpi_without_an_agent(self):
        self.check_mode("agent-acpi", True)

    def test_mode_agent_without_an_agent(self):
        self.check_mode("agent", False)

    def test_mode_off(self):
        self.check_mode("off", False)

    # -- without libvirtd ----------------------------------------------------

    def check_without_libvirtd(self, name, end):
        for options, is_clean in (("", True), ("power=ignore", False)):
            vm = self.running(f"{name}-{is_clean}", options)
            end()
            result = self.assert_stops(
                vm, params={"shutdown_timeout": f"{PATIENCE_S}s"})
            self.assertEqual(vm.ended_cleanly(), is_clean, result)
            self.assert_in_time(result.wall_s, PATIENT_LIMIT_S, result)
            self.assert_rc(vm.call("monitor"), OFF)
            self.host.heal_libvirtd()
            vm.wait_libvirt_forgot()

    def test_libvirtd_dead(self):
        self.check_without_libvirtd("dead", self.host.kill_libvirtd)

    def test_libvirtd_frozen(self):
        self.check_without_libvirtd("ice", self.host.freeze_libvirtd)

    # -- a QEMU that does not answer -------------------------------------------

    def test_qemu_stopped(self):
        vm = self.running("stopped")
        vm.signal(signal.SIGSTOP)
        result = self.assert_stops(vm)
        self.assert_in_time(result.wall_s, STOPPED_QEMU_LIMIT_S, result)
        self.assertIn("SIGKILL", result.log)
        self.note("stop, QEMU stopped by SIGSTOP", f"{result.wall_s:.1f} s")

    def test_qemu_and_libvirtd_stopped_config_gone(self):
        vm = self.running("nohope")
        vm.signal(signal.SIGSTOP)
        self.host.freeze_libvirtd()
        os.unlink(self.host.path(vm.config))
        self.assert_stops(vm, params={"shutdown_mode": "off"})

    def test_qemu_that_nothing_ends(self):
        """Stuck in the kernel as on storage that hangs: stop must not claim
        that it is stopped."""
        if not self.host.has_freezer():
            self.skipTest("no cgroup v1 freezer on this machine")
        vm = self.running("stuck")
        group = self.host.path(f"{FREEZER}/vmha-{os.getpid()}-{vm.name}")
        os.mkdir(group)
        pid = vm.pid()
        self.put(f"{group}/cgroup.procs", pid)
        self.put(f"{group}/freezer.state", "FROZEN")
        try:
            wait_for(lambda: proc.state(pid) == "D", SHORT_S, "QEMU in D")
            self.assert_rc(vm.call("monitor", interval_ms=10000), DEGRADED)
            result = vm.call("stop", timeout_ms=STUCK_TIMEOUT_MS,
                             params={"shutdown_mode": "off"})
            self.assert_rc(result, GENERIC, "can't be proven stopped",
                           "SIGKILL")
            self.assert_in_time(result.wall_s, STUCK_TIMEOUT_MS / 1000, result)
            self.assertNotEqual(vm.call("monitor").rc, OFF)
            self.assertNotEqual(vm.record(), {})
        finally:
            self.put(f"{group}/freezer.state", "THAWED")
        vm.wait_gone()
        wait_for(lambda: self.is_removed(group), SHORT_S, "an empty cgroup")
        self.assert_stops(vm)
        self.assert_rc(vm.call("monitor"), OFF)

    @staticmethod
    def is_removed(group):
        try:
            os.rmdir(group)
            return True
        except OSError:
            return False

    @staticmethod
    def put(path, value):
        with open(path, "w", encoding="ascii") as f:
            f.write(str(value))

    # -- what is left ------------------------------------------------------------

    def test_paused_guest_is_not_asked(self):
        vm = self.running("asleep")
        self.host.virsh("suspend", vm.name)
        result = self.assert_stops(vm)
        self.assert_in_time(result.wall_s, SHORT_S, result)

    def test_record_and_config_gone(self):
        """What /var/lib remembers is enough."""
        vm = self.running("memory")
        os.unlink(self.host.path(vm.config))
        os.unlink(self.host.path(vm.record_path()))
        self.assert_stops(vm)

    def test_never_started_here(self):
        vm = self.vm("never")
        os.unlink(self.host.path(vm.config))
        result = self.assert_rc(vm.call("stop"), OK)
        self.assert_in_time(result.wall_s, SHORT_S, result)


if __name__ == "__main__":
    unittest.main()
