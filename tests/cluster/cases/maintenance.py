# SPDX-License-Identifier: GPL-2.0-or-later
"""What an administrator does with hosts and VMs by the vmha command: a host is
emptied for maintenance, a VM stopped and started with the proof, a running VM
of ocf:heartbeat:VirtualDomain taken over."""
import json

from bed import wait_for

from . import case
from .cutoff import RESPONSE_DEADLINE_S, manage
from .heartbeat import power_on

COMMAND_DEADLINE_S = 200
PROTECTED_DEADLINE_S = 40
GAP_MAX_S = 2.0
OLD = ("primitive {name} ocf:heartbeat:VirtualDomain params "
       "config=/srv/config/{name}.xml hypervisor=qemu:///system "
       "migration_transport=tcp migrate_options=--unsafe "
       "autoset_utilization_cpu=false autoset_utilization_hv_memory=false "
       "autoset_utilization_host_memory=false meta allow-migrate=true "
       "op monitor interval=5s timeout=30s op start timeout=60s "
       "op stop timeout=60s op migrate_to timeout=60s "
       "op migrate_from timeout=60s\n"
       "location {name}-prefers-{host} {name} 50: {host}\n")


def vmha(lab, *words, by=None, code=0):
    """The finished command; its exit code is looked at (None: any)."""
    by = by or lab.cluster.any_host()
    done = lab.bed.run(by, "vmha", *words, check=False,
                       deadline_s=COMMAND_DEADLINE_S)
    lab.expect(code in (done.returncode, None),
               f"vmha {' '.join(words)}: exit code {done.returncode}, not "
               f"{code}: {done.stdout}{done.stderr}")
    lab.mark(f"vmha {' '.join(words)}: exit code {code}")
    return done


def told(lab, *words, **more):
    return json.loads(vmha(lab, *words, "--json", **more).stdout)


def agent(lab, vm):
    return lab.cluster.state().resources[vm.name]["agent"]


def same_guest(lab, vm, before):
    """The same QEMU process, on the same host."""
    lab.expect([(q.host, q.pid) for q in vm.qemus()] ==
               [(q.host, q.pid) for q in before],
               f"{vm.name}: QEMU was {before}, is {vm.qemus()}")


def gone_by(lab, vm, host, began):
    """It has left that host, live."""
    lab.expect(host not in vm.hosts(), f"{vm.name} is still on {host}")
    vm.check(ordinal=1)
    gap = vm.largest_gap_s(since=began)
    lab.expect(gap < GAP_MAX_S, f"{vm.name} was silent for {gap:.2f} s")


@case()
def maintenance_drains(lab):
    """vmha host maintenance empties a host: live where that is allowed, and
    what it tells of each VM is what its disk and its QEMU say."""
    live = [lab.vm("vm1"), lab.vm("vm2")]
    cold = lab.vm("vm3")
    lab.protect(*live, on="h1")
    lab.protect(cold, on="h1")
    lab.bed.run("h1", "crm_resource", "-r", cold.name, "-m", "-p",
                "allow-migrate", "-v", "false")
    lab.settle()
    refused = vmha(lab, "host", "maintenance", "h1", "on", by="h2", code=1)
    lab.expect("say --yes" in refused.stderr, refused.stderr)
    for vm in (*live, cold):
        lab.expect(vm.hosts() == ["h1"], f"{vm.name} was moved")
    lab.begin()
    began = lab.mark("maintenance on", is_zero=True)
    done = told(lab, "host", "maintenance", "h1", "on", "--yes", by="h2")
    hows = {m["vm"]: m["how"] for m in done["vms"]}
    lab.expect(hows == {"vm1": "live", "vm2": "live", "vm3": "restart"},
               f"told: {hows}")
    for move, vm in zip(done["vms"], (*live, cold)):
        lab.expect(vm.hosts() == [move["to"]],
                   f"{vm.name} is on {vm.hosts()}, told {move['to']}")
    for vm in live:
        gone_by(lab, vm, "h1", began)
    cold.check(ordinal=2)
    status = told(lab, "host", "maintenance", "h1", "status")
    lab.expect(status["maintenance"] and not status["vms"], f"{status}")
    vmha(lab, "host", "maintenance", "h1", "off", by="h1")
    lab.cluster.wait_online()
    lab.settle()
    failures = lab.cluster.state().failures
    lab.expect(not failures, f"failures: {failures}")


@case()
def maintenance_refuses(lab):
    """A VM that has nowhere to go: it is named with the reason, and no VM is
    moved; the last host that is online can't be emptied either."""
    free, bound = lab.vm("vm1"), lab.vm("vm2")
    lab.protect(free, bound, on="h1")
    lab.cluster.configure("h1", "".join(
        f"location ban-{h} {bound.name} -inf: {h}\n"
        for h in lab.others("h1")))
    lab.settle()
    before = {vm: vm.qemus() for vm in (free, bound)}
    refused = vmha(lab, "host", "maintenance", "h1", "on", code=1)
    for needle in ("vm2 can't leave h1", "ban-h2", "ban-h3"):
        lab.expect(needle in refused.stderr, refused.stderr)
    lab.expect(lab.cluster.state().nodes["h1"] == "online", "h1 is no more")
    for vm, qemus in before.items():
        same_guest(lab, vm, qemus)
    # Admission control has its own word on these, which is not asked here.
    for host in lab.others("h1"):
        vmha(lab, "host", "maintenance", host, "on", "--force")
    refused = vmha(lab, "host", "maintenance", "h1", "on", code=1)
    lab.expect("h2 is in standby" in refused.stderr, refused.stderr)
    for vm, qemus in before.items():
        same_guest(lab, vm, qemus)
        vm.check(ordinal=1)
    for host in lab.others("h1"):
        vmha(lab, "host", "maintenance", host, "off")


