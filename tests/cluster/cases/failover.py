# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts and QEMUs that die, and hosts that leave politely."""
import os
import signal

from . import case

RESTART_DEADLINE_S = 60


def total(vm):
    return vm.owner().total


@case()
def host_killed(lab):
    """A host dies: its VM restarts elsewhere and sees its own data."""
    vm = lab.vm("web1")
    lab.protect(vm)
    victim = lab.where(vm)
    written = total(vm)
    died = lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    there = lab.where(vm, not_on=victim, deadline_s=RESTART_DEADLINE_S)
    vm.check(ordinal=2)
    lab.expect(vm.hosts() == [there], f"QEMU on {vm.hosts()}, not {there}")
    lab.expect(total(vm) > written, "the guest lost what it had written")
    fenced = lab.line.first(f"fencing result: off {victim} OK")
    begun = lab.line.first(f"op begin: start {vm.name}")
    lab.expect(fenced is not None and fenced < begun,
               f"start at {begun} s, fencing at {fenced} s")
    lab.note(f"host death to the guest's write: "
             f"{vm.first_write_mono(2) - died:.2f} s")


@case()
def qemu_killed(lab):
    """QEMU is killed: the VM is started again, nobody is fenced."""
    vm = lab.vm("web1")
    lab.protect(vm)
    for ordinal in (2, 3):
        (qemu,) = vm.qemus()
        killed = lab.mark(f"SIGKILL to QEMU on {qemu.host}")
        os.kill(qemu.pid, signal.SIGKILL)
        vm.wait_write(ordinal, RESTART_DEADLINE_S)
        vm.check(ordinal)
        lab.note(f"QEMU's death to the guest's write: "
                 f"{vm.first_write_mono(ordinal) - killed:.2f} s")
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")


@case(hosts=5)
def two_of_five(lab):
    """Two of five hosts die at once: all their VMs restart."""
    vms = [lab.vm(f"vm{i}") for i in range(1, 6)]
    lab.protect(*vms)
    at = {vm: lab.where(vm) for vm in vms}
    victims = sorted(set(at.values()))[:2]
    lab.expect(len(victims) == 2, f"VMs were placed so: {at.values()}")
    lab.mark(f"power of {victims} fails", is_zero=True)
    for victim in victims:
        lab.bed.poweroff(victim)
    for vm in vms:
        moved = at[vm] in victims
        vm.wait_write(2 if moved else 1, RESTART_DEADLINE_S)
    lab.mark("all run")
    for vm in vms:
        moved = at[vm] in victims
        node = lab.where(vm, deadline_s=RESTART_DEADLINE_S)
        lab.expect(node not in victims, f"{vm.name} is said to be on {node}")
        vm.check(2 if moved else 1)
    lab.expect(lab.cluster.state().quorate, "quorum is lost")


@case(hosts=5)
def clean_shutdown(lab):
    """Two hosts are shut down one after the other: the VMs leave first by
    live migration, no guest restarts, nobody is fenced."""
    vms = [lab.vm(f"vm{i}") for i in range(1, 5)]
    lab.protect(*vms)
    boots = {vm: vm.boot() for vm in vms}
    lab.begin()
    for _ in range(2):
        host = lab.where(vms[0])
        lab.mark(f"shutdown of {host}")
        lab.bed.shutdown(host)
        lab.mark(f"{host} is off")
        for vm in vms:
            lab.where(vm, not_on=host)
            lab.expect(vm.hosts() and host not in vm.hosts(),
                       f"{vm.name} is on {vm.hosts()}")
    for vm in vms:
        vm.check(ordinal=1)
        lab.expect(vm.boot() == boots[vm], f"{vm.name} was restarted")
        lab.note(vm.silence())
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")
