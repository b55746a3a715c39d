# SPDX-License-Identifier: GPL-2.0-or-later
"""Live migration: on request, by standby, and broken half-way.

A broken migration must end with the guest on exactly one host. Whether the
guest survives it is up to Pacemaker too, which stops a resource on both ends
of a migration that failed: the timeline says which it was.
"""
import time

from bed import wait_for

from . import case

GAP_MAX_S = 2.0
SETTLE_DEADLINE_S = 90
BEGIN_DEADLINE_S = 20
HALFWAY_S = 1.5
QEMU_COMM = "qemu-system-x86"  # of its main thread, cut at 15 bytes
LATE_WATCH_S = 5
OTHERS_BACK_MAX_S = 25
MOVE_FAILED = "op end: migrate_to web1 on h1: error"
# Memory that changes faster than this bandwidth carries it: such a migration
# does not end by itself, so that there is time to break it.
ENDLESS = {"options": "dirty=32768", "memory_mib": 96,
           "params": {"migration_bandwidth": "1"}}


@case()
def live_migration(lab):
    """crm resource move: the guest goes on, silent for less than 2 s."""
    vm = lab.vm("web1")
    lab.protect(vm)
    boot = vm.boot()
    for _ in range(2):
        source = lab.where(vm)
        target = lab.others(source)[0]
        began = lab.mark(f"move {source} -> {target}")
        lab.cluster.crm(source, f"--wait resource move {vm.name} {target}")
        lab.mark("crm is done")
        lab.expect(lab.where(vm) == target, "it is not there")
        vm.check(ordinal=1)
        lab.expect(vm.hosts() == [target], f"QEMU on {vm.hosts()}")
        gap = vm.largest_gap_s(since=began)
        lab.note(vm.silence(since=began))
        lab.expect(gap < GAP_MAX_S, f"the guest was silent for {gap:.2f} s")
        lab.expect(vm.boot() == boot, "the guest was restarted")


@case()
def standby_drains(lab):
    """Standby empties a host by live migration, no guest restarts."""
    vms = [lab.vm(f"vm{i}") for i in range(1, 5)]
    lab.protect(*vms, on="h1")
    boots = [vm.boot() for vm in vms]
    began = lab.mark("standby h1", is_zero=True)
    lab.cluster.crm("h1", "--wait node standby h1")
    lab.mark("crm is done")
    for vm, boot in zip(vms, boots):
        lab.where(vm, not_on="h1")
        vm.check(ordinal=1)
        lab.expect("h1" not in vm.hosts(), f"{vm.name} is still on h1")
        lab.expect(vm.boot() == boot, f"{vm.name} was restarted")
        gap = vm.largest_gap_s(since=began)
        lab.expect(gap < GAP_MAX_S, f"{vm.name} was silent for {gap:.2f} s")
    lab.cluster.crm("h1", "node online h1")


def no_dc(lab, *but):
    """A host that is not the one whose controller decides: when that dies,
    its successor forgets what is under way, and the story is another one."""
    dc = lab.cluster.state().dc
    return [h for h in lab.others(*but) if h != dc][0]


def begin_endless(lab, target="h2", **ops):
    """A VM in the midst of a migration; (vm, source, target)."""
    vm = lab.vm("web1", ops=ops, **ENDLESS)
    lab.protect(vm, on="h1")
    lab.begin()
    lab.cluster.crm("h1", f"resource move {vm.name} {target}")
    wait_for(lambda: vm.hosts() == ["h1", target], BEGIN_DEADLINE_S,
             "QEMU on both hosts")
    lab.mark("QEMU on both hosts, memory is moving")
    time.sleep(HALFWAY_S)
    return vm, "h1", target


def settle(lab, vm, boot, allowed, event):
    """After that event and what Pacemaker makes of it: exactly one host,
    and Pacemaker knows which. True when the guest was restarted."""
    wait_for(lambda: lab.line.first(event), SETTLE_DEADLINE_S, event,
             poll_s=0.5)
    lab.settle()
    found = vm.hosts()
    lab.expect(len(found) == 1 and found[0] in allowed, f"QEMU on {found}")
    host = found[0]
    lab.expect(lab.where(vm) == host, f"Pacemaker thinks {lab.where(vm)}")
    restarted = vm.wait_write().boot != boot
    lab.note(f"ended on {host}: Pacemaker "
             f"{'restarted the guest' if restarted else 'let the guest be'}")
    vm.check(ordinal=2 if restarted else 1)
    return restarted