@case()
def vm_stop_start(lab):
    """vmha vm stop returns when no QEMU is left, and vm start when the guest
    runs; the list says what is."""
    vm = lab.vm("web1")
    lab.protect(vm)
    vmha(lab, "vm", "stop", vm.name)
    lab.expect(not vm.qemus(), f"QEMU is still there: {vm.qemus()}")
    row = told(lab, "vm", "list")["vms"][0]
    lab.expect((row["state"], row["protection"]) == ("stopped",
                                                     "unprotected"), f"{row}")
    started = told(lab, "vm", "start", vm.name)
    lab.expect(vm.hosts() == [started["host"]],
               f"QEMU on {vm.hosts()}, told {started['host']}")
    vm.check(ordinal=2)


def begin_old(lab):
    """A VirtualDomain that runs on h1, in a cluster with a manager."""
    vm = lab.vm("web1")
    manage(lab)
    lab.cluster.configure("h1", OLD.format(name=vm.name, host="h1"))
    lab.cluster.wait_started(vm.name, on="h1")
    vm.wait_write(1)
    lab.settle()
    return vm


def protect_new(lab, vm):
    """Its gate, and the proof that all of it counts."""
    vmha(lab, "vm", "add", vm.name)

    def protected():
        row = told(lab, "vm", "list", by="h2")["vms"][0]
        return row["protection"] == "protected" and row["host"] == "h1"
    wait_for(protected, PROTECTED_DEADLINE_S, f"{vm.name} protected on h1")


@case(heartbeat=3)
def import_running(lab):
    """vmha vm import takes a running VirtualDomain over: the same QEMU goes
    on, is on the VM list, can be protected and moved live; its next start is
    like any other."""
    vm = begin_old(lab)
    before = vm.qemus()
    vmha(lab, "vm", "import", vm.name, "--dry-run", by="h2")
    lab.expect(agent(lab, vm) == "ocf:heartbeat:VirtualDomain",
               "a dry run has changed it")
    refused = vmha(lab, "vm", "import", vm.name, by="h2", code=1)
    lab.expect("--yes" in refused.stderr, refused.stderr)
    vmha(lab, "vm", "import", vm.name, "--yes", by="h2")
    lab.expect(agent(lab, vm) == "ocf:vmha:VirtualMachine",
               f"it is {agent(lab, vm)}")
    lab.settle()
    same_guest(lab, vm, before)
    protect_new(lab, vm)
    same_guest(lab, vm, before)
    vm.check(ordinal=1)
    began = lab.mark("maintenance of its host")
    moved = told(lab, "host", "maintenance", "h1", "on", by="h2")
    lab.expect([m["how"] for m in moved["vms"]] == ["live"], f"{moved}")
    gone_by(lab, vm, "h1", began)
    vmha(lab, "host", "maintenance", "h1", "off")
    vmha(lab, "vm", "stop", vm.name)
    lab.expect(not vm.qemus(), f"QEMU is still there: {vm.qemus()}")
    vmha(lab, "vm", "start", vm.name)
    vm.check(ordinal=2)
    failures = lab.cluster.state().failures
    lab.expect(not failures, f"failures: {failures}")


@case()
def import_taken_back(lab):
    """The config file tells of another machine than the one that runs: the new
    agent does not find it, and all is as it was, the guest too."""
    vm = lab.vm("web1")
    lab.cluster.configure("h1", OLD.format(name=vm.name, host="h1"))
    lab.cluster.wait_started(vm.name, on="h1")
    vm.wait_write(1)
    lab.settle()
    before = vm.qemus()
    other = vm.xml().replace(vm.uuid, vm.uuid[:-4] + (
        "0000" if vm.uuid[-4:] != "0000" else "1111"))
    with open(vm.config, "w", encoding="utf-8") as f:
        f.write(other)
    refused = vmha(lab, "vm", "import", vm.name, "--yes", code=1)
    lab.expect("is as it was" in refused.stderr, refused.stderr)
    lab.settle()
    lab.expect(agent(lab, vm) == "ocf:heartbeat:VirtualDomain",
               f"it is {agent(lab, vm)}")
    lab.expect(lab.cluster.state().resources[vm.name]["managed"],
               "it is not managed")
    same_guest(lab, vm, before)
    vm.check(ordinal=1)
    # Pacemaker forgets a resource's parameters when it is refreshed: taken out
    # of the configuration while it runs, the old agent could not stop it.
    lab.cluster.crm("h1", f"--wait resource stop {vm.name}")
    vm.wait_gone()


@case(heartbeat=3)
def import_host_dies(lab):
    """The host of a VM dies that was imported and never started since: it is
    restarted elsewhere, once."""
    vm = begin_old(lab)
    vmha(lab, "vm", "import", vm.name, "--yes", by="h2")
    protect_new(lab, vm)
    lab.begin()
    lab.mark("power of h1 fails", is_zero=True)
    lab.bed.poweroff("h1")
    vm.wait_write(2, deadline_s=RESPONSE_DEADLINE_S)
    lab.expect("h1" not in vm.hosts(), f"QEMU on {vm.hosts()}")
    vm.check(ordinal=2)
    power_on(lab, "h1")
