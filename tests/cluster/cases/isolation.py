# SPDX-License-Identifier: GPL-2.0-or-later
"""One host, or all of them, lose the network and keep their storage: what
becomes of their VMs is the isolation response, and never two copies."""
import time

from bed import wait_for

from . import case
from .cutoff import (LINKS, RESPONSE_DEADLINE_S, WATCH_S, all_alive, back, cut, flags,
                     manage, mend, protect, quiet, shell, stays, wait_held,
                     wait_sealed)
from .heartbeat import power_on, wait_off
from .migration import ENDLESS

ISOLATED_DEADLINE_S = 30
MIGRATION_S = 1.5


def wait_isolated(lab, host, by):
    wait_for(lambda: "isolated" in flags(lab, host, by), ISOLATED_DEADLINE_S,
             f"{host} declares itself isolated")
    lab.note(f"{host} is isolated")


def moved(lab, vm, victim, ordinal=2):
    """It runs elsewhere, once, and came up after its end there."""
    there = lab.where(vm, not_on=victim, deadline_s=RESPONSE_DEADLINE_S,
                      host=lab.others(victim)[0])
    vm.check(ordinal)
    lab.expect(vm.hosts() == [there], f"QEMU on {vm.hosts()}, not {there}")
    lab.note(f"{vm.name} runs on {there}, "
             f"{vm.first_write_mono(ordinal) - lab.line.t0:.2f} s after zero")
    return there


def start_refused(lab, vm, host):
    """A person who takes the cut-off host for dead is told no."""
    done = lab.bed.run(host, "crm_resource", "--force-start", "--resource",
                       vm.name, check=False)
    lab.expect(done.returncode != 0,
               f"a forced start of {vm.name} on {host}: {done.stdout}")
    lab.note(f"a forced start on {host} is refused")


@case(heartbeat=3)
def isolation_leave(lab):
    """Response none, not the coordinator: the host seals itself, its VM is held
    and runs on without a break; the network is back and all is as before."""
    vm, other = lab.vm("web1"), lab.vm("web2")
    dc = lab.cluster.state().dc
    victim, rest = lab.others(dc)
    manage(lab, vm, on=victim)
    lab.protect(other, on=rest)
    cut(lab, victim)
    wait_sealed(lab, victim)
    wait_held(lab, rest, victim, vm)
    wait_isolated(lab, victim, rest)
    start_refused(lab, vm, rest)
    stays(lab, "response none", web1=[victim], web2=[rest])
    quiet(lab, "isolated")
    mend(lab, victim)
    back(lab, vm)
    vm.check(ordinal=1)
    other.check(ordinal=1)
    quiet(lab, "isolated and back")


@case(heartbeat=3)
def isolation_coordinator(lab):
    """The coordinator, which is the master of a plain clone, is cut off:
    another one takes over, holds what it runs, and gives it back."""
    vm = lab.vm("web1")
    victim = lab.cluster.state().dc
    manage(lab, vm, on=victim, plain=True)
    cut(lab, victim)
    wait_sealed(lab, victim)
    rest = lab.others(victim)[0]
    wait_held(lab, rest, victim, vm)
    stays(lab, "response none", web1=[victim])
    mend(lab, victim)
    back(lab, vm)
    vm.check(ordinal=1)
    quiet(lab, "coordinator cut off and back")


@case(heartbeat=3)
def isolation_poweroff(lab):
    """Response poweroff: the VM is powered off there and starts elsewhere; the
    host itself lives on and is a member again later."""
    vm = lab.vm("web1")
    manage(lab, vm, isolation_response="poweroff")
    victim = lab.where(vm)
    cut(lab, victim)
    moved(lab, vm, victim)
    quiet(lab, "powered off")
    mend(lab, victim)
    back(lab, vm)
    vm.check(ordinal=2)


