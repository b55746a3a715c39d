# SPDX-License-Identifier: GPL-2.0-or-later
"""Live migration and the VM list (SAFETY 13): both hosts list the VM before
anything moves and until one side is proven not running, whatever dies; a
target that may take no VM is refused, and the guest runs on."""
import time

from bed import wait_for

from . import case
from .heartbeat import power_on
from .heartbeat_seal import ask, listed, order, own, wait_open
from .migration import begin_endless, migration_agent_killed, settle

EBUSY = 16
MOVED_DEADLINE_S = 30
LISTED_DEADLINE_S = 20
AGENT = "/usr/lib/ocf/resource.d/vmha/VirtualMachine"
AGENT_COMM = "VirtualMachine"
RESET_MIBS = 4096  # bandwidth that no guest can outrun


def lists(lab, vm, *hosts):
    """{host: state} of that VM."""
    found = {host: listed(lab, host).get(vm.name)
             for host in hosts or lab.hosts}
    return {host: state for host, state in found.items() if state}


def wait_lists(lab, vm, wanted, *hosts):
    wait_for(lambda: lists(lab, vm, *hosts) == wanted, LISTED_DEADLINE_S,
             f"the lists say {wanted}")


def refused(lab, vm, host, word):
    """Nobody else starts it, by the daemon's own word."""
    told = ask(lab, host, "announce", uuid=vm.uuid, resource=vm.name,
               state="starting", budget_ms=3000)
    lab.expect(not told["ok"] and told["errno"] == EBUSY and
               word in told["error"], f"a start on {host}: {told}")
    lab.note(f"a start on {host} is refused: {told['error']}")


def both_listed(lab, vm, source, target):
    lab.expect(lists(lab, vm) == {source: "outgoing", target: "incoming"},
               f"lists: {lists(lab, vm)}")
    lab.note(f"lists: outgoing on {source}, incoming on {target}")


def one_listed(lab, vm):
    """After all of it: one entry, where it runs."""
    wait_lists(lab, vm, {lab.where(vm): "running"},
               *[h["host"] for h in lab.bed.status() if h["state"] == "on"])


@case(heartbeat=3)
def migration_lock_lists(lab):
    """Both entries stand while the guest moves; one when it has moved."""
    vm, source, target = begin_endless(lab)
    boot = vm.boot()
    both_listed(lab, vm, source, target)
    (third,) = lab.others(source, target)
    refused(lab, vm, third, "is listed as")
    told = ask(lab, target, "withdraw", uuid=vm.uuid, resource=vm.name,
               budget_ms=3000)
    lab.expect(told["ok"] and told.get("kept"), f"withdraw: {told}")
    both_listed(lab, vm, source, target)
    lab.mark("the migration may end", is_zero=True)
    lab.bed.run(source, "virsh", "migrate-setspeed", vm.name, str(RESET_MIBS))
    lab.where(vm, on=target, deadline_s=MOVED_DEADLINE_S)
    lab.settle()
    vm.check(ordinal=1)
    lab.expect(vm.hosts() == [target], f"QEMU on {vm.hosts()}")
    lab.expect(vm.boot() == boot, "the guest was restarted")
    one_listed(lab, vm)


@case(heartbeat=3)
def migration_lock_fails(lab):
    """The migration is aborted: the target's entry goes with its stop."""
    vm, source, target = begin_endless(lab)
    boot = vm.boot()
    both_listed(lab, vm, source, target)
    lab.mark("domjobabort", is_zero=True)
    lab.bed.run(source, "virsh", "domjobabort", vm.name)
    settle(lab, vm, boot, lab.hosts, f"op end: migrate_to {vm.name} on "
           f"{source}: error")
    one_listed(lab, vm)
    lab.expect(lab.line.first("fencing") is None, "a host was fenced")


@case(heartbeat=3)
def migration_lock_source_dies(lab):
    """The source dies in the middle of a migration: never two."""
    vm, source, target = begin_endless(lab)
    boot = vm.boot()
    both_listed(lab, vm, source, target)
    lab.mark(f"power of {source} fails", is_zero=True)
    lab.bed.poweroff(source)
    lab.expect(settle(lab, vm, boot, lab.others(source),
                      f"fencing result: off {source} OK"),
               "the guest lives on without its memory?")
    one_listed(lab, vm)
    power_on(lab, source)


