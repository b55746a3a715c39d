# SPDX-License-Identifier: GPL-2.0-or-later
"""How a cluster comes to its first VMs: the crm script that sets it up, a domain
XML on the shared store that becomes a VM, and what is refused on the way."""
import json
import re
import time

from bed import wait_for

from . import case
from .cutoff import (BACK_DEADLINE_S, MASTER_DEADLINE_S, RESPONSE_DEADLINE_S,
                     master, ticket, wait_open)
from .heartbeat import power_on
from .maintenance import PROTECTED_DEADLINE_S, gone_by, told, vmha
from .vm import PARAMS

SCRIPT_DEADLINE_S = 120
CAPACITY_DEADLINE_S = 20
QUIET_S = 3
OPTIONS = [f"--param={k}={v}" for k, v in PARAMS.items()]


def script(lab, name, *words, code=0):
    """crm script run NAME, as it is installed."""
    done = lab.bed.run(lab.hosts[0], "crm", "script", "run", name, *words,
                       check=False, deadline_s=SCRIPT_DEADLINE_S)
    said = done.stdout + done.stderr
    lab.expect((done.returncode == 0) == (code == 0), f"crm script run {name}: "
               f"exit code {done.returncode}: {said}")
    lab.mark(f"crm script run {name}: exit code {done.returncode}")
    return said


def verified(lab):
    """crm shell and Pacemaker have nothing to say against it."""
    done = lab.bed.run(lab.hosts[0], "crm", "configure", "verify", check=False)
    said = done.stdout + done.stderr
    lab.expect(done.returncode == 0 and not said.strip(),
               f"crm configure verify: {done.returncode}: {said}")


def set_up(lab):
    """The whole cluster by the crm script; there is a master."""
    script(lab, "vmha-setup", "isolation_response=poweroff")
    verified(lab)
    wait_for(lambda: master(lab), MASTER_DEADLINE_S, "a master")
    wait_open(lab, lab.hosts)


# A VM that never runs, with one more interface.
ADD_BRIDGED = """
sed -e 's,<name>db1<,<name>web2<,' -e 's,<uuid>.*</uuid>,,' \\
    -e "s,</devices>,<interface type='bridge'><source bridge='br9'/>\\
</interface></devices>," %(path)s > %(path)s.web2.xml
crm configure primitive web2 ocf:vmha:VirtualMachine \\
    params config=%(path)s.web2.xml meta target-role=Stopped
"""
LACKS_DEADLINE_S = 60


def elsewhere(lab, level):
    """The hosts about which h1's check says that of what VMs need."""
    done = lab.bed.run("h1", "vmha", "check", "--json", check=False)
    return sorted(f["value"].split(":")[0]
                  for f in json.loads(done.stdout)["findings"]
                  if f["what"] == "VMs elsewhere" and f["level"] == level)


def lacking(lab, path):
    """What a host lacks of what a VM needs is told by all the others."""
    wait_for(lambda: elsewhere(lab, "ok") == lab.hosts[1:],
             LACKS_DEADLINE_S, "word from the others that nothing is missing")
    lab.bed.run("h1", "ip", "link", "add", "br9", "type", "bridge")
    lab.bed.run("h1", "sh", "-c", ADD_BRIDGED % {"path": path})
    wait_for(lambda: elsewhere(lab, "bad") == lab.hosts[1:],
             LACKS_DEADLINE_S, "word from the others that br9 is missing")
    problems = " ".join(told(lab, "status", code=1)["problems"])
    for host in lab.hosts[1:]:
        lab.expect(f"{host} lacks what 1 of 2 VMs need: web2: bridge br9 is "
                   "missing" in problems, problems)
    lab.expect("h1 lacks" not in problems, problems)


def file_of(vm):
    """As the hosts see it."""
    return vm.params["config"]


def protected(lab, vm):
    """Its row says so, and where it is; the host."""
    def good():
        rows = [r for r in told(lab, "vm", "list")["vms"]
                if r["vm"] == vm.name and r["protection"] == "protected"]
        return rows[0]["host"] if rows else None
    return wait_for(good, PROTECTED_DEADLINE_S, f"{vm.name} protected")


def inventory(lab):
    """What admission control counts: hosts and VMs by name."""
    found = json.loads(lab.bed.run(lab.hosts[0], "vmha", "admission",
                                   "inventory", "--output", "json").stdout)
    return [{one["name"]: one for one in found[kind]}
            for kind in ("hosts", "vms")]


def memory(lab, host):
    """What it offers to VMs, MiB."""
    return inventory(lab)[0][host]["memory_mb"]


def epoch(lab):
    """Grows with each write of the configuration."""
    cib = lab.bed.run(lab.hosts[0], "cibadmin", "--query").stdout
    return re.search(r' epoch="(\d+)"', cib).group(1)


