# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is master of the fault domain: vSphere's rule, as promotion scores that
Pacemaker acts on. Whoever sits stays; who can't do the work does not stand;
until a host is promoted the coordinator acts."""
import json

from bed import wait_for

from . import case
from .cutoff import (back, domain, manage, manager, master, promoted, protect,
                     quiet, ticket, wait_open, wait_promoted, wait_ticket)
from .heartbeat import ONLINE_DEADLINE_S

SCORE_DEADLINE_S = 30
SITTING = 100000
STORE = 1000
STAYS_S = 6
UP_DEADLINE_S = 60
FENCING_S = 15
NO_MANAGER_DEADLINE_S = 20


def score(lab, host):
    """As Pacemaker has it; None: none."""
    done = lab.bed.run(host, "crm_attribute", "--promotion=fdm",
                       "--lifetime=reboot", f"--node={host}", "--query",
                       "--quiet", check=False)
    return int(done.stdout) if done.returncode == 0 else None


def wait_score(lab, host, wanted):
    wait_for(lambda: score(lab, host) == wanted, SCORE_DEADLINE_S,
             f"score {wanted} of {host}")
    lab.note(f"score of {host}: {wanted}")


def lose_one(lab, host):
    """One of its three heartbeat datastores fails."""
    lab.mark(f"a heartbeat datastore of {host} fails")
    lab.bed.fault(host, "hb1", "all", "fail EIO")


def term(lab, by):
    return max(h["term"] for h in
               json.loads(lab.bed.run(by, "vmha", "status", "--json",
                                      check=False).stdout)["hosts"])


@case(heartbeat=3)
def election_rule(lab):
    """The greatest name of those with most datastores is promoted; it stays
    with fewer datastores; when it dies the next one is promoted by the rule,
    and there is a master long before."""
    vm = lab.vm("web1")
    first, second, third = sorted(lab.hosts)
    coordinator = lab.cluster.state().dc
    manage(lab)
    lab.expect(promoted(lab) == third, f"{promoted(lab)} is promoted")
    wait_score(lab, third, SITTING + 3 * STORE + 3)
    wait_score(lab, second, 3 * STORE + 2)
    wait_score(lab, first, 3 * STORE + 1)
    protect(lab, vm, on=third)
    before = term(lab, first)
    lose_one(lab, third)
    wait_score(lab, third, SITTING + 2 * STORE + 3)
    lose_one(lab, second)
    wait_score(lab, second, 2 * STORE + 2)
    lab.hold(STAYS_S, vm, [third], "with fewer datastores")
    lab.expect(promoted(lab) == master(lab) == third,
               f"{promoted(lab)} is promoted, {master(lab)} is master")
    lab.expect(term(lab, first) == before, "the term has changed")
    lab.mark(f"power of {third} fails", is_zero=True)
    lab.bed.poweroff(third)
    wait_for(lambda: master(lab, first) in (first, second), UP_DEADLINE_S,
             "a master that lives")
    lab.note(f"master: {master(lab, first)}")
    vm.wait_write(2, UP_DEADLINE_S)
    wait_promoted(lab, first, by=first)
    wait_score(lab, first, SITTING + 3 * STORE + 1)
    vm.check(ordinal=2)
    wait_ticket(lab, vm, first, "true")
    lab.note(f"coordinator was {coordinator}, is {lab.cluster.state(first).dc}")


@case(heartbeat=3)
def election_standby(lab):
    """The master's host is put into standby: another one is promoted, the VM
    there moves live, and no VM is harmed. It comes back, and before its manager
    is there, it starts a VM although all that it was told of the ticket is of
    the term before; and it does not displace who sits."""
    vm, other, late = lab.vm("web1"), lab.vm("web2"), lab.vm("web3")
    first, second, third = sorted(lab.hosts)
    manage(lab, vm, late, on=third)
    protect(lab, other, on=first)
    lab.cluster.crm(first, f"resource stop {late.name}")
    late.wait_gone()
    lab.begin()
    lab.mark(f"standby of {third}", is_zero=True)
    lab.cluster.crm(first, f"node standby {third}")
    wait_promoted(lab, second, by=first)
    lab.settle()
    lab.expect(vm.hosts() != [third], f"{vm.name} is still on {third}")
    for one in (vm, other):
        one.check(ordinal=1)
        wait_ticket(lab, one, first, "true")
    lab.cluster.configure(
        first, f"location no-manager fault-domain -inf: {third}\n"
        f"location late-there {late.name} 1000: {third}\n")
    lab.mark(f"{third} is back from standby")
    lab.cluster.crm(first, f"node online {third}")
    lab.cluster.wait_online(ONLINE_DEADLINE_S)
    lab.mark(f"{late.name} is started there without a manager")
    lab.cluster.crm(first, f"resource start {late.name}")
    late.wait_write(2, NO_MANAGER_DEADLINE_S)
    lab.expect(late.hosts() == [third], f"{late.name} is on {late.hosts()}")
    lab.cluster.crm(first, "configure delete no-manager")
    wait_score(lab, third, 3 * STORE + 3)
    lab.settle()
    lab.expect(promoted(lab) == master(lab) == second,
               f"{promoted(lab)} is promoted, {master(lab)} is master")
    back(lab, vm, other)
    quiet(lab, "standby and back")


@case(heartbeat=3)
def election_plain_clone(lab):
    """A plain clone works as before, the coordinator is master; made
    promotable while VMs run, a host is promoted, and back again."""
    vm = lab.vm("web1")
    dc = lab.cluster.state().dc
    manage(lab, vm, plain=True)
    lab.expect(master(lab) == dc, f"master is {master(lab)}, DC {dc}")
    for host in lab.hosts:
        lab.expect(score(lab, host) is None, f"{host} has a score")
    says = manager(lab, dc)["election"]
    lab.expect(says["as"] == "interim" and not says["promotable"],
               f"the manager of {dc} says {says}")
    lab.mark("the clone is made promotable")
    lab.cluster.configure(dc, domain())
    wait_promoted(lab, sorted(lab.hosts)[-1])
    wait_ticket(lab, vm, dc, "true")
    lab.settle()
    lab.mark("and plain again")
    lab.cluster.configure(dc, domain(plain=True))
    wait_for(lambda: promoted(lab) is None and
             master(lab) == lab.cluster.state().dc, UP_DEADLINE_S,
             "the coordinator as master")
    wait_open(lab, lab.hosts)
    wait_ticket(lab, vm, dc, "true")
    lab.settle()
    lab.expect(ticket(lab, vm, dc).get("granted") == "true",
               "the ticket is not granted")
    vm.check(ordinal=1)
    quiet(lab, "plain, promotable, plain")


@case(heartbeat=3)
def election_before_fencing(lab):
    """The promoted host dies, and its fencing takes long: there is a master
    long before the fencing is done (SAFETY 22), the coordinator or the host
    that is promoted next; the VM waits for the fencing."""
    vm = lab.vm("web1")
    first, second, third = sorted(lab.hosts)
    manage(lab, vm, on=third)
    for name in lab.fences:
        lab.cluster.crm(first, f"resource param {name} set pcmk_delay_base "
                        f"{FENCING_S}s")
    lab.settle()
    lab.begin()
    lab.mark(f"power of {third} fails", is_zero=True)
    lab.bed.poweroff(third)
    wait_for(lambda: master(lab, first) in (first, second), UP_DEADLINE_S,
             "a master that lives")
    lab.note(f"master: {master(lab, first)}")
    lab.expect(lab.line.first(f"fencing result: off {third} OK") is None,
               f"{third} was fenced before")
    lab.expect(vm.hosts() == [], f"{vm.name} runs on {vm.hosts()}")
    wait_promoted(lab, second, by=first)
    vm.wait_write(2, UP_DEADLINE_S)
    vm.check(ordinal=2)
    wait_ticket(lab, vm, first, "true")
    lab.expect(promoted(lab, first) == second, "the promoted host changed")