@case(heartbeat=3)
def migration_lock_handed_over(lab):
    """The guest runs on the target already, and the source dies before its
    agent has said so: nothing but the target's entry binds it. Never two."""
    vm, source, target = begin_endless(lab)
    boot = vm.boot()
    (third,) = lab.others(source, target)
    lab.mark("the source's agent stands still")
    lab.bed.freeze(source, AGENT_COMM)
    lab.bed.run(source, "virsh", "migrate-setspeed", vm.name, str(RESET_MIBS))
    wait_for(lambda: vm.hosts() == [target], MOVED_DEADLINE_S,
             "the guest is on the target")
    both_listed(lab, vm, source, target)
    lab.mark(f"handed over; power of {source} fails", is_zero=True)
    lab.bed.poweroff(source)
    refused(lab, vm, third, "is listed as")
    settle(lab, vm, boot, lab.others(source),
           f"fencing result: off {source} OK")
    one_listed(lab, vm)
    power_on(lab, source)


def agent(lab, vm, host, action, **meta):
    """The agent's action by hand, as Pacemaker would call it."""
    env = {"OCF_ROOT": "/usr/lib/ocf", "OCF_RESOURCE_INSTANCE": vm.name,
           "OCF_RESOURCE_TYPE": "VirtualMachine",
           "OCF_RESOURCE_PROVIDER": "vmha", "OCF_RA_VERSION_MAJOR": "1",
           "OCF_RA_VERSION_MINOR": "1",
           **{f"OCF_RESKEY_{k}": v for k, v in vm.params.items()},
           **{f"OCF_RESKEY_CRM_meta_{k}": v for k, v in meta.items()}}
    return lab.bed.run(host, "env", *[f"{k}={v}" for k, v in env.items()],
                       AGENT, action, check=False)


@case(heartbeat=3)
def migration_lock_sealed(lab):
    """A target that is sealed, or cut off: refused with the reason, nothing
    has moved, and the guest runs on."""
    vm = lab.vm("web1")
    lab.protect(vm, on="h1")
    boot = vm.boot()
    lab.begin()
    wait_open(lab, *lab.hosts)
    told = ask(lab, "h3", "master", on=True, lease_ms=60000)
    lab.expect(told["ok"], f"master: {told}")
    lab.cluster.crm("h1", "configure property maintenance-mode=true")
    try:
        lab.expect(order(lab, "h3", "h2", "seal") == 0, "seal")
        lab.expect(own(lab, "h2")["sealed"], "h2 is sealed")
        lab.mark("h2 is sealed", is_zero=True)
        not_moved(lab, vm, "h2", "h2 does not take web1: this host is sealed")
        lab.mark("corosync of h2 stands still")
        lab.bed.freeze("h2", "corosync")
        wait_for(lambda: not own_member(lab, "h1", "h2"), LISTED_DEADLINE_S,
                 "h1 drops h2")
        not_moved(lab, vm, "h2", "h2 is not in one corosync membership")
        lab.bed.thaw("h2", "corosync")
    finally:
        ask(lab, "h3", "master", on=False)
        wait_open(lab, "h2")
        lab.cluster.wait_online()
        lab.cluster.crm("h1", "configure property maintenance-mode=false")
    lab.settle()
    lab.expect(vm.boot() == boot, "the guest was restarted")
    vm.check(ordinal=1)
    one_listed(lab, vm)


def own_member(lab, by, host):
    (one,) = [h for h in ask(lab, by, "status")["hosts"] if h["name"] == host]
    return one["member"]


def not_moved(lab, vm, target, word):
    began = time.monotonic()
    done = agent(lab, vm, "h1", "migrate_to", timeout="40000",
                 migrate_source="h1", migrate_target=target)
    lab.note(f"migrate_to: {done.returncode} after "
             f"{time.monotonic() - began:.1f} s: {done.stderr.strip()}")
    lab.expect(done.returncode == 1 and word in done.stderr,
               f"migrate_to: {done.returncode} {done.stderr}")
    lab.expect(vm.hosts() == ["h1"], f"QEMU on {vm.hosts()}")
    lab.expect(lists(lab, vm, "h1", target) == {"h1": "running"},
               f"lists: {lists(lab, vm, 'h1', target)}")


@case(heartbeat=3)
def migration_lock_in_doubt(lab):
    """migrate_to is killed while libvirt's job lives on: the target's entry
    outlives the source's, and both are gone before the VM starts again."""
    migration_agent_killed(lab)
    (vm,) = lab.vms
    one_listed(lab, vm)


@case(heartbeat=3)
def migration_lock_source_cut_off(lab):
    """The source is cut off in the middle and lives on (fence_vmha resets it,
    since nobody manages its VMs): never two, and the target is not fenced."""
    vm, source, target = begin_endless(lab)
    boot = vm.boot()
    both_listed(lab, vm, source, target)
    lab.mark(f"{source} is cut off", is_zero=True)
    lab.bed.split(lab.others(source), [source])
    settle(lab, vm, boot, lab.others(source),
           f"fencing result: off {source} OK")
    lab.expect(lab.line.first(f"fencing requested: off {target}") is None,
               f"{target} was fenced")
    one_listed(lab, vm)
    lab.bed.join()
    power_on(lab, source)
