# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs that do not run as the cluster has them: started by hand, running twice,
or left behind by a resource that is gone. They are found and named on every
host, and what runs is on its host's list, so that nothing starts it again."""
import json

from bed import wait_for

from . import case
from .cutoff import manage
from .restart import warm

FOUND_DEADLINE_S = 60
SETTLED_DEADLINE_S = 60
REFUSED_DEADLINE_S = 40
WATCH_S = 5
KEEP_ORPHANS = "stop-orphan-resources"


def told(lab, by):
    """`vmha status` of that host; nothing while its daemon does not answer."""
    done = lab.bed.run(by, "vmha", "status", "--json", check=False)
    return json.loads(done.stdout) if done.stdout else None


def found(lab, by):
    """{VM: what was found} as any host tells it; None: it can't tell."""
    status = told(lab, by)
    return status and {one["vm"]: one for one in status["found"]}


def wait_found(lab, vm, by, kind):
    """Until it was found; what was said of it."""
    one = wait_for(lambda: (found(lab, by) or {}).get(vm.name),
                   FOUND_DEADLINE_S, f"{vm.name} is found")
    lab.mark(f"{by} says: {one['text']} -> {one['todo']}")
    lab.expect(one["kind"] == kind, f"it is {one['kind']}, not {kind}")
    return one


def wait_lost(lab, vm, by):
    def is_lost():
        seen = found(lab, by)
        return seen is not None and vm.name not in seen
    wait_for(is_lost, SETTLED_DEADLINE_S, f"{vm.name} is found no more")
    lab.mark(f"{by} finds nothing any more")


def listed(lab, vm, by):
    """{host: state} of the VM on the lists; None: it can't tell."""
    status = told(lab, by)
    return status and {one["host"]: vm_["state"] for one in status["vms"]
                       for vm_ in one.get("vms", [])
                       if vm_["resource"] == vm.name}


def wait_listed(lab, vm, by, wanted):
    wait_for(lambda: listed(lab, vm, by) == wanted, SETTLED_DEADLINE_S,
             f"{vm.name} is listed as {wanted}")
    lab.mark(f"{vm.name} is on these lists: {wanted}")


def by_hand(lab, vm, host):
    """As an administrator would: no agent, no list, no socket of ours."""
    lab.bed.run(host, "virsh", "-q", "create", "/dev/stdin", stdin=vm.xml())
    lab.mark(f"virsh create {vm.name} on {host}", True)


def stopped(lab, vm, *more):
    """Managed, and stopped by its administrator."""
    warm(lab)
    manage(lab, vm, *more)
    lab.cluster.crm(lab.cluster.any_host(), f"resource stop {vm.name}")
    lab.settle()
    vm.wait_gone()


@case(heartbeat=3)
def orphans_hand_started(lab):
    """A VM that the cluster has stopped is started with virsh: found, named on
    every host and listed; a start elsewhere is refused; after virsh destroy
    all is well again."""
    vm = lab.vm("web1")
    stopped(lab, vm)
    by_hand(lab, vm, "h2")
    vm.wait_write(2)
    one = wait_found(lab, vm, "h1", "hand-started")
    lab.expect(one["host"] == "h2", f"on {one['host']}")
    wait_listed(lab, vm, "h3", {"h2": "running"})
    why = lab.bed.run("h3", "vmha", "why", vm.name, check=False).stdout
    lab.expect("virsh destroy web1 on h2" in why, f"vmha why: {why}")
    lab.mark("h2 is forbidden, and the VM is to start")
    lab.cluster.configure("h1", "location web1-not-h2 web1 -inf: h2\n")
    lab.cluster.crm("h1", "resource start web1")
    state = lab.cluster.wait(lambda s: s.failures, REFUSED_DEADLINE_S,
                             "a refused start")
    reasons = {f.get("exitreason", "") for f in state.failures}
    lab.mark(f"crm_mon says: {sorted(reasons)}")
    lab.expect(any("h2" in r for r in reasons), f"no reason: {reasons}")
    lab.hold(WATCH_S, vm, ["h2"], "refused")
    lab.bed.run("h2", "virsh", "-q", "destroy", vm.name)
    lab.mark("virsh destroy on h2", True)
    wait_lost(lab, vm, "h1")
    lab.cluster.wait_started(vm.name, SETTLED_DEADLINE_S, not_on="h2")
    vm.check(ordinal=3)


