# SPDX-License-Identifier: GPL-2.0-or-later
"""Old state that must not come back: a start that finds it is refused, with
the command that clears it where crm_mon shows it."""
import os

from . import case

REFUSED_DEADLINE_S = 40


def refused(lab, vm, *words):
    """Every host refuses; nothing runs; crm_mon shows the sentence."""
    state = lab.cluster.wait(
        lambda s: s.failures and not s.resources[vm.name]["active"],
        REFUSED_DEADLINE_S, "a refused start")
    reasons = {f.get("exitreason", "") for f in state.failures}
    for reason in sorted(reasons):
        lab.mark(f"crm_mon says: {reason}")
    lab.expect(any(all(w in r for w in words) for r in reasons),
               f"no reason with {words}: {reasons}")
    lab.expect(not vm.qemus(), f"it runs: {vm.qemus()}")
    lab.expect(vm.owner() is None, "the guest has written")


@case()
def stale_overlay(lab):
    """A snapshot overlay beside the disk: start is refused everywhere."""
    vm = lab.vm("web1")
    lab.bed.run("h1", "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                "-b", "/srv/ds1/web1.img", "/srv/ds1/web1.snap1")
    lab.protect(vm, wait=False)
    refused(lab, vm, "/srv/ds1/web1.snap1", "blockcommit")
    lab.mark("overlay removed, crm resource cleanup")
    os.unlink(f"{lab.bed.shared('ds1')}/web1.snap1")
    lab.cluster.crm("h1", f"resource cleanup {vm.name}")
    lab.where(vm)
    vm.check(ordinal=1)


def defined(lab, vm, host):
    """The same domain, defined by a user on that host."""
    lab.bed.run(host, "virsh", "-q", "define", "/dev/stdin", stdin=vm.xml())


@case()
def stale_autostart(lab):
    """The domain is set to autostart on a host: start there is refused, the
    VM starts on another host."""
    vm = lab.vm("web1")
    defined(lab, vm, "h1")
    lab.bed.run("h1", "virsh", "-q", "autostart", vm.name)
    lab.protect(vm, on="h1", wait=False)
    lab.where(vm, not_on="h1")
    reasons = [f.get("exitreason", "") for f in lab.cluster.state().failures]
    lab.mark(f"crm_mon says: {reasons}")
    lab.expect(any("autostart --disable web1" in r for r in reasons),
               f"no sentence: {reasons}")
    vm.check(ordinal=1)
    lab.bed.run("h1", "virsh", "-q", "undefine", vm.name)


@case()
def stale_managed_save(lab):
    """A managed-save image of the domain on a host: start there is refused,
    the VM starts on another host."""
    vm = lab.vm("web1")
    defined(lab, vm, "h1")
    lab.bed.run("h1", "virsh", "-q", "start", vm.name)
    vm.wait_write(1)
    lab.bed.run("h1", "virsh", "-q", "managedsave", vm.name)
    lab.expect(not vm.qemus(), f"it runs: {vm.qemus()}")
    lab.mark("managed save on h1 made")
    lab.protect(vm, on="h1", wait=False)
    lab.where(vm, not_on="h1")
    reasons = [f.get("exitreason", "") for f in lab.cluster.state().failures]
    lab.mark(f"crm_mon says: {reasons}")
    lab.expect(any("managedsave-remove web1" in r for r in reasons),
               f"no sentence: {reasons}")
    vm.check(ordinal=2)
    lab.bed.run("h1", "virsh", "-q", "managedsave-remove", vm.name)
    lab.bed.run("h1", "virsh", "-q", "undefine", vm.name)
