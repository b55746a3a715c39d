# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that lost its heartbeat datastores and keeps its network can't write
that a VM has ended there: the master does it for it (SAFETY 26). Without a
master the stop fails, and nobody starts the VM."""
from bed import wait_for

from . import case
from .cutoff import manage, master
from .heartbeat import nobody_fenced
from .heartbeat_seal import ask, listed, no_fencing, wait_open
from .heartbeat_storage import all_on, wait_evidence

EIO, EBUSY = 5, 16
MOVED_DEADLINE_S = 60
RECORD_DEADLINE_S = 20
FAILED_DEADLINE_S = 60
ASK_MS = 3000
HOLD_S = 5
LISTED_AS = "is listed as"


def records(lab, by):
    told = ask(lab, by, "holds")
    lab.expect(told["ok"], f"holds: {told}")
    return [h for h in told["holds"] if h["kind"] == "released"]


def lose_storage(lab, host):
    lab.mark(f"all heartbeat datastores of {host} hang", is_zero=True)
    lab.bed.fault(host, "all", "all", "hang")
    wait_evidence(lab, host, "ring")


def no_migration(lab, vm):
    """Stopped and started: what lost its storage sends nothing away."""
    lab.bed.run(lab.cluster.any_host(), "crm_resource", "--resource", vm.name,
                "--meta", "--set-parameter", "allow-migrate",
                "--parameter-value", "false")


def start(lab, vm, host):
    return ask(lab, host, "announce", uuid=vm.uuid, resource=vm.name,
               state="starting", budget_ms=ASK_MS)


def move(lab, vm, host, ordinal):
    lab.mark(f"crm resource move {vm.name} {host}")
    lab.cluster.crm(lab.cluster.any_host(),
                    f"resource move {vm.name} {host} force")
    lab.where(vm, on=host, deadline_s=MOVED_DEADLINE_S)
    vm.check(ordinal)
    lab.expect(vm.hosts() == [host], f"QEMU on {vm.hosts()}, not {host}")


def stop_failed(lab, vm):
    found = [f for f in lab.cluster.state().failures
             if f.get("op_key", "").startswith(f"{vm.name}_stop")]
    return found[0] if found else None


@case(heartbeat=3)
def released_ring(lab):
    """A host loses all its heartbeat datastores and keeps its network: its VM
    is stopped there, the master writes that down, and the VM starts on another
    host; nobody is reset. The storage is back: the record goes, and the host
    takes the VM again."""
    vm = lab.vm("web1")
    dc = lab.cluster.state().dc
    victim, rest = lab.others(dc)
    manage(lab, vm, on=victim)
    no_migration(lab, vm)
    lab.begin()
    lose_storage(lab, victim)
    lab.hold(HOLD_S, vm, [victim], "datastores lost")
    move(lab, vm, rest, 2)
    found = records(lab, rest)
    lab.expect(len(found) == 1 and found[0]["resource"] == vm.name and
               found[0]["owner"] == victim and
               found[0]["by"] == master(lab, rest), f"records: {found}")
    lab.note(f"written down by {found[0]['by']}: {found[0]}")
    lab.expect(listed(lab, victim, rest).get(vm.name) == "released",
               f"list of {victim}: {listed(lab, victim, rest)}")
    told = start(lab, vm, victim)
    lab.expect(not told["ok"] and told["errno"] == EIO,
               f"a start on {victim}: {told}")
    lab.note(f"a start on {victim} is refused: {told['error']}")
    all_on(lab, "released")
    nobody_fenced(lab, "released")
    lab.mark(f"the datastores of {victim} are back")
    lab.bed.heal(victim)
    wait_evidence(lab, victim, "storage")
    wait_for(lambda: not records(lab, rest), RECORD_DEADLINE_S,
             "the end of the record")
    lab.expect(vm.name not in listed(lab, victim, rest),
               f"list of {victim}: {listed(lab, victim, rest)}")
    move(lab, vm, victim, 3)
    wait_for(lambda: listed(lab, victim, rest).get(vm.name) == "running",
             RECORD_DEADLINE_S, f"{vm.name} on the list of {victim}")
    all_on(lab, "released and back")
    nobody_fenced(lab, "released and back")


@case(heartbeat=3)
def released_ring_no_master(lab):
    """The same without a master: the stop fails, and the VM, which is stopped
    but still listed, starts nowhere until the storage is back."""
    vm = lab.vm("web1")
    victim, rest = lab.hosts[1:]
    lab.protect(vm, on=victim)
    wait_open(lab, *lab.hosts)
    with no_fencing(lab):
        lab.begin()
        lose_storage(lab, victim)
        lab.cluster.crm(rest, f"resource stop {vm.name}")
        failed = wait_for(lambda: stop_failed(lab, vm), FAILED_DEADLINE_S,
                          f"a failed stop of {vm.name}")
        lab.note(f"the stop fails: {failed}")
        vm.wait_gone()
        lab.expect(not records(lab, rest), f"records: {records(lab, rest)}")
        told = start(lab, vm, rest)
        lab.expect(not told["ok"] and told["errno"] == EBUSY and
                   LISTED_AS in told["error"], f"a start on {rest}: {told}")
        lab.note(f"a start on {rest} is refused: {told['error']}")
        lab.mark(f"the datastores of {victim} are back")
        lab.bed.heal(victim)
        wait_evidence(lab, victim, "storage")
        wait_for(lambda: vm.name not in listed(lab, victim, rest),
                 RECORD_DEADLINE_S, f"the end of the entry of {vm.name}")
        lab.cluster.crm(rest, f"resource cleanup {vm.name}")
        lab.settle()
        lab.cluster.crm(rest, f"resource start {vm.name}")
        lab.where(vm, deadline_s=MOVED_DEADLINE_S)
        vm.check(ordinal=2)
    all_on(lab, "no master")
