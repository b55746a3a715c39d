# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts without power, and hosts that come back: their heartbeat alone proves
what became of them. There is no power switch in these beds."""
from . import case
from .heartbeat import (bring, fenced_by_proof, moved, nobody_fenced, power_on,
                        seen, wait_off, wait_seen)

# Keeps fence_vmha waiting until the victim has booted again.
FENCE_DELAY_S = 6
UNGUARDED = "no armed watchdog guards it"


def pull_the_plug(lab, victim):
    lab.begin()
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)


@case(heartbeat=3)
def heartbeat_power_off(lab):
    """A host loses power: dead by proof, its VM restarts elsewhere; it boots
    again with a new incarnation, is not fenced again, takes the VM back."""
    vm = lab.vm("web1")
    dc = lab.cluster.state().dc
    victim = lab.others(dc)[-1]
    lab.protect(vm, on=victim)
    before = seen(lab, victim)
    lab.expect(before["list_count"] == 1, f"{victim} lists: {before}")
    pull_the_plug(lab, victim)
    moved(lab, vm, victim, 2, "silent")
    lab.expect(seen(lab, victim)["proof"] == "silent",
               f"seen is {seen(lab, victim)}")
    lab.begin()
    power_on(lab, victim)
    after = wait_seen(lab, victim, "a new incarnation that beats",
                      proof="alive", member=True)
    lab.expect(after["incarnation"] > before["incarnation"],
               f"incarnation {after['incarnation']} after "
               f"{before['incarnation']}")
    lab.note(f"{victim}: incarnation {after['incarnation']}")
    bring(lab, vm, victim)
    vm.check(ordinal=2)
    nobody_fenced(lab, "after the boot")


@case(heartbeat=3)
def heartbeat_power_off_dc(lab):
    """The host that decides for Pacemaker loses power, and a VM with it."""
    vm = lab.vm("web1")
    victim = lab.cluster.state().dc
    lab.protect(vm, on=victim)
    lab.expect(lab.cluster.state().dc == victim, "the DC has changed")
    pull_the_plug(lab, victim)
    moved(lab, vm, victim, 2, "silent")


@case(heartbeat=3)
def heartbeat_replaced(lab):
    """A host that lost power beats again before it is fenced: its higher
    incarnation proves the old one dead, the VM restarts elsewhere."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    lab.protect(vm, on=victim)
    before = seen(lab, victim)["incarnation"]
    lab.cluster.crm(lab.others(victim)[0],
                    f"resource param fence set delay {FENCE_DELAY_S}")
    lab.settle()
    pull_the_plug(lab, victim)
    lab.bed.boot(victim)
    lab.bed.start(victim, "heartbeatd")
    after = wait_seen(lab, victim, "a new incarnation", proof="alive",
                      incarnation=before + 1)
    lab.note(f"{victim} beats again, incarnation {after['incarnation']}, and "
             "is no member")
    moved(lab, vm, victim, 2, "replaced")
    lab.begin()
    lab.mark(f"corosync and Pacemaker start on {victim}")
    for daemon in ("libvirtd", "corosync", "pacemaker"):
        lab.bed.start(victim, daemon)
    lab.cluster.wait_online()
    bring(lab, vm, victim)
    vm.check(ordinal=2)
    nobody_fenced(lab, "after the boot")


@case(heartbeat=3)
def heartbeat_shutdown(lab):
    """A host is shut down: the VM leaves first, nobody is fenced; asked all
    the same, fence_vmha gives no order; it starts again."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    other = lab.others(victim)[0]
    lab.protect(vm, on=victim)
    boot = vm.boot()
    lab.begin()
    lab.mark(f"shutdown of {victim}", is_zero=True)
    lab.bed.shutdown(victim)
    lab.mark(f"{victim} is off")
    wait_off(lab, victim, "shut down")
    lab.where(vm, not_on=victim)
    vm.check(ordinal=1)
    lab.expect(vm.boot() == boot, "the guest was restarted")
    wait_seen(lab, victim, "the word of its stop", proof="stopped",
              list_count=0)
    nobody_fenced(lab, "a clean stop")
    # Its daemon stops before corosync does: whether the others see it leave
    # first decides if it counts as stopped or, safer, as unguarded.
    done = lab.bed.run(other, "fence_vmha", "-o", "off", "-n", victim,
                       check=False)
    lab.note(f"asked for off: status {done.returncode} {done.stderr.strip()}")
    if done.returncode == 0:
        fenced_by_proof(lab, victim, "stopped")
    else:
        lab.expect(UNGUARDED in done.stderr, f"it says {done.stderr}")
    lab.expect(lab.line.first("is ordered") is None, "an order was given")
    lab.begin()
    power_on(lab, victim)
    wait_seen(lab, victim, "beats", proof="alive", member=True)
    nobody_fenced(lab, "after the boot")
