# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that shuts itself down is off for good, or is restarted, as
on_guest_shutdown says; whatever else ends it is always repaired."""
import os
import signal

from bed import wait_for

from . import case
from .cutoff import manage
from .restart import warm

OFF_AFTER_S = 20
OFF_DEADLINE_S = 30
UP_DEADLINE_S = 60
QUIET_S = 6  # three monitors
LISTEN_S = 3  # the manager looks for new ones each second
LINGER_S = 10  # after which the manager takes it for no reboot
META = "vmha-guest-off"


def meta(lab, vm, name):
    done = lab.bed.run(lab.cluster.any_host(), "crm_resource", "--resource",
                       vm.name, "--meta", "--get-parameter", name,
                       check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def wait_meta(lab, vm, name, wanted, deadline_s=OFF_DEADLINE_S):
    wait_for(lambda: wanted(meta(lab, vm, name)), deadline_s,
             f"{vm.name}: {name}")


def is_stopped(lab, vm):
    found = lab.cluster.state().resources[vm.name]
    return found["role"] == "Stopped" and not found["active"]


def stays_off(lab, vm, ordinal):
    """Off by its guest: Stopped, said so, and left alone."""
    wait_meta(lab, vm, "target-role", lambda role: role == "Stopped")
    wait_for(lambda: is_stopped(lab, vm), OFF_DEADLINE_S,
             f"{vm.name}: Pacemaker says Stopped")
    lab.hold(QUIET_S, vm, [], "its guest has powered it off")
    vm.check(ordinal, running=False)
    lab.expect(vm.owner().flags & 1, "the guest did not end in order")
    by = lab.cluster.any_host()
    for command in (("vm", "list"), ("why", vm.name)):
        said = lab.bed.run(by, "vmha", *command, check=False).stdout
        lab.expect("powered off by its guest" in said,
                   f"vmha {' '.join(command)} says: {said}")
    lab.note(f"{vm.name} is off; {META}={meta(lab, vm, META)}")


def starts_again(lab, vm, ordinal):
    by = lab.cluster.any_host()
    lab.bed.run(by, "vmha", "vm", "start", vm.name, deadline_s=UP_DEADLINE_S)
    vm.check(ordinal)
    wait_meta(lab, vm, META, lambda value: not value)


@case(heartbeat=3)
def guest_off(lab):
    """The guest powers itself off: target-role=Stopped, it stays off until
    vmha vm start. With restart it comes back, and so does a killed QEMU."""
    stop = {"on_guest_shutdown": "stop"}
    web, again, killed = (
        lab.vm("web1", options=f"poweroff={OFF_AFTER_S}", params=stop),
        lab.vm("web2", options=f"poweroff={OFF_AFTER_S}"),
        lab.vm("web3", params=stop))
    warm(lab)
    # A second crash is to wait, which crash_again shows: here not for long.
    manage(lab, web, again, killed, restart_retry_waits="1s",
           restart_attempts="20")
    stays_off(lab, web, ordinal=1)
    again.wait_write(2, UP_DEADLINE_S)
    lab.expect(meta(lab, again, "target-role") != "Stopped",
               "web2 is to be restarted, and is Stopped")
    lab.mark("SIGKILL to the QEMU of web3")
    os.kill(killed.qemus()[0].pid, signal.SIGKILL)
    killed.wait_write(2, UP_DEADLINE_S)
    lab.mark("SIGTERM to the QEMU of web3")
    os.kill(killed.qemus()[0].pid, signal.SIGTERM)
    killed.wait_write(3, UP_DEADLINE_S)
    starts_again(lab, web, ordinal=2)


@case(heartbeat=3)
def guest_off_by_others(lab):
    """Shut down by a stop of Pacemaker's it is not off; by virsh reboot it is
    not off; by virsh shutdown, a person's, it is."""
    vm = lab.vm("web1", params={"on_guest_shutdown": "stop"})
    warm(lab)
    manage(lab, vm)
    by = lab.cluster.any_host()
    lab.bed.run(by, "crm_resource", "--resource", vm.name, "--meta",
                "--set-parameter", "allow-migrate", "--parameter-value",
                "false")
    host = lab.where(vm)
    lab.hold(LISTEN_S, vm, [host], "the manager listens")
    # Not standby: that stops the manager, too, and nobody listens.
    lab.mark(f"web1 is banned from {host}, and so stopped there")
    lab.cluster.crm(by, f"resource ban {vm.name} {host}")
    vm.wait_write(2, UP_DEADLINE_S)
    lab.expect(vm.hosts() != [host], f"web1 is still on {host}")
    lab.cluster.crm(by, f"resource clear {vm.name}")
    host = lab.where(vm)
    lab.hold(LISTEN_S, vm, [host], "the manager listens")
    lab.mark("virsh reboot: libvirt makes it of a power off")
    lab.bed.run(host, "virsh", "reboot", vm.name, "--mode", "acpi")
    vm.wait_write(3, UP_DEADLINE_S)
    lab.hold(LINGER_S + LISTEN_S, vm, [host], "it was rebooted")
    lab.expect(meta(lab, vm, "target-role") != "Stopped",
               "web1 was rebooted, and is Stopped")
    lab.mark("virsh shutdown")
    lab.bed.run(host, "virsh", "shutdown", vm.name, "--mode", "acpi")
    stays_off(lab, vm, ordinal=3)
    starts_again(lab, vm, ordinal=4)