@case(heartbeat=3)
def isolation_mixed(lab):
    """Three VMs on one host, each with a response of its own: one runs on, one
    is powered off, one shut down; a guest that does not shut down is powered
    off in time; one that is not to be restarted is left alone."""
    stay = lab.vm("stay", params={"isolation_response": "none"})
    power = lab.vm("power", params={"isolation_response": "poweroff"})
    shut = lab.vm("shut")
    deaf = lab.vm("deaf", options="power=ignore")
    alone = lab.vm("alone", params={"restart_priority": "disabled"})
    vms = (stay, power, shut, deaf, alone)
    victim = lab.others(lab.cluster.state().dc)[0]
    manage(lab, *vms, on=victim, isolation_response="shutdown")
    cut(lab, victim)
    for vm in (power, shut, deaf):
        moved(lab, vm, victim)
    stays(lab, "left alone", stay=[victim], alone=[victim])
    quiet(lab, "mixed responses")
    mend(lab, victim)
    back(lab, *vms)
    for vm, ordinal in ((stay, 1), (power, 2), (shut, 2), (deaf, 2),
                        (alone, 1)):
        vm.check(ordinal)


@case(heartbeat=3)
def isolation_total(lab):
    """The whole network fails: every host is isolated, none is left that could
    restart anything, so no VM is touched although the response says so."""
    vms = [lab.vm(f"vm{n}") for n in (1, 2, 3)]
    manage(lab, isolation_response="poweroff")
    for vm, host in zip(vms, lab.hosts):
        protect(lab, vm, on=host)
    cut(lab, *lab.hosts)
    wait_sealed(lab, *lab.hosts)
    for host in lab.hosts:
        wait_isolated(lab, host, host)
    stays(lab, "total outage", seconds=3 * WATCH_S, vm1=[lab.hosts[0]],
          vm2=[lab.hosts[1]], vm3=[lab.hosts[2]])
    quiet(lab, "total outage")
    mend(lab, *lab.hosts)
    back(lab, *vms)
    for vm in vms:
        vm.check(ordinal=1)
    quiet(lab, "total outage and back")


@case(heartbeat=3)
def isolation_crash(lab):
    """A VM crashes on the isolated host: it is not started again there, not by
    its own Pacemaker either; it is released and starts elsewhere."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[0]
    manage(lab, vm, on=victim)
    cut(lab, victim)
    wait_held(lab, lab.others(victim)[0], victim, vm)
    (qemu,) = vm.qemus()
    lab.mark(f"QEMU of {vm.name} is killed")
    shell(lab, victim, f"kill -9 $(cat /run/libvirt/qemu/{vm.name}.pid)")
    wait_for(lambda: qemu not in vm.qemus(), WATCH_S, "its end")
    moved(lab, vm, victim)
    quiet(lab, "crash")
    mend(lab, victim)
    back(lab, vm)
    vm.check(ordinal=2)


@case(heartbeat=3)
def isolation_storage_too(lab):
    """Network and storage are lost together: nothing can be known but that
    its watchdog fires. It resets, and only then its VM starts elsewhere."""
    vm = lab.vm("web1")
    manage(lab, vm)
    victim = lab.where(vm)
    lab.begin()
    lab.bed.fault(victim, "all", "all", "hang")
    lab.mark(f"all links and datastores of {victim} are lost", is_zero=True)
    lab.bed.cut(victim)
    wait_off(lab, victim, "watchdog fired")
    moved(lab, vm, victim)
    lab.bed.heal(victim)
    lab.bed.restore(victim)
    power_on(lab, victim)
    back(lab, vm)
    vm.check(ordinal=2)


@case(heartbeat=3)
def isolation_then_dies(lab):
    """A held host dies while it is cut off: its VM is granted and starts
    elsewhere, without any fencing by Pacemaker, which has forgotten it."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[0]
    manage(lab, vm, on=victim)
    cut(lab, victim)
    wait_held(lab, lab.others(victim)[0], victim, vm)
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    moved(lab, vm, victim)
    for link in LINKS:
        lab.bed.restore(victim, link)
    power_on(lab, victim)
    back(lab, vm)
    vm.check(ordinal=2)


