# SPDX-License-Identifier: GPL-2.0-or-later
"""The VirtualMachine agent and the VM list, with real daemons, libvirt and
QEMU (SAFETY 8, 9, 12): what runs is listed, whenever heartbeat came; and a
start that was stopped meanwhile, or whose entry went, runs no guest.

That no guest ran is proven by its disk. The tests build on one another, in the
order of their names. Needs root.
"""
import copy
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from bed import proc, wait_for
from bedhost import (DEGRADED, FREEZE_HOOK, GENERIC, HOOK, OK, SHORT_S,
                     BedHost, VM)
from three_hosts import NEWS_S, ThreeHosts

NANO_ELF = os.environ["NANO"]
BUDGET_MS = 12000
START_MS = 40000
STALLED_MS = 25000  # stall and failure together
INTERVAL_MS = 10000
SETTLE_S = 3.0
LISTEN_S = 60
EBUSY = 16


class Host(BedHost):
    """One of several in a bed."""

    def __init__(self, bed, name):  # pylint: disable=super-init-not-called
        self.bed = bed
        self.name = name
        self.pid = bed.ask("pid", host=name)
        self.root = f"/proc/{self.pid}/root"
        self.pid_inode = proc.namespace(self.pid, "pid")
        self.write(FREEZE_HOOK, HOOK, 0o755)
        bed.start(name, "libvirtd")

    def thaw_libvirtd(self):
        self.bed.thaw(self.name, "libvirtd")


