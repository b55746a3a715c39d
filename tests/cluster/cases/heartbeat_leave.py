# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that the cluster loses while they live on and their VMs run: they beat,
so nobody may take them for dead. They are ordered to reset themselves, and
only their silence afterwards is the proof."""
from bed import wait_for

from . import case
from .heartbeat import (SEEN_DEADLINE_S, fenced_by_proof, moved, power_on,
                        wait_off)

# How a host ends that obeys: Pacemaker asks for off here, or reboots.
OBEYED = ("switched off by itself", "reset by itself", "panic by sysrq",
          "watchdog fired")
LINKS = ("link0", "link1")


def obeyed(lab, victim):
    """It was ordered, ended, and only then counted as dead."""
    wait_off(lab, victim, *OBEYED)
    wait_for(lambda: lab.line.first(f"{victim} counts as dead"),
             SEEN_DEADLINE_S, f"proof that {victim} is dead")
    order = lab.line.first(f"heartbeat: {victim} is ordered")
    dead = fenced_by_proof(lab, victim, "silent")
    lab.expect(order is not None and order < dead,
               f"order at {order} s, proof at {dead} s")


def obeys(lab, vm, victim, ordinal=2):
    obeyed(lab, victim)
    moved(lab, vm, victim, ordinal, "silent")


def force_start(lab, vm, victim):
    """Past Pacemaker, by a person who takes the host for dead: the list on
    the datastores says that it is not."""
    done = lab.bed.run(lab.others(victim)[0], "crm_resource", "--force-start",
                       "--resource", vm.name, check=False)
    said = " ".join((done.stdout + done.stderr).split())
    lab.note(f"a forced start: status {done.returncode}")
    lab.expect(done.returncode != 0 and
               f"{vm.name} is listed as running on {victim}" in said,
               f"a forced start: status {done.returncode}: {said}")


@case(heartbeat=3)
def heartbeat_cut(lab):
    """All links of a host but storage are cut: it beats on, nobody can start
    its VM, by force neither; it is ordered to reset, and only then the VM
    starts elsewhere."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    lab.begin()
    lab.mark(f"links of {victim} are cut", is_zero=True)
    for link in LINKS:
        lab.bed.cut(victim, link)
    force_start(lab, vm, victim)
    obeys(lab, vm, victim)
    lab.hold(2, vm, vm.hosts(), "after the restart")


@case(heartbeat=3)
def heartbeat_corosync_killed(lab):
    """corosync is killed: the host beats on with its VM, is ordered to reset,
    and only then the VM starts elsewhere."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    lab.begin()
    lab.mark(f"SIGKILL to corosync of {victim}", is_zero=True)
    lab.bed.kill(victim, "corosync")
    obeys(lab, vm, victim)


def decided(lab, vm, victim):
    """Pacemaker fences a host whose controller has died, or finds it started
    again in time; the VM's boots."""
    other = lab.others(victim)[0]
    wait_for(lambda: lab.line.first("fencing requested") is not None or
             lab.line.first("controller: S_NOT_DC", host=victim) is not None,
             SEEN_DEADLINE_S, f"what Pacemaker makes of {victim}")
    lab.cluster.settle(host=other)
    if lab.line.first("fencing requested") is None:
        lab.note(f"the controller of {victim} was started again in time")
        lab.cluster.wait_online(host=other)
        vm.check(ordinal=1)
        return 1
    obeys(lab, vm, victim)
    power_on(lab, victim)
    return 2


@case(heartbeat=3)
def heartbeat_pacemaker_killed(lab):
    """Pacemaker's controller is killed, and then all of Pacemaker: the host is
    a member and beats. Whatever Pacemaker decides, the VM never runs twice."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    # Its coordinator may compute just before it hears of the end of a
    # Pacemaker, and looks again only after this (default: 15 min).
    lab.bed.run(victim, "crm_attribute", "--type", "crm_config", "--name",
                "cluster-recheck-interval", "--update", "10s")
    lab.begin()
    lab.mark(f"SIGKILL to pacemaker-controld of {victim}", is_zero=True)
    lab.bed.kill(victim, "pacemaker-controld")
    ordinal = decided(lab, vm, victim)
    victim = lab.where(vm)
    lab.begin()
    lab.mark(f"SIGKILL to all of Pacemaker of {victim}", is_zero=True)
    lab.bed.kill(victim, "pacemaker")
    obeys(lab, vm, victim, ordinal + 1)