@case(heartbeat=3)
def isolation_pacemaker_stop(lab):
    """Pacemaker is stopped on the isolated host: whatever it does there with
    the VM, it runs once, and is not lost."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[0]
    manage(lab, vm, on=victim)
    cut(lab, victim)
    wait_held(lab, lab.others(victim)[0], victim, vm)
    lab.mark(f"pacemaker of {victim} is stopped")
    lab.bed.stop(victim, "pacemaker")
    time.sleep(WATCH_S)
    found = vm.hosts()
    lab.note(f"{vm.name} runs on {found}")
    lab.expect(len(found) <= 1, f"QEMU on {found}")
    mend(lab, victim)
    lab.bed.start(victim, "pacemaker")
    back(lab, vm)
    vm.check(ordinal=vm.owner().ordinal)
    all_alive(lab, "Pacemaker stopped")


@case(heartbeat=3)
def isolation_start_in_flight(lab):
    """The cut comes while a start is under way on that host: it ends there, or
    elsewhere, and never both."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[0]
    manage(lab, vm, on=victim)
    rest = lab.others(victim)[0]
    lab.cluster.crm(rest, f"--wait resource stop {vm.name}")
    vm.wait_gone()
    ordinal = vm.owner().ordinal
    lab.begin()
    lab.cluster.crm(rest, f"resource start {vm.name}")
    lab.mark(f"links of {victim} are cut", is_zero=True)
    for link in LINKS:
        lab.bed.cut(victim, link)
    vm.wait_write(ordinal + 1, deadline_s=RESPONSE_DEADLINE_S)
    lab.note(f"{vm.name} runs on {vm.hosts()}")
    lab.hold(WATCH_S, vm, vm.hosts(), "in flight")
    mend(lab, victim)
    back(lab, vm)
    vm.check(ordinal=vm.owner().ordinal)


@case(heartbeat=3)
def isolation_power_loss(lab):
    """All power fails, and one host stays away: the others find it dead, and
    start what it ran."""
    vms = [lab.vm(f"vm{n}") for n in (1, 2, 3)]
    manage(lab)
    for vm, host in zip(vms, lab.hosts):
        protect(lab, vm, on=host)
    away = lab.hosts[2]
    lab.begin()
    lab.mark("all power fails", is_zero=True)
    for host in lab.hosts:
        lab.bed.poweroff(host)
    for vm in vms:
        vm.wait_gone()
    for host in lab.others(away):
        lab.bed.poweron(host)
    lab.mark(f"power is back, {away} stays off")
    for vm in vms:
        vm.wait_write(2, deadline_s=2 * RESPONSE_DEADLINE_S)
        vm.check(ordinal=2)
        lab.expect(away not in vm.hosts(), f"QEMU on {vm.hosts()}")
    power_on(lab, away)
    back(lab, *vms)


def migration_cut(lab, victim_is_source):
    """The cut comes in the midst of a live migration that would not end by
    itself: one QEMU goes on, and the end is one host."""
    vm = lab.vm("web1", **ENDLESS)
    source, target = lab.others(lab.cluster.state().dc)
    manage(lab, vm, on=source)
    lab.begin()
    lab.cluster.crm(target, f"resource move {vm.name} {target}")
    wait_for(lambda: vm.hosts() == sorted((source, target)),
             RESPONSE_DEADLINE_S, "QEMU on both hosts")
    time.sleep(MIGRATION_S)
    victim = source if victim_is_source else target
    lab.mark(f"links of {victim} are cut", is_zero=True)
    for link in LINKS:
        lab.bed.cut(victim, link)
    wait_sealed(lab, victim)
    time.sleep(2 * WATCH_S)
    lab.note(f"QEMU on {vm.hosts()}")
    mend(lab, victim)
    lab.cluster.wait_online()
    lab.bed.run(lab.others(victim)[0], "crm_resource", "--clear", "-r",
                vm.name, check=False)
    back(lab, vm, deadline_s=2 * RESPONSE_DEADLINE_S)
    vm.check(ordinal=vm.owner().ordinal)
    all_alive(lab, "migration")


@case(heartbeat=3)
def isolation_migration_source(lab):
    """The source of a live migration is cut off: never two, never none."""
    migration_cut(lab, True)


@case(heartbeat=3)
def isolation_migration_target(lab):
    """The target of a live migration is cut off: never two, never none."""
    migration_cut(lab, False)