@case(heartbeat=3)
def orphans_cleared(lab):
    """A VM that was started by hand, known by its config file alone, ends by
    itself: its entry goes, though Pacemaker never had it there."""
    vm = lab.vm("web1")
    del vm.params["uuid"]
    stopped(lab, vm)
    by_hand(lab, vm, "h3")
    wait_listed(lab, vm, "h1", {"h3": "running"})
    lab.bed.run("h3", "virsh", "-q", "destroy", vm.name)
    wait_listed(lab, vm, "h1", {})
    wait_lost(lab, vm, "h1")
    lab.cluster.crm("h1", "resource start web1")
    lab.where(vm)
    vm.check(ordinal=3)


@case(heartbeat=3)
def orphans_taken_over(lab):
    """A VM that was started by hand is taken over as it runs, by the command
    that is named."""
    vm = lab.vm("web1")
    stopped(lab, vm)
    by_hand(lab, vm, "h2")
    vm.wait_write(2)
    wait_found(lab, vm, "h1", "hand-started")
    lab.bed.run("h1", "crm", "configure", "location", "web1-h2", "web1",
                "200:", "h2")
    lab.bed.run("h1", "crm_resource", "--resource", vm.name, "--meta",
                "--set-parameter", "target-role", "--parameter-value",
                "Started")
    lab.bed.run("h1", "crm_resource", "--refresh", "--resource", vm.name,
                "--node", "h2")
    wait_lost(lab, vm, "h1")
    lab.where(vm, on="h2")
    vm.check(ordinal=2)


@case(heartbeat=3)
def orphans_resource_deleted(lab):
    """A resource is deleted while its VM runs on: the process is found and
    named, and its entry goes with it."""
    vm, other = lab.vm("web1"), lab.vm("db1")
    warm(lab)
    manage(lab, vm, other)
    host = lab.where(vm)
    by = lab.others(host)[0]
    # Pacemaker would stop what it knows no more.
    lab.bed.run(by, "crm_attribute", "--name", KEEP_ORPHANS, "--update",
                "false")
    lab.bed.run(by, "crm", "resource", "unmanage", vm.name)
    lab.settle()
    lab.bed.run(by, "crm", "--force", "configure", "delete", vm.name)
    lab.mark("resource deleted", True)
    one = wait_found(lab, vm, by, "orphan")
    lab.expect(one["host"] == host, f"on {one['host']}")
    lab.expect(vm.hosts() == [host], f"it runs on {vm.hosts()}")
    wait_listed(lab, vm, by, {host: "running"})
    lab.bed.run(host, "virsh", "-q", "destroy", vm.name)
    wait_lost(lab, vm, by)
    wait_listed(lab, vm, by, {})
    lab.bed.run(by, "crm_attribute", "--name", KEEP_ORPHANS, "--delete")
    other.check(ordinal=1)


@case(heartbeat=3)
def orphans_duplicate(lab):
    """A second copy is started by hand on disks that do not forbid it: both
    hosts name it, and nothing is ended by itself."""
    vm = lab.vm("web1")
    warm(lab)
    manage(lab, vm)
    host = lab.where(vm)
    wrong = lab.others(host)[0]
    by = lab.others(host, wrong)[0]
    # QEMU's own lock would refuse it: a copy without the disk is as wrong.
    xml = vm.xml()
    begin, end = xml.index("<disk"), xml.index("</disk>") + len("</disk>")
    lab.bed.run(wrong, "virsh", "-q", "create", "/dev/stdin",
                stdin=xml[:begin] + xml[end:])
    lab.mark(f"virsh create on {wrong}", True)
    for where, kind in ((wrong, "duplicate"), (host, "twin")):
        wait_for(lambda w=where, k=kind: [
            one["kind"] for one in (told(lab, by) or {"found": []})["found"]
            if one["host"] == w] == [k], FOUND_DEADLINE_S,
            f"a {kind} on {where}")
        lab.mark(f"{by} tells of a {kind} on {where}")
    lab.hold(WATCH_S, vm, [host, wrong], "nothing is ended")
    lab.bed.run(wrong, "virsh", "-q", "destroy", vm.name)
    wait_lost(lab, vm, by)
    wait_listed(lab, vm, by, {host: "running"})
    vm.check(ordinal=1)