class TestAgentList(ThreeHosts):
    name = "agent-list-test"

    @classmethod
    def begin(cls):
        """Heartbeat comes later, when guests run."""
        shutil.copy(NANO_ELF, f"{cls.bed.shared('ds1')}/nano.elf")
        cls.host = {name: Host(cls.bed, name) for name in ("h1", "h2")}

    # -- words ---------------------------------------------------------------

    def say(self, at, vm, state):
        self.good(at, "announce", state=state, uuid=vm.uuid,
                  resource=vm.name, budget_ms=BUDGET_MS)

    def end(self, at, vm):
        self.good(at, "withdraw", uuid=vm.uuid, resource=vm.name,
                  budget_ms=BUDGET_MS)

    def granted(self, host, vm, state):
        """How often the daemon has granted that."""
        with open(self.bed.log_path(host, "heartbeatd"),
                  encoding="utf-8", errors="replace") as f:
            return f.read().count(f"{vm.name} ({vm.uuid}) is {state} here")

    def vm(self, name, at="h1"):
        vm = VM(self.host[at], name)
        self.addCleanup(self.forget, vm)
        return vm

    def forget(self, vm):
        """The next test is about its own VM."""
        vm.forget()
        for host in self.host:
            self.ask(host, "withdraw", uuid=vm.uuid, resource=vm.name,
                     budget_ms=BUDGET_MS)

    @staticmethod
    def watch(vm, **how):
        return vm.call("monitor", interval_ms=INTERVAL_MS, **how)

    def by_hand(self, vm):
        vm.define()
        vm.host.virsh("start", vm.name)
        vm.wait_boots(1)

    def listen(self, vm):
        """What libvirt does with domains from now on; a guest that was ended
        at once leaves no trace on its disk."""
        out = tempfile.TemporaryFile("w+")
        self.addCleanup(out.close)
        child = subprocess.Popen(
            vm.host.argv("stdbuf", "-oL", "virsh", "event", "--event",
                         "lifecycle", "--loop", "--timeout", str(LISTEN_S)),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.addCleanup(child.wait, SHORT_S)
        self.addCleanup(child.kill)
        time.sleep(1)
        return out

    @staticmethod
    def was_resumed(vm, events):
        events.seek(0)
        return any(f"'{vm.name}'" in line and "Resumed" in line
                   for line in events.read().splitlines())

    def assert_no_guest(self, vm, events):
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            self.assertEqual(vm.boots(), 0, "a guest came up")
            time.sleep(0.05)
        self.assertEqual(vm.pids(), [])
        self.assertFalse(self.was_resumed(vm, events), "a guest was resumed")

    def begin_start(self, vm):
        child = vm.begin("start", timeout_ms=STALLED_MS)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait, SHORT_S)
        self.addCleanup(child.kill)
        return child

    def agent(self, vm):
        """The agent's process; `begin` has one around it."""
        wait_for(lambda: vm.host.pids("VirtualMachine"), SHORT_S,
                 "the agent runs")
        pid, = vm.host.pids("VirtualMachine")
        return pid

    def assert_start_fails(self, child, *words):
        try:
            _, err = child.communicate(timeout=START_MS / 1000)
        except subprocess.TimeoutExpired:
            self.fail("the start does not end")
        self.assertEqual(child.returncode, GENERIC, err)
        for word in words:
            self.assertIn(word, err)

    # -- tests ---------------------------------------------------------------

    def test_1_ran_before_heartbeat(self):
        """Started by the agent, by hand, and paused, before any datastore was
        configured: the next monitor lists each."""
        cls = type(self)
        cls.early = [VM(self.host["h1"], name)
                     for name in ("early", "hand", "paused")]
        started, hand, paused = cls.early
        for vm in (started, paused):
            vm.start()
            vm.wait_boots(1)
        self.by_hand(hand)
        for vm in cls.early:
            self.assertEqual(self.watch(vm).rc, OK)
        self.host["h1"].virsh("suspend", paused.name)
        self.bed.prepare_heartbeat()
        for daemon in ("corosync", "heartbeatd"):
            for host in self.hosts:
                self.bed.start(host, daemon)
        for host in self.hosts:
            self.wait_open(host)
        self.assertEqual(self.listed("h1"), {})
        for vm in cls.early:
            result = self.watch(vm)
            self.assertEqual(result.rc, OK, result)
        self.assertEqual(self.listed("h1"), {vm.name: "running"
                                             for vm in cls.early})
        # Once: a monitor of a listed VM asks nobody.
        for vm in cls.early:
            self.assertEqual(self.watch(vm).rc, OK)
            self.assertEqual(self.granted("h1", vm, "running"), 1)

    def test_2_another_incarnation(self):
        """A daemon that has begun anew, with an empty list, is told again."""
        for vm in self.early:
            self.end("h1", vm)
        self.bed.stop("h1", "heartbeatd")
        self.bed.start("h1", "heartbeatd")
        self.wait_open("h1")
        self.assertEqual(self.listed("h1"), {})
        for vm in self.early:
            self.assertEqual(self.watch(vm).rc, OK)
        self.assertEqual(self.listed("h1"), {vm.name: "running"
                                             for vm in self.early})
        # Restarted with its list, it needs no word.
        self.bed.stop("h1", "heartbeatd")
        self.bed.start("h1", "heartbeatd")
        self.wait_open("h1")
        vm = self.early[0]
        before = self.granted("h1", vm, "running")
        self.assertEqual(self.watch(vm).rc, OK)
        self.assertEqual(self.granted("h1", vm, "running"), before)
        for vm in self.early:
            self.assertEqual(vm.call("stop").rc, OK)
            vm.forget()
        self.assertEqual(self.listed("h1"), {})

    def test_3_held_elsewhere(self):
        """Another host has it on its list: said, and nothing is killed; the
        entry stays, so that no third host starts it."""
        vm = self.vm("twice")
        for state in ("starting", "running"):
            self.say("h2", vm, state)
        self.by_hand(vm)
        for _ in range(2):
            result = self.watch(vm)
            self.assertEqual(result.rc, DEGRADED, result)
            self.assertIn("is listed as running on h2", result.reason)
        self.assertEqual(len(vm.pids()), 1)
        self.assertEqual(self.listed("h1"), {"twice": "running"})
        self.end("h2", vm)
        self.assertEqual(self.watch(vm).rc, OK)
        self.assertEqual(vm.call("stop").rc, OK)

    def test_4_refused_start_leaves_nothing(self):
        vm = self.vm("refused")
        for state in ("starting", "running"):
            self.say("h2", vm, state)
        result = vm.call("start", timeout_ms=START_MS)
        self.assertEqual(result.rc, GENERIC, result)
        self.assertIn("is listed as running on h2", result.reason)
        self.assertEqual((vm.record(), vm.qmp_paths()), ({}, []))
        self.assertEqual(self.listed("h1"), {})
        self.end("h2", vm)
        events = self.listen(vm)
        vm.start()
        wait_for(lambda: self.was_resumed(vm, events), SHORT_S,
                 "libvirt tells of each guest that is resumed")
        self.assertEqual(self.listed("h1"), {"refused": "running"})
        self.assertEqual(self.watch(vm).rc, OK)
        self.assertEqual(self.granted("h1", vm, "running"), 1)
        self.assertEqual(vm.call("stop").rc, OK)

    def stall_after_grant(self, vm):
        """The agent's start stands still between the daemon's word and its
        next step. The lower name's entry makes it wait until then."""
        self.say("h1", vm, "starting")
        child = self.begin_start(vm)
        pid = self.agent(vm)
        wait_for(lambda: self.listed("h2").get(vm.name) == "starting", NEWS_S,
                 "the start is announced")
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.resume, pid)
        self.end("h1", vm)
        wait_for(lambda: self.granted("h2", vm, "starting") == 1, NEWS_S,
                 "the start is granted")
        return child, pid

    @staticmethod
    def resume(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def test_5_stopped_in_its_start(self):
        """A start stalls with its grant, its host seals, a stop says that
        nothing runs there, and another host takes the VM: the start goes on,
        and nothing may come of it."""
        vm = self.vm("stalled", at="h2")
        events = self.listen(vm)
        child, pid = self.stall_after_grant(vm)
        self.addCleanup(self.rejoin, "h2")
        self.bed.stop("h2", "corosync")
        wait_for(lambda: self.ask("h2", "status")["self"]["sealed"], NEWS_S,
                 "h2 is sealed")
        self.assertEqual(vm.call("stop").rc, OK)
        self.assertEqual(self.listed("h2"), {"stalled": "released"})
        for state in ("starting", "running"):
            self.say("h1", vm, state)
        self.resume(pid)
        self.assert_start_fails(child)
        self.assert_no_guest(vm, events)
        self.assertEqual(self.listed("h1"), {"stalled": "running"})

    def rejoin(self, host):
        self.bed.start(host, "corosync")
        self.wait_open(host)

    def test_6_another_start_is_not_undone(self):
        """Stopped, and started once more while the first start stalls: its
        failure takes nothing from the second."""
        vm = self.vm("second", at="h2")
        child, pid = self.stall_after_grant(vm)
        self.assertEqual(vm.call("stop").rc, OK)
        vm.start()
        vm.wait_boots(1)
        record = vm.record()
        self.resume(pid)
        self.assert_start_fails(child)
        self.assertEqual(len(vm.pids()), 1)
        self.assertEqual(vm.record(), record)
        self.assertEqual(self.listed("h2"), {"second": "running"})
        self.assertEqual(self.watch(vm).rc, OK)
        self.assertEqual(vm.call("stop").rc, OK)

    def test_7_entry_gone_before_it_runs(self):
        """The entry has gone while libvirt creates QEMU, and another host has
        the VM: the guest is never resumed, and QEMU is ended."""
        vm = self.vm("gone", at="h2")
        events = self.listen(vm)
        vm.freeze_at_start()
        child = self.begin_start(vm)
        self.addCleanup(self.host["h2"].heal_libvirtd)
        self.host["h2"].wait_frozen()
        self.end("h2", vm)
        for state in ("starting", "running"):
            self.say("h1", vm, state)
        self.host["h2"].thaw_libvirtd()
        self.assert_start_fails(child, "is listed as running on h1")
        self.assert_no_guest(vm, events)
        self.assertEqual(self.listed("h2"), {})
        self.assertEqual(vm.record(), {})
        self.end("h1", vm)

    def test_8_other_uuid(self):
        """The own entry of the same resource under an older UUID binds all
        others: a stop takes it off as well."""
        old = self.vm("renamed")
        new = copy.copy(old)
        new.uuid = str(uuid.uuid4())
        for state in ("starting", "running"):
            self.say("h1", old, state)
        self.end("h1", new)
        self.assertEqual(self.listed("h1"), {})
        self.say("h2", new, "starting")
        self.end("h2", new)