def capacity_is_told(lab):
    """Each manager has written what its host has; what is set by hand stays,
    a parameter changes the rest at once, and what is deleted comes back."""
    first, second = lab.hosts[:2]
    with open("/proc/meminfo", encoding="ascii") as f:
        has = int(f.readline().split()[1]) // 1024
    wait_for(lambda: all(h["memory_mb"] and h["cpu_mhz"] for h in
                         inventory(lab)[0].values()),
             CAPACITY_DEADLINE_S, "the capacity of all hosts")
    lab.expect(memory(lab, first) == has - 1024 - -(-has * 2 // 100),
               f"{memory(lab, first)} MiB of {has}")
    lab.cluster.crm(first, f"node utilization {first} set memory_mb 777")
    lab.cluster.crm(first, "resource param fdm set host_memory_overhead 5000")
    wait_for(lambda: memory(lab, second) == has - 5000, CAPACITY_DEADLINE_S,
             f"the overhead of {second}")
    lab.settle()
    lab.expect(memory(lab, first) == 777, "a value by hand was overwritten")
    told_by = vmha(lab, "admission", "inventory").stdout
    lab.expect(told_by.count(" hand") == 1, told_by)
    lab.cluster.crm(first, f"node utilization {first} delete memory_mb")
    wait_for(lambda: memory(lab, first) == has - 5000, CAPACITY_DEADLINE_S,
             "vmha's value again")
    lab.settle()
    before = epoch(lab)
    time.sleep(QUIET_S)
    lab.expect(epoch(lab) == before, "the configuration was written again")
    lab.mark("capacity: written, by hand, by parameter, given back")


def counted(lab, vm):
    """A VM that runs takes its utilization, and QEMU's overhead."""
    row = inventory(lab)[1][vm.name]
    lab.expect(row["power"] == "on" and [row["host"]] == vm.hosts() and
               row["memory_mb"] == vm.memory_mib and
               row["cpu_mhz"] > 0 and row["overhead_mb"] > 30, f"{row}")


@case(heartbeat=3)
def vm_add(lab):
    """A domain XML on the shared store becomes a VM that runs, is protected,
    can move live, and comes back when its host dies."""
    vm = lab.vm("web1")
    set_up(lab)
    done = told(lab, "vm", "add", file_of(vm), "--start", "--priority", "high",
                *OPTIONS)["vms"][0]
    lab.expect(vm.hosts() == [done["host"]],
               f"QEMU on {vm.hosts()}, told {done['host']}")
    lab.expect((done["memory_mb"], done["allow_migrate"]) ==
               (vm.memory_mib, True), f"told {done}")
    vm.check(ordinal=1)
    verified(lab)
    began = lab.mark("maintenance of its host")
    victim = done["host"]
    vmha(lab, "host", "maintenance", victim, "on")
    gone_by(lab, vm, victim, began)
    vmha(lab, "host", "maintenance", victim, "off")
    victim = protected(lab, vm)
    lab.begin()
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    vm.wait_write(2, deadline_s=RESPONSE_DEADLINE_S)
    lab.expect(victim not in vm.hosts(), f"QEMU on {vm.hosts()}")
    vm.check(ordinal=2)
    power_on(lab, victim)
    lab.settle()
    failures = lab.cluster.state().failures
    lab.expect(not failures, f"failures: {failures}")


@case(heartbeat=3)
def vm_add_by_script(lab):
    """The wizards of crm shell: set up, two VMs of which one waits for the
    other, and out again; nothing is left of a VM that was removed."""
    first, second = lab.vm("db1"), lab.vm("web1")
    set_up(lab)
    capacity_is_told(lab)
    for vm, more in ((first, []), (second, ["depends=db1", "priority=low"])):
        said = script(lab, "vmha-add-vm", f"config={file_of(vm)}",
                      "migration_transport=tcp", *more)
        lab.expect(not vm.qemus(), f"{vm.name} runs: {said}")
    verified(lab)
    said = script(lab, "vmha-add-vm", f"config={file_of(first)}", code=1)
    lab.expect("vmha vm show db1" in said, said)
    for vm in (first, second):
        vmha(lab, "vm", "start", vm.name)
        vm.check(ordinal=1)
        protected(lab, vm)
        counted(lab, vm)
    refused = vmha(lab, "vm", "remove", "--resource", "web1", code=1)
    lab.expect("vmha vm stop web1" in refused.stdout, refused.stdout)
    vmha(lab, "vm", "stop", "web1")
    vmha(lab, "vm", "remove", "--resource", "web1")
    lab.settle()
    lab.expect("web1" not in lab.cluster.state().resources, "web1 is there")
    wait_for(lambda: not ticket(lab, second, lab.hosts[0]), BACK_DEADLINE_S,
             "the end of its ticket")
    verified(lab)
    lacking(lab, file_of(first))


@case(heartbeat=3)
def vm_add_refused(lab):
    """A domain that runs outside the cluster is not taken; autostart and
    managed save of this host's libvirt are told."""
    vm = lab.vm("web1")
    path = file_of(vm)

    def virsh(*words):
        lab.bed.run("h1", "virsh", "--quiet", *words)

    virsh("define", path)
    virsh("start", vm.name)
    vm.wait_write(1)
    refused = vmha(lab, "vm", "add", path, *OPTIONS, by="h1", code=1)
    lab.expect("outside the cluster" in refused.stdout, refused.stdout)
    lab.expect(vm.name not in lab.cluster.state().resources, "it was added")
    virsh("managedsave", vm.name)
    vm.wait_gone()
    virsh("autostart", vm.name)
    told_of = vmha(lab, "vm", "add", path, *OPTIONS, by="h1").stdout
    for needle in ("virsh autostart --disable web1",
                   "virsh managedsave-remove web1"):
        lab.expect(needle in told_of, told_of)
    virsh("undefine", "--managed-save", vm.name)
    vmha(lab, "vm", "start", vm.name)
    vm.check(ordinal=2)
