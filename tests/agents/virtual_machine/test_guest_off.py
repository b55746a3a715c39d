# SPDX-License-Identifier: GPL-2.0-or-later
"""on_guest_shutdown: what a start and a stop do so that the fault domain
manager can tell a guest's own power off from every other end.

The manager's part is a cluster's (tests/cluster/cases/guest_off.py). Here a
listener takes its place on the socket that is made for it.
"""
import json
import os
import socket
import unittest

from bedhost import DEGRADED, GENERIC, OFF, OK, SHORT_S, wait_for
from case import HostCase

INTERVAL_MS = 10000
STOP = {"on_guest_shutdown": "stop"}
SLOW_S = 3
# Nothing after the command: what QEMU has not read when it is killed resets the
# connection.
ASK = b'{"execute":"qmp_capabilities"}'


class Listener:
    """Hears QEMU's events until its end."""

    def __init__(self, vm):
        path, = [p for p in vm.qmp_paths() if p.endswith(".evts")]
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SHORT_S)
        self.sock.connect(path)
        self.sock.sendall(ASK)
        self.lines = self.sock.makefile("rb")
        while "return" not in json.loads(self.lines.readline()):
            pass

    def shutdowns(self):
        """data of each SHUTDOWN, when QEMU has ended."""
        with self.sock, self.lines as lines:
            said = [json.loads(line) for line in lines]
        return [m["data"] for m in said if m.get("event") == "SHUTDOWN"]


class TestGuestOff(HostCase):
    def running_with(self, name, options="", **xml):
        return self.running(name, options, start={"params": STOP}, **xml)

    def mark(self, vm):
        return self.host.path(f"{vm.record_path()}.stop")

    def test_only_stop_makes_the_socket(self):
        vm = self.running("plain")
        self.assertEqual([p for p in vm.qmp_paths() if p.endswith(".evts")],
                         [])
        self.assert_stops(vm)

    def test_power_off_is_heard(self):
        """The guest's own, although QEMU is ended at once; XML that would
        have libvirt bring it back does not."""
        vm = self.running_with("selfoff", "poweroff=2", on_poweroff="restart")
        heard = Listener(vm).shutdowns()
        self.assertEqual(heard[0], {"guest": True, "reason": "guest-shutdown"})
        vm.wait_gone()
        self.assert_rc(vm.call("monitor", interval_ms=INTERVAL_MS,
                               params=STOP), OFF)
        self.assertFalse(os.path.exists(self.mark(vm)))
        self.assert_stops(vm, params=STOP)
        self.assertEqual(vm.qmp_paths(), [])

    def test_killed_is_not_the_guests(self):
        for number in (15, 9):
            vm = self.running_with(f"killed{number}")
            listener = Listener(vm)
            vm.signal(number)
            heard = listener.shutdowns()
            self.assertNotIn("guest-shutdown", [s["reason"] for s in heard])
            self.assert_rc(vm.call("monitor", interval_ms=INTERVAL_MS,
                                   params=STOP), OFF)

    def test_panic_is_a_crash(self):
        vm = self.running_with("panic", "panic=1")
        vm.wait_state("crashed")
        self.assert_rc(vm.call("monitor", interval_ms=INTERVAL_MS,
                               params=STOP), GENERIC, "crashed")

    def test_stop_is_marked_before_the_guest_is_asked(self):
        """QEMU says of it what it says of the guest's own: only the mark
        tells, so it is there first, and until the record goes."""
        vm = self.running_with("asked", f"power=slow:{SLOW_S}")
        listener = Listener(vm)
        self.assertFalse(os.path.exists(self.mark(vm)))
        stop = vm.begin("stop", params=STOP)
        wait_for(lambda: os.path.exists(self.mark(vm)), SHORT_S, "the mark")
        self.assertEqual(len(vm.pids()), 1)
        # A monitor beside it, as with the isolation response.
        vm.call("monitor", interval_ms=INTERVAL_MS, params=STOP)
        self.assertTrue(os.path.exists(self.mark(vm)))
        self.assertEqual([s["reason"] for s in listener.shutdowns()][0],
                         "guest-shutdown")
        stop.communicate(timeout=SHORT_S)
        self.assertEqual(stop.returncode, OK)
        self.assertTrue(vm.ended_cleanly())
        self.assertFalse(os.path.exists(self.mark(vm)))
        self.assertEqual(vm.record(), {})

    def test_mark_of_a_stop_that_was_cut_short(self):
        """A start that finds it running takes the mark back."""
        vm = self.running_with("cut", "power=ignore")
        stop = vm.begin("stop", params=STOP)
        wait_for(lambda: os.path.exists(self.mark(vm)), SHORT_S, "the mark")
        for pid in self.host.pids("VirtualMachine"):
            os.kill(pid, 9)
        stop.communicate(timeout=SHORT_S)
        self.assertTrue(os.path.exists(self.mark(vm)))
        self.assert_rc(vm.call("start", params=STOP), OK)
        self.assertFalse(os.path.exists(self.mark(vm)))

    def test_nobody_ends_qemu(self):
        """libvirtd hangs: off by wish is no failure, and says what to do."""
        vm = self.running_with("lingers", "poweroff=1")
        self.host.freeze_libvirtd()
        wait_for(lambda: vm.call("monitor", interval_ms=INTERVAL_MS).rc ==
                 GENERIC, SHORT_S, "the guest has shut down")
        self.assert_rc(vm.call("monitor", interval_ms=INTERVAL_MS,
                               params=STOP), DEGRADED, "off, as its guest wishes",
                       f"crm resource stop {vm.name}")
        self.assert_rc(vm.call("monitor", interval_ms=INTERVAL_MS), GENERIC)
        result = self.assert_stops(vm, params=STOP)
        self.assertIn("guest can't shut down", result.log)


if __name__ == "__main__":
    unittest.main()
