# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirtd dies or hangs while VMs run or start: no VM may notice, and
nothing may come up late."""
import time

from bed import BedError, wait_for

from . import case

DEGRADED = "190"
NOTICE_DEADLINE_S = 20
CLEAR_DEADLINE_S = 20
START_S = 10
SEVERAL_MONITORS_S = 6
SILENCE_MAX_S = 2
GHOST_WATCH_S = 5
CATCH_TRIES = 5
MONITOR_OK = (r"Result of monitor operation for (\S+) on (\S+): ok",
              "monitor: {0} on {1}: ok")
# The start's own deadline, the stop after it, the start elsewhere, twice the
# libvirt answers that have to time out, and the machine's other work.
ELSEWHERE_DEADLINE_S = 60


def suffers(lab, act, undo):
    """The VM's libvirtd is out: degraded, not restarted; then well again.

    Pacemaker keeps showing the last failure of a monitor that is well again
    until a cleanup, so "well" is read from the monitor's own result."""
    vm = lab.vm("web1")
    lab.protect(vm)
    lab.look_for(MONITOR_OK)
    host, boot = lab.where(vm), vm.boot()
    act(host)
    state = lab.cluster.wait(lambda s: s.failures, NOTICE_DEADLINE_S,
                             "crm_mon shows the monitor's result")
    (failure,) = state.failures
    lab.mark(f"crm_mon shows {failure['exitcode']}: {failure['exitreason']}")
    lab.expect(failure["exitcode"] == DEGRADED, f"exit code of {failure}")
    lab.expect("libvirtd is down" in failure["exitreason"],
               f"no sentence: {failure}")
    time.sleep(SEVERAL_MONITORS_S)
    lab.expect(vm.hosts() == [host], f"QEMU on {vm.hosts()}")
    lab.expect(lab.where(vm) == host, "the VM was moved")
    vm.check(ordinal=1)
    undone = undo(host) - lab.line.t0
    wait_for(lambda: lab.line.first("monitor: web1 on .*: ok", after=undone),
             CLEAR_DEADLINE_S, "a monitor that says ok")
    lab.cluster.crm(host, f"resource cleanup {vm.name}")
    lab.cluster.wait(lambda s: not s.failures, CLEAR_DEADLINE_S,
                     "crm_mon shows no failure")
    lab.mark("monitor well, crm_mon shows no failure after a cleanup")
    lab.expect(vm.boot() == boot and vm.hosts() == [host], "it was restarted")
    vm.check(ordinal=1)
    lab.expect(vm.largest_gap_s() < SILENCE_MAX_S, "the guest was silent")


@case()
def libvirtd_killed(lab):
    """libvirtd is killed: no VM restarts; degraded, then well again."""
    def act(host):
        lab.mark(f"SIGKILL to libvirtd on {host}")
        lab.bed.kill(host, "libvirtd")

    def undo(host):
        lab.bed.start(host, "libvirtd")
        return lab.mark("libvirtd was started again")
    suffers(lab, act, undo)


@case()
def libvirtd_frozen(lab):
    """libvirtd hangs: no VM restarts; degraded, then well again."""
    def act(host):
        lab.mark(f"libvirtd on {host} frozen")
        lab.bed.freeze(host, "libvirtd")

    def undo(host):
        lab.bed.thaw(host, "libvirtd")
        return lab.mark("libvirtd thawed")
    suffers(lab, act, undo)


@case()
def start_with_frozen_libvirtd(lab):
    """libvirtd hangs at the start: it fails in time and with a sentence, the
    VM starts elsewhere, and nothing comes up late."""
    vm = lab.vm("web1", ops={"start": f"timeout={START_S}s"})
    lab.mark("libvirtd on h1 frozen", is_zero=True)
    lab.bed.freeze("h1", "libvirtd")
    lab.protect(vm, on="h1", wait=False)
    node = lab.where(vm, not_on="h1", deadline_s=ELSEWHERE_DEADLINE_S)
    begun = lab.line.first("op begin: start web1 on h1")
    ended = lab.line.first("op end: start web1 on h1: error .*libvirt")
    lab.expect(begun is not None and ended is not None,
               "no start on h1 that ended with a sentence about libvirt")
    lab.expect(ended - begun < START_S, f"start took {ended - begun:.1f} s")
    vm.check(ordinal=1)
    lab.mark("libvirtd thawed")
    lab.bed.thaw("h1", "libvirtd")
    lab.hold(GHOST_WATCH_S, vm, [node], "thawed")
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")
    vm.check(ordinal=1)


@case()
def start_agent_killed(lab):
    """The agent is killed in the midst of a start that libvirtd holds up:
    Pacemaker recovers, and the start's request brings up no ghost."""
    vm = lab.vm("web1", ops={"start": "timeout=20s"})
    lab.bed.freeze("h1", "libvirtd")
    lab.protect(vm, on="h1", wait=False)
    wait_for(lambda: lab.line.first("op begin: start web1 on h1"),
             NOTICE_DEADLINE_S, "the start on h1")
    time.sleep(1)
    lab.mark("SIGKILL to the agent in its start", is_zero=True)
    lab.bed.kill("h1", "VirtualMachine")
    node = lab.where(vm, not_on="h1", deadline_s=ELSEWHERE_DEADLINE_S)
    vm.check(ordinal=1)
    lab.mark("libvirtd thawed")
    lab.bed.thaw("h1", "libvirtd")
    lab.hold(GHOST_WATCH_S, vm, [node], "thawed")
    vm.check(ordinal=1)


def caught_in_start(lab, vm):
    """Freezes libvirtd when its QEMU is there and kills the agent, which has
    not told it to run yet; False when the agent was quicker."""
    wait_for(vm.qemus, NOTICE_DEADLINE_S, "QEMU", poll_s=0.001)
    lab.bed.freeze("h1", "libvirtd")
    lab.mark("QEMU is there, libvirtd on h1 frozen", is_zero=True)
    try:
        lab.bed.kill("h1", "VirtualMachine")
    except BedError:
        lab.mark("the agent was done already")
        return False
    lab.mark("SIGKILL to the agent in its start")
    return True


@case()
def start_killed_late(lab):
    """libvirtd freezes in the midst of creating QEMU, the agent is killed:
    QEMU is cleared away, and after the thaw nothing comes up late."""
    vm = lab.vm("web1", ops={"start": "timeout=20s"})
    lab.protect(vm, on="h1", wait=False)
    for _ in range(CATCH_TRIES):
        if caught_in_start(lab, vm):
            break
        lab.bed.thaw("h1", "libvirtd")
        lab.cluster.crm("h1", f"--wait resource stop {vm.name}")
        lab.cluster.crm("h1", f"resource start {vm.name}")
    time.sleep(1)
    node = lab.where(vm, not_on="h1", deadline_s=ELSEWHERE_DEADLINE_S)
    vm.wait_write()
    lab.mark("libvirtd thawed")
    lab.bed.thaw("h1", "libvirtd")
    lab.hold(GHOST_WATCH_S, vm, [node], "thawed")
    vm.check(vm.owner().ordinal)
