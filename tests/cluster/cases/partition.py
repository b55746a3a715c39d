# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster is cut into parts that all reach the gateway. The side with
quorum goes on; what the others run is held, and runs on."""
import time

from . import case
from .cutoff import (WATCH_S, all_alive, back, manage, protect, quiet, shell,
                     stays, wait_held, wait_sealed, wait_ticket)


def split(lab, *groups):
    lab.begin()
    lab.mark("partition: " + " | ".join(",".join(g) for g in groups),
             is_zero=True)
    lab.bed.split(*groups)


def join(lab):
    lab.mark("the partition ends")
    lab.bed.join()


def one_each(lab, **policy):
    """A VM on each host."""
    vms = {}
    manage(lab, **policy)
    for number, host in enumerate(lab.hosts, 1):
        vm = lab.vm(f"vm{number}")
        protect(lab, vm, on=host)
        vms[host] = vm
    return vms


def all_stay(lab, vms, what):
    stays(lab, what, seconds=2 * WATCH_S,
          **{vm.name: [host] for host, vm in vms.items()})


def one_again(lab, vms):
    join(lab)
    whole(lab, vms)


def whole(lab, vms):
    """All is as before, and no VM has started anew."""
    back(lab, *vms.values())
    for vm in vms.values():
        vm.check(ordinal=1)


def pass_by(lab, vms, what):
    """The VMs run on through the partition and its end; nobody is reset."""
    all_stay(lab, vms, what)
    quiet(lab, what)
    one_again(lab, vms)


@case(heartbeat=3)
def partition_two_one(lab):
    """2 | 1: the one is sealed and its VM held; it runs on through it all, and
    so do the others."""
    vms = one_each(lab)
    lone = lab.others(lab.cluster.state().dc)[0]
    split(lab, lab.others(lone), [lone])
    wait_sealed(lab, lone)
    wait_held(lab, lab.others(lone)[0], lone, vms[lone])
    pass_by(lab, vms, "2 | 1")


@case(heartbeat=3)
def partition_one_each(lab):
    """1 | 1 | 1: nobody has quorum, all are sealed, all VMs run on."""
    vms = one_each(lab)
    split(lab, *([host] for host in lab.hosts))
    wait_sealed(lab, *lab.hosts)
    pass_by(lab, vms, "1 | 1 | 1")


@case(hosts=4, heartbeat=3)
def partition_two_two(lab):
    """2 | 2: no side has quorum, all are sealed, all VMs run on."""
    vms = one_each(lab)
    split(lab, lab.hosts[:2], lab.hosts[2:])
    wait_sealed(lab, *lab.hosts)
    pass_by(lab, vms, "2 | 2")


@case(hosts=2, heartbeat=3)
def partition_two_hosts(lab):
    """Two hosts, cut apart, both quorate (two_node): the datastores decide. The
    greater name goes on, the other is sealed, and its VM held."""
    vms = one_each(lab)
    low, high = lab.hosts
    split(lab, [low], [high])
    wait_sealed(lab, low)
    wait_held(lab, high, low, vms[low])
    pass_by(lab, vms, "1 | 1")


@case(heartbeat=3)
def partition_one_way(lab):
    """An asymmetric link: one host is not heard by another, all else works.
    Whatever membership comes of it, no VM stops and none runs twice."""
    vms = one_each(lab)
    lab.begin()
    lab.mark("h1 does not hear h3", is_zero=True)
    lab.bed.deafen("h1", "h3")
    all_stay(lab, vms, "one way")
    time.sleep(WATCH_S)
    all_alive(lab, "one way")
    join(lab)
    # Corosync may deliver word of its fencing only when it is a member again:
    # its Pacemaker then ends, as it must, and leaves the VM alone.
    all_stay(lab, vms, "joined")
    lab.mend()
    whole(lab, vms)


def newer_minority(lab, change, what):
    """The minority's CIB wins the merge: tickets go back in time, and are made
    right again from what is on disk."""
    vms = one_each(lab)
    lone = lab.others(lab.cluster.state().dc)[0]
    rest = lab.others(lone)[0]
    split(lab, lab.others(lone), [lone])
    wait_sealed(lab, lone)
    wait_held(lab, rest, lone, vms[lone])
    lab.mark(what)
    change(lone)
    all_stay(lab, vms, what)
    one_again(lab, vms)
    for vm in vms.values():
        wait_ticket(lab, vm, rest, "true")
    quiet(lab, what)


@case(heartbeat=3)
def partition_newer_updates(lab):
    """The minority's CIB has more updates (num_updates) at the end."""
    newer_minority(lab, lambda host: shell(
        lab, host, "for n in $(seq 60); do crm_attribute -l reboot -N "
        f"{host} -n soak -v $n; done"), "60 updates in the minority")


@case(heartbeat=3)
def partition_newer_epoch(lab):
    """The minority's CIB has a larger epoch at the end."""
    newer_minority(lab, lambda host: shell(
        lab, host, "for n in $(seq 30); do crm_attribute -t crm_config "
        "-n vmha-soak -v $n; done"), "30 epochs in the minority")
    shell(lab, lab.hosts[0], "crm_attribute -t crm_config -n vmha-soak -D")


@case(heartbeat=3)
def partition_short(lab):
    """The host is back in the midst of its fencing: nobody is fenced who is a
    member, no VM stops; over and over with other lengths."""
    vms = one_each(lab)
    lone = lab.others(lab.cluster.state().dc)[0]
    lab.begin()
    for tenths in (18, 26, 34, 38, 42, 46, 50, 58):
        lab.mark(f"partition of {tenths / 10} s")
        lab.bed.split(lab.others(lone), [lone])
        time.sleep(tenths / 10)
        lab.bed.join()
        lab.cluster.wait_online()
        all_alive(lab, f"{tenths / 10} s")
    back(lab, *vms.values())
    for host, vm in vms.items():
        lab.expect(vm.hosts() == [host], f"{vm.name} is on {vm.hosts()}")
        vm.check(ordinal=1)
