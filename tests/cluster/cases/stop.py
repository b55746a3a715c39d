# SPDX-License-Identifier: GPL-2.0-or-later
"""Stop always stops: guests that don't listen, libvirtd that does not help.

Proof is the kernel's: no QEMU process of the VM on any host.
"""
from . import case

SHUTDOWN_S = 2
# shutdown_timeout, then the guest agent's or libvirt's answer, then force;
# two polls of crm and the cluster's own pace.
STOPPED_DEADLINE_S = 20


def stop_it(lab, vm):
    """crm resource stop, bounded; the seconds that it took."""
    began = lab.mark(f"crm resource stop {vm.name}")
    lab.cluster.crm(lab.cluster.any_host(), f"resource stop {vm.name}")
    state = lab.cluster.wait(
        lambda s: s.resources[vm.name]["role"] == "Stopped" and
        not s.resources[vm.name]["active"], STOPPED_DEADLINE_S,
        f"{vm.name} stopped")
    took = lab.mark("Pacemaker says Stopped") - began
    lab.expect(not vm.qemus(), f"QEMU is still there: {vm.qemus()}")
    lab.expect(not vm.lab.line.first("fencing"), "a host was fenced")
    failed = [f for f in state.failures if f.get("op_key", "").startswith(
        f"{vm.name}_stop")]
    lab.expect(not failed, f"stop failed: {failed}")
    vm.check(ordinal=1, running=False)
    return took


def hung(lab, options):
    vm = lab.vm("web1", options=options,
                params={"shutdown_timeout": f"{SHUTDOWN_S}s"})
    lab.protect(vm)
    return vm, lab.where(vm)


@case()
def stop_well(lab):
    """A guest that listens is shut down in order, within its shutdown."""
    vm = lab.vm("web1")
    lab.protect(vm)
    stop_it(lab, vm)
    lab.expect(vm.owner().flags & 1, "the guest did not end in order")
    lab.cluster.crm("h1", f"resource start {vm.name}")
    lab.where(vm)
    vm.check(ordinal=2)


@case()
def stop_hung_guest(lab):
    """A guest that ignores its power button is stopped all the same, and so
    is one that is dead inside."""
    deaf, stuck = (lab.vm(name, options=options, params={
        "shutdown_timeout": f"{SHUTDOWN_S}s"}) for name, options in
        (("deaf", "power=ignore"), ("stuck", "stuck=1")))
    lab.protect(deaf, stuck)
    for vm in (deaf, stuck):
        lab.expect(stop_it(lab, vm) >= SHUTDOWN_S,
                   "the guest was not given its time")


@case()
def stop_without_libvirtd(lab):
    """libvirtd is dead: stop stops a hung guest and a well one."""
    vm, host = hung(lab, "power=ignore")
    well = lab.vm("well")
    lab.protect(well, on=host)
    lab.mark(f"SIGKILL to libvirtd on {host}")
    lab.bed.kill(host, "libvirtd")
    stop_it(lab, vm)
    stop_it(lab, well)
    lab.expect(well.owner().flags & 1, "the well guest did not end in order")


@case()
def stop_with_frozen_libvirtd(lab):
    """libvirtd hangs: stop stops a hung guest and a well one."""
    vm, host = hung(lab, "power=ignore")
    well = lab.vm("well")
    lab.protect(well, on=host)
    lab.mark(f"libvirtd on {host} frozen")
    lab.bed.freeze(host, "libvirtd")
    stop_it(lab, vm)
    stop_it(lab, well)
    lab.expect(well.owner().flags & 1, "the well guest did not end in order")
    lab.bed.thaw(host, "libvirtd")
    lab.hold(3, vm, [], "libvirtd thawed")
