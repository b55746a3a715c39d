# SPDX-License-Identifier: GPL-2.0-or-later
"""Heartbeat datastores that hang, fail or are slow. Lost storage alone resets
nobody and proves nothing: the ring keeps a host alive, and who died meanwhile
is not knowable before the storage is back."""
from bed import wait_for

from . import case
from .heartbeat import (SEEN_DEADLINE_S, fenced_by_proof, is_off, moved,
                        nobody_fenced, power_on, seen, status, wait_off)

NOT_PROVEN = "is not proven dead"
NOT_PROVEN_DEADLINE_S = 40
DEGRADED = 1
# Of the tolerated time of a write: well within, and beyond it.
WITHIN, BEYOND = 0.6, 1.4


def timing_s(lab, name):
    return status(lab, lab.hosts[0])["timing"][name] / 1000


def wait_evidence(lab, host, kind):
    """Until the host lives by that."""
    def own():
        return status(lab, host)["self"]
    wait_for(lambda: own()["evidence"] == kind, SEEN_DEADLINE_S,
             f"{host}: evidence by {kind}")
    lab.note(f"{host}: evidence is {kind}")


def all_on(lab, what):
    for host in lab.hosts:
        why = is_off(lab, host)
        lab.expect(why is None, f"{what}: {host} is off: {why}")


def heartbeat_status(lab, host):
    """(exit code, text) as an administrator sees it."""
    done = lab.bed.run(host, "vmha", "heartbeat", "status", check=False)
    return done.returncode, done.stdout


@case(heartbeat=3)
def heartbeat_storage_lost(lab):
    """All heartbeat datastores of a host hang, then fail: the ring keeps it
    alive, its VM runs on, nobody is fenced. Its network is cut as well: its
    watchdog resets it, and only then its VM starts elsewhere."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    quiet_s = 2 * timing_s(lab, "silence_ms")
    lab.begin()
    for action in ("hang", "fail EIO"):
        lab.mark(f"all heartbeat datastores of {victim}: {action}")
        lab.bed.fault(victim, "all", "all", action)
        wait_evidence(lab, victim, "ring")
        lab.hold(quiet_s, vm, [victim], f"datastores {action}")
        own, other = status(lab, victim)["self"], seen(lab, victim)
        lab.expect(own["evidence"] == "ring" and own["ring"] == "leased" and
                   other["proof"] == "silent" and other["member"],
                   f"{victim} has {own}, others see {other}")
        lab.bed.heal(victim)
        wait_evidence(lab, victim, "storage")
    all_on(lab, "lost datastores")
    nobody_fenced(lab, "lost datastores")
    vm.check(ordinal=1)
    lab.begin()
    lab.bed.fault(victim, "all", "all", "hang")
    wait_evidence(lab, victim, "ring")
    lab.mark(f"all links of {victim} are cut as well", is_zero=True)
    lab.bed.cut(victim)
    wait_off(lab, victim, "watchdog fired")
    moved(lab, vm, victim, 2, "silent")


@case(heartbeat=3)
def heartbeat_storage_all_lost(lab):
    """All heartbeat datastores hang on all hosts, for three times as long as
    proves a death: nobody is reset or fenced, VMs run on."""
    vm = lab.vm("web1")
    lab.protect(vm)
    host = lab.where(vm)
    lab.begin()
    lab.mark("all heartbeat datastores of all hosts hang")
    lab.bed.fault("all", "all", "all", "hang")
    for by in lab.hosts:
        wait_evidence(lab, by, "ring")
    lab.hold(3 * timing_s(lab, "silence_ms"), vm, [host],
             "without any datastore")
    all_on(lab, "without any datastore")
    lab.bed.heal()
    for by in lab.hosts:
        wait_evidence(lab, by, "storage")
    nobody_fenced(lab, "without any datastore")
    vm.check(ordinal=1)


# Ring evidence stands still while corosync forms a membership: whoever lives
# by it needs a watchdog that outlasts token, consensus and two beats.
@case(heartbeat=3, profile="vsphere")
def heartbeat_storage_not_knowable(lab):
    """A host loses power while all heartbeat datastores hang on all hosts: it
    is not proven dead before they are back; then it is, and its VM restarts
    elsewhere. The others live on by the ring."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    lab.protect(vm, on=victim)
    lab.begin()
    lab.bed.fault("all", "all", "all", "hang")
    for host in lab.hosts:
        wait_evidence(lab, host, "ring")
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    wait_for(lambda: lab.line.first(NOT_PROVEN), NOT_PROVEN_DEADLINE_S,
             f"a refusal to fence {victim}")
    lab.hold(3, vm, [], "while nothing is knowable")
    lab.expect(lab.line.first("counts as dead") is None,
               f"{victim} counts as dead")
    healed = lab.mark("the datastores are back") - lab.line.t0
    lab.bed.heal()
    moved(lab, vm, victim, 2, "silent")
    dead = fenced_by_proof(lab, victim, "silent")
    lab.expect(dead > healed, f"proof at {dead} s, storage at {healed} s")
    for host in lab.others(victim):
        why = is_off(lab, host)
        lab.expect(why is None, f"{host} is off: {why}")


