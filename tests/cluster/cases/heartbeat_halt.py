# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that stand still, and a heartbeat daemon that does: longer than the
watchdog allows is a reset, shorter is nothing. Nobody resumes into a cluster
that has moved on."""
import time

from bed import BedError, wait_for

from . import case
from .heartbeat import (SEEN_DEADLINE_S, daemon_pid, is_off, moved,
                        nobody_fenced, power_on, status, wait_off)

REFUSED = "the watchdog will reset this host"
# Long enough for a fencing that a pause has caused to show.
QUIET_S = 5
# Beyond what its watchdog and the proof of its death take.
HANG_S = 8
LOG_ON_STORE = "/srv/hb1/heartbeatd.log"


def bearable_s(lab, host):
    """Half of what a host may stand still at its worst moment, when its last
    pet is two beats old: W - 2B."""
    timing = status(lab, host)["timing"]
    return (timing["watchdog_ms"] - 2 * timing["beat_ms"]) / 2000


@case(heartbeat=3)
def heartbeat_paused(lab):
    """A host, and its daemon alone, stand still for a moment: nothing comes of
    it. The host stands still for longer: reset, its VM restarts elsewhere
    once, and nothing is left that could go on."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    lab.begin()
    short_s = bearable_s(lab, victim)
    for stop, go in ((lab.bed.pause, lab.bed.resume),
                     (lambda h: lab.bed.freeze(h, "heartbeatd"),
                      lambda h: lab.bed.thaw(h, "heartbeatd"))):
        begun = time.monotonic()
        stop(victim)
        time.sleep(short_s)
        go(victim)
        lab.note(f"{victim}: stood still for "
                 f"{time.monotonic() - begun:.2f} s")
    lab.hold(QUIET_S, vm, [victim], "after short pauses")
    lab.expect(is_off(lab, victim) is None, f"{victim} is off")
    nobody_fenced(lab, "short pauses")
    vm.check(ordinal=1)
    lab.begin()
    lab.mark(f"{victim} stands still", is_zero=True)
    lab.bed.pause(victim)
    wait_off(lab, victim, "watchdog fired")
    moved(lab, vm, victim, 2, "silent")
    try:
        lab.bed.resume(victim)
        lab.expect(False, f"{victim} was resumed")
    except BedError as e:
        lab.note(f"resume: {e}")
    lab.hold(2, vm, vm.hosts(), "after the resume")
    vm.check(ordinal=2)


@case(heartbeat=3)
def heartbeat_log_hangs(lab):
    """All heartbeat datastores of a host hang, and with them the disk that its
    daemon logs to: the ring keeps it alive, its VM runs on."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    for daemon in ("pacemaker", "heartbeatd"):
        lab.bed.stop(victim, daemon)
    lab.bed.run(victim, "sh", "-c", "setsid /usr/sbin/vmha-heartbeatd -f "
                f">{LOG_ON_STORE} 2>&1 </dev/null &")
    lab.bed.start(victim, "pacemaker")
    lab.cluster.wait_online()
    lab.protect(vm, on=victim)
    lab.begin()
    lab.mark(f"datastores of {victim} and its log hang", is_zero=True)
    lab.bed.fault(victim, "all", "all", "hang")
    lab.hold(HANG_S, vm, [victim], "without datastores")
    lab.expect(status(lab, victim)["self"]["evidence"] == "ring",
               f"{victim}: {status(lab, victim)['self']}")
    lab.bed.heal(victim)
    wait_for(lambda: status(lab, victim)["self"]["evidence"] == "storage",
             SEEN_DEADLINE_S, f"{victim}: evidence by storage")
    vm.check(ordinal=1)
    nobody_fenced(lab, "lost datastores")


@case(heartbeat=3)
def heartbeat_daemon_gone(lab):
    """vmha-heartbeatd stands still, and on another host is killed: each is
    reset by its watchdog, the VM restarts elsewhere; the daemon does not start
    again before that."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    lab.begin()
    lab.mark(f"vmha-heartbeatd of {victim} stands still", is_zero=True)
    lab.bed.freeze(victim, "heartbeatd")
    wait_off(lab, victim, "watchdog fired")
    there = moved(lab, vm, victim, 2, "silent")
    power_on(lab, victim)
    victim = there
    pid = daemon_pid(lab, victim)
    lab.begin()
    lab.mark(f"SIGKILL to vmha-heartbeatd of {victim}", is_zero=True)
    done = lab.bed.run(victim, "sh", "-c", f"kill -9 {pid}; "
                       f"while kill -0 {pid} 2>/dev/null; do :; done; "
                       "exec /usr/sbin/vmha-heartbeatd -f", check=False)
    lab.expect(done.returncode == 1 and REFUSED in done.stderr,
               f"a second daemon: status {done.returncode}: {done.stderr}")
    lab.note(f"a second daemon says: {done.stderr.splitlines()[-1]}")
    wait_off(lab, victim, "watchdog fired")
    moved(lab, vm, victim, 3, "silent")