@case()
def migration_source_dies(lab):
    """The source dies during a migration: the VM restarts, on one host."""
    vm, source, _ = begin_endless(lab)
    boot = vm.boot()
    lab.mark(f"power of {source} fails", is_zero=True)
    lab.bed.poweroff(source)
    lab.expect(settle(lab, vm, boot, lab.others(source),
                      f"fencing result: off {source} OK"),
               "the guest lives on without its memory?")


@case()
def migration_target_dies(lab):
    """The target dies during a migration: the VM ends on one host, and the
    target's other VMs restart."""
    other = lab.vm("web2")
    target = no_dc(lab, "h1")
    lab.protect(other, on=target)
    vm, _, _ = begin_endless(lab, target)
    boot = vm.boot()
    died = lab.mark(f"power of {target} fails", is_zero=True)
    lab.bed.poweroff(target)
    settle(lab, vm, boot, lab.others(target),
           f"fencing result: off {target} OK")
    other.check(ordinal=2)
    # A controller that survives waits for the migrate_to before it fences, so
    # the agent must not wait for libvirt's keepalive (30 s) to end it.
    took_s = other.first_write_mono(2) - died
    lab.note(f"{other.name}, which ran on {target}, wrote again after "
             f"{took_s:.1f} s")
    lab.expect(took_s < OTHERS_BACK_MAX_S,
               "the dead host's other VMs waited for the migration")


@case()
def migration_link_cut(lab):
    """The migration's network breaks: the VM ends on one host."""
    vm, _, target = begin_endless(lab)
    boot = vm.boot()
    lab.mark(f"link0 of {target} is cut", is_zero=True)
    lab.bed.cut(target, "link0")
    settle(lab, vm, boot, lab.hosts, MOVE_FAILED)
    lab.bed.restore(target, "link0")
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")


@case()
def migration_times_out(lab):
    """migrate_to runs out of time: the VM ends on one host."""
    vm, _, _ = begin_endless(lab, migrate_to="timeout=14s")
    boot = vm.boot()
    settle(lab, vm, boot, lab.hosts, MOVE_FAILED)
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")


@case()
def migration_agent_killed(lab):
    """migrate_to is killed while the target's libvirtd hangs: libvirt's job
    lives on, so stop ends the guest at once, and nothing arrives later."""
    vm = lab.vm("web1", options="power=ignore", ops={"start": "timeout=20s"})
    lab.protect(vm, on="h1")
    boot = vm.boot()
    lab.begin()
    lab.bed.freeze("h2", "libvirtd")
    lab.cluster.crm("h1", f"resource move {vm.name} h2")
    wait_for(lambda: lab.line.first("op begin: migrate_to web1 on h1"),
             BEGIN_DEADLINE_S, "the migration's begin")
    time.sleep(HALFWAY_S)
    lab.mark("SIGKILL to the agent in its migrate_to", is_zero=True)
    lab.bed.kill("h1", "VirtualMachine")
    wait_for(lambda: lab.line.first("op begin: stop web1 on h1"),
             BEGIN_DEADLINE_S, "the stop on h1", poll_s=0.002)
    lab.mark("libvirtd on h2 thawed")
    lab.bed.thaw("h2", "libvirtd")
    # Asked politely, it would have had the time to arrive on h2 after h2's
    # stop had said that it is not there.
    lab.expect(settle(lab, vm, boot, lab.hosts,
                      "op end: migrate_to web1 on h1"),
               "the guest was not ended at once")
    lab.hold(LATE_WATCH_S, vm, vm.hosts(), "late arrival")
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")


@case()
def migration_in_doubt(lab):
    """migrate_to is killed and QEMU is silent: stop asks the target's
    libvirt, and only its word makes it a stop."""
    vm = lab.vm("web1", ops={"start": "timeout=20s"})
    lab.protect(vm, on="h1")
    boot = vm.boot()
    lab.begin()
    lab.bed.freeze("h2", "libvirtd")
    lab.cluster.crm("h1", f"resource move {vm.name} h2")
    wait_for(lambda: lab.line.first("op begin: migrate_to web1 on h1"),
             BEGIN_DEADLINE_S, "the migration's begin")
    time.sleep(HALFWAY_S)
    lab.mark("QEMU on h1 hangs, SIGKILL to the agent", is_zero=True)
    lab.bed.freeze("h1", QEMU_COMM)
    lab.bed.kill("h1", "VirtualMachine")
    lab.bed.thaw("h2", "libvirtd")
    lab.mark("libvirtd on h2 thawed")
    restarted = settle(lab, vm, boot, lab.hosts, "op end: stop web1 on h1")
    lab.expect(restarted, "the guest was not ended")
    lab.expect(lab.line.first("op end: stop web1 on h1: ok"),
               "stop on h1 did not succeed")
    lab.hold(LATE_WATCH_S, vm, vm.hosts(), "late arrival")
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")