@case(heartbeat=3)
def heartbeat_storage_one_lost(lab):
    """One of three heartbeat datastores hangs on all hosts: status says so,
    a host that loses power is proven dead all the same, and starts again."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    other = lab.others(victim)[0]
    lab.protect(vm, on=victim)
    code, text = heartbeat_status(lab, other)
    lab.expect(code == 0, f"status {code} of a sound heartbeat: {text}")
    lab.begin()
    lab.bed.fault("all", "hb3", "all", "hang")
    lab.mark("hb3 hangs on all hosts")

    def degraded():
        code, text = heartbeat_status(lab, other)
        return text if code == DEGRADED and "hb3" in text.rpartition(
            "DATASTORE")[2].partition("\n\n")[2] else None
    text = wait_for(degraded, SEEN_DEADLINE_S, "a heartbeat status of 1")
    lab.note(f"heartbeat status: 1, {text.splitlines()[-1].strip()}")
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    moved(lab, vm, victim, 2, "silent")
    power_on(lab, victim)
    lab.bed.heal()
    lab.mark("hb3 is back")
    wait_for(lambda: all(heartbeat_status(lab, h)[0] == 0 for h in lab.hosts),
             SEEN_DEADLINE_S, "a heartbeat status of 0 on all hosts")
    vm.check(ordinal=2)


@case(heartbeat=3)
def heartbeat_storage_slow(lab):
    """Slow heartbeat datastores: writes within the tolerance are evidence;
    beyond it, on as many as are needed, the ring takes over; slow reads and
    jitter hurt nobody. Nobody is reset or fenced."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    tolerance_ms = 1000 * timing_s(lab, "tolerance_ms")
    silence_ms = 1000 * timing_s(lab, "silence_ms")
    within, beyond = (round(tolerance_ms * x) for x in (WITHIN, BEYOND))
    lab.begin()
    for stores, op, delay, kind in (
            (["all"], "write", f"{within}", "storage"),
            (["hb1", "hb2"], "write", f"{beyond}", "ring"),
            (["all"], "read", f"{round(silence_ms * 1.2)}", "storage"),
            (["all"], "all", f"1 {beyond}", None)):
        what = f"each {op} on {stores} takes {delay} ms"
        lab.mark(f"{victim}: {what}")
        for store in stores:
            lab.bed.fault(victim, store, op, f"delay {delay}")
        if kind == "ring":
            wait_evidence(lab, victim, kind)
        lab.hold(1.5 * silence_ms / 1000, vm, [victim], what)
        if kind is not None:
            wait_evidence(lab, victim, kind)
        lab.bed.heal(victim)
        wait_evidence(lab, victim, "storage")
    all_on(lab, "slow datastores")
    nobody_fenced(lab, "slow datastores")
    vm.check(ordinal=1)
