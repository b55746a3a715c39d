# SPDX-License-Identifier: GPL-2.0-or-later
"""What monitor says of each state that a VM can be brought into for real.

Rows of the state table that are missing here need what the nano guest is not:
"suspended" and "watchdog" a guest with drivers for it, "internal-error" a KVM
that fails, "save-vm" and "finish-migrate" last for a moment only.
"""
import os
import signal
import unittest

from bedhost import DEGRADED, GENERIC, OFF, OK, SHORT_S, wait_for
from case import HostCase
from rawqemu import RawQemu

INTERVAL_MS = 10000
# One QMP question may take 1 s, libvirt's opinion 2 s, and the machine is slow.
HUNG_LIMIT_S = 4.5
# 50 ms is the aim where only files and processes are looked at.
QUICK_LIMIT_S = 1.0
TINY_FS_BYTES = 8192


class TestStates(HostCase):
    def monitor(self, vm, **how):
        how.setdefault("interval_ms", INTERVAL_MS)
        return vm.call("monitor", **how)

    def raw(self, vm, *options, **how):
        qemu = RawQemu(vm, *options, **how)
        self.addCleanup(qemu.end)
        return qemu

    # -- the guest -----------------------------------------------------------

    def test_running(self):
        vm = self.running("run")
        result = self.assert_rc(self.monitor(vm), OK)
        self.note("monitor, running", f"{result.wall_s * 1000:.1f} ms wall")

    def test_paused_by_a_person(self):
        vm = self.running("paused")
        self.host.virsh("suspend", vm.name)
        self.assert_rc(self.monitor(vm), OK)
        self.assert_rc(self.monitor(vm, interval_ms=0), OK)
        self.assert_stops(vm)

    def test_io_error(self):
        """A full datastore; the guest goes on when there is room again."""
        full = "/srv/full"
        os.makedirs(self.host.path(full), exist_ok=True)
        self.host.run("mount", "-t", "tmpfs", "-o", f"size={TINY_FS_BYTES}",
                      "full", full)
        self.addCleanup(self.host.run, "umount", "-l", full)
        vm = self.vm("ioerror", directory=full, cache="writeback")
        vm.start()
        vm.wait_state("paused")
        self.assert_rc(self.monitor(vm), DEGRADED, "I/O error")
        self.host.run("mount", "-o", "remount,size=4m", full)
        self.host.virsh("resume", vm.name)
        vm.wait_boots(1)
        self.assert_rc(self.monitor(vm), OK)
        self.assert_stops(vm)

    def test_panic(self):
        vm = self.running("panic", "panic=1")
        vm.wait_state("crashed")
        self.assert_rc(self.monitor(vm), GENERIC, "crashed")
        self.assert_rc(self.monitor(vm, interval_ms=0), GENERIC, "crashed")
        first = vm.pid()
        vm.start()
        self.assertNotEqual(vm.pid(), first)
        self.assert_rc(self.monitor(vm), OK)

    def test_shut_down_from_inside(self):
        vm = self.running("poweroff", "poweroff=1")
        vm.wait_gone()
        self.assert_rc(self.monitor(vm), OFF)

    def test_shut_down_while_libvirtd_is_frozen(self):
        """Nobody ends the QEMU: not running, and not off either."""
        vm = self.running("lingers", "poweroff=1")
        self.host.freeze_libvirtd()
        wait_for(lambda: self.monitor(vm).rc != DEGRADED, SHORT_S,
                 "the guest has shut down")
        self.assert_rc(self.monitor(vm), GENERIC, "shut down from inside")
        self.assert_stops(vm)

    # -- the process ---------------------------------------------------------

    def test_process_killed(self):
        vm = self.running("killed")
        vm.signal(signal.SIGKILL)
        self.assert_rc(self.monitor(vm), OFF)
        self.assertEqual(vm.pids(), [])
        self.assert_rc(self.monitor(vm, interval_ms=0), OFF)
        self.assertEqual(vm.record(), {})

    def test_hung_qemu(self):
        vm = self.running("hung")
        vm.signal(signal.SIGSTOP)
        result = self.assert_rc(self.monitor(vm), DEGRADED, "does not answer")
        self.assert_in_time(result.wall_s, HUNG_LIMIT_S, result)
        self.note("monitor, QEMU stopped by SIGSTOP",
                  f"{result.wall_s:.2f} s wall")
        vm.signal(signal.SIGCONT)
        self.assert_rc(self.monitor(vm), OK)

    def test_hung_qemu_keeps_a_short_deadline(self):
        vm = self.running("short")
        vm.signal(signal.SIGSTOP)
        result = self.monitor(vm, timeout_ms=1500)
        self.assert_rc(result, DEGRADED)
        self.assert_in_time(result.wall_s, 1.5, result)

    # -- libvirtd ------------------------------------------------------------

    def check_libvirtd_down(self, name, end):
        vm = self.running(name)
        end()
        result = self.assert_rc(self.monitor(vm), DEGRADED, "libvirtd is down")
        self.assert_in_time(result.wall_s, QUICK_LIMIT_S, result)
        self.note(f"monitor, libvirtd {name}",
                  f"{result.wall_s * 1000:.1f} ms wall")
        self.assert_stops(vm)
        self.assert_rc(self.monitor(vm, interval_ms=0), OFF)

    def test_libvirtd_killed(self):
        self.check_libvirtd_down("killed", self.host.kill_libvirtd)

    def test_libvirtd_frozen(self):
        self.check_libvirtd_down("frozen", self.host.freeze_libvirtd)

    def test_socket_gone(self):
        """libvirt speaks for it, and without libvirt the process does."""
        vm = self.running("nosocket")
        for path in vm.qmp_paths():
            os.unlink(path)
        self.assert_rc(self.monitor(vm), OK)
        self.host.virsh("suspend", vm.name)
        self.assert_rc(self.monitor(vm), OK)
        self.host.virsh("resume", vm.name)
        self.host.freeze_libvirtd()
        self.assert_rc(self.monitor(vm), DEGRADED, "libvirtd is down")
        self.assert_stops(vm)

    def test_everything_hangs(self):
        vm = self.running("allhung")
        vm.signal(signal.SIGSTOP)
        self.host.freeze_libvirtd()
        result = self.assert_rc(self.monitor(vm), DEGRADED, "does not answer",
                                "libvirtd is down")
        self.assert_in_time(result.wall_s, HUNG_LIMIT_S, result)

    # -- what the agent remembers ---------------------------------------------

    def check_found_again(self, vm):
        pid = vm.record()["pid"]
        yield
        result = self.assert_rc(self.monitor(vm), OK)
        self.assertEqual(vm.record().get("pid"), pid)
        self.assertEqual(vm.record().get("phase"), "running")
        yield result

    def test_record_deleted(self):
        vm = self.running("norecord")
        check = self.check_found_again(vm)
        next(check)
        os.unlink(self.host.path(vm.record_path()))
        next(check)
        self.assert_stops(vm)

    def test_record_torn(self):
        vm = self.running("torn")
        check = self.check_found_again(vm)
        next(check)
        text = self.host.read(vm.record_path())
        self.host.write(vm.record_path(), text[:len(text) // 2], 0o600)
        self.assertIn("record ignored", next(check).log)

    def test_record_of_another_process(self):
        """A number that was given to somebody else is not the VM."""
        vm = self.running("reused")
        right = vm.record()
        for key in ("start_ticks", "pid"):
            vm.edit_record(key, "1")
            self.assert_rc(self.monitor(vm), OK)
            self.assertEqual(vm.record()[key], right[key])

    def test_everything_forgotten(self):
        """The socket's name alone says whose it is."""
        vm = self.running("forgotten")
        os.unlink(self.host.path(vm.record_path()))
        os.unlink(self.host.path(f"/var/lib/vmha/vm/{vm.name}"))
        os.unlink(self.host.path(vm.config))
        self.assert_rc(self.monitor(vm), OK)
        self.assert_stops(vm)

    def test_config_gone(self):
        vm = self.running("noconfig")
        os.unlink(self.host.path(vm.config))
        self.assert_rc(self.monitor(vm), OK)
        self.assert_stops(vm)
        self.assert_rc(self.monitor(vm, interval_ms=0), OFF)

    def test_config_gone_and_the_daemon_dead(self):
        vm = self.running("nothing")
        os.unlink(self.host.path(vm.config))
        self.host.kill_libvirtd()
        self.assert_rc(self.monitor(vm), DEGRADED)
        self.assert_stops(vm)

    # -- who is it? ------------------------------------------------------------

    def test_started_by_hand(self):
        vm = self.vm("byhand")
        self.host.virsh("create", vm.config)
        vm.wait_boots(1)
        pid = vm.pid()
        self.assert_rc(self.monitor(vm, interval_ms=0), OK)
        self.assertEqual(vm.record().get("pid"),
                         self.host.run("pgrep", "-f", f"guest={vm.name},")
                         .stdout.strip())
        vm.start()
        self.assertEqual(vm.pid(), pid)
        self.host.virsh("suspend", vm.name)
        self.assert_rc(self.monitor(vm), OK)
        self.host.virsh("resume", vm.name)
        self.assert_stops(vm, params={"shutdown_timeout": "2s"})

    def test_unknown_identity(self):
        vm = self.vm("who")
        os.unlink(self.host.path(vm.config))
        self.assert_rc(self.monitor(vm, interval_ms=0), OFF)
        other = self.vm("somebody")
        foreign = self.raw(other, ours=False)
        for interval_ms in (0, INTERVAL_MS):
            self.assert_rc(self.monitor(vm, interval_ms=interval_ms), GENERIC,
                           "give the parameter uuid", vm.config)
        self.assert_rc(self.monitor(vm, interval_ms=0,
                                    params={"uuid": vm.uuid}), OFF)
        self.assertEqual(vm.call("stop").rc, GENERIC)
        foreign.end()
        self.assert_rc(self.monitor(vm), OFF)

    # -- states of QEMU that need no libvirt -------------------------------------

    def test_prelaunch(self):
        vm = self.vm("prelaunch")
        self.assertEqual(self.raw(vm, "-S").status(), "prelaunch")
        self.assert_rc(self.monitor(vm), GENERIC, "never finished")
        self.assert_stops(vm)

    def test_migration_in_out_and_away(self):
        source = self.vm("moving")
        out = self.raw(source)
        to = f"unix:/run/{source.name}.migration"
        self.assert_rc(self.monitor(source), OK)
        target = self.vm("arriving")
        arriving = self.raw(target, "-incoming", to)
        self.assertEqual(arriving.status(), "inmigrate")
        self.assert_rc(self.monitor(target), OK)
        out.tell("migrate", uri=to)
        out.wait_status("postmigrate")
        self.assert_rc(self.monitor(source), GENERIC, "migrated away")
        arriving.wait_status("running")
        self.assert_rc(self.monitor(target), OK)
        self.assert_stops(source)
        self.assert_stops(target, params={"shutdown_timeout": "1s"})

    def test_shutdown_without_anybody_who_ends_it(self):
        vm = self.vm("ended")
        qemu = self.raw(vm, "-no-shutdown", "-append", "poweroff=1")
        qemu.wait_status("shutdown")
        self.assert_rc(self.monitor(vm), GENERIC, "shut down from inside")
        self.assert_stops(vm)

    def test_start_that_died_half_way(self):
        """Paused, in phase starting, and its agent is no more."""
        vm = self.running("halfway")
        self.host.virsh("suspend", vm.name)
        vm.edit_record("phase", "starting")
        self.assert_rc(self.monitor(vm), GENERIC, "never finished")
        first = vm.pid()
        vm.start()
        self.assertNotEqual(vm.pid(), first)
        vm.wait_boots(2)


if __name__ == "__main__":
    unittest.main()