@case(heartbeat=3)
def guest_off_moved(lab):
    """After a live migration, and after a restart of the manager and of
    libvirtd, a guest that shuts down is off as before."""
    vm = lab.vm("web1", params={"on_guest_shutdown": "stop"})
    warm(lab)
    manage(lab, vm, on="h1")
    lab.mark("web1 moves to h2")
    lab.cluster.crm("h1", f"resource move {vm.name} h2")
    lab.cluster.wait_started(vm.name, UP_DEADLINE_S, on="h2")
    lab.cluster.crm("h1", f"resource clear {vm.name}")
    lab.expect(vm.hosts() == ["h2"], f"web1 is on {vm.hosts()}")
    before = lab.bed.run("h2", "cat", "/run/vmha/fdmd.pid").stdout
    lab.mark("SIGKILL to the manager of h2")
    lab.bed.run("h2", "kill", "-KILL", before.strip())
    wait_for(lambda: lab.bed.run("h2", "cat", "/run/vmha/fdmd.pid",
                                 check=False).stdout not in ("", before),
             UP_DEADLINE_S, "a new manager on h2")
    lab.bed.kill("h2", "libvirtd")
    lab.bed.start("h2", "libvirtd")
    lab.hold(LISTEN_S + 1, vm, ["h2"], "the manager listens")
    lab.bed.run("h2", "virsh", "shutdown", vm.name, "--mode", "acpi")
    stays_off(lab, vm, ordinal=1)
    starts_again(lab, vm, ordinal=2)


@case(heartbeat=3)
def guest_off_without_libvirtd(lab):
    """Nobody ends QEMU, libvirtd is dead: the manager does it by a stop."""
    vm = lab.vm("web1", options=f"poweroff={OFF_AFTER_S}",
                params={"on_guest_shutdown": "stop"})
    warm(lab)
    manage(lab, vm)
    host = lab.where(vm)
    lab.mark(f"SIGKILL to libvirtd on {host}")
    lab.bed.kill(host, "libvirtd")
    stays_off(lab, vm, ordinal=1)


@case(heartbeat=3)
def guest_off_unmanaged(lab):
    """Pacemaker's hands are off it: its target-role stays as it is."""
    vm = lab.vm("web1", options=f"poweroff={OFF_AFTER_S}",
                params={"on_guest_shutdown": "stop"})
    warm(lab)
    manage(lab, vm)
    by = lab.cluster.any_host()
    lab.cluster.crm(by, f"resource unmanage {vm.name}")
    vm.wait_gone(OFF_AFTER_S + OFF_DEADLINE_S)
    lab.hold(QUIET_S, vm, [], "nobody manages it")
    lab.expect(meta(lab, vm, "target-role") != "Stopped",
               "an unmanaged VM was set to Stopped")
