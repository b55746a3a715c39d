# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the storage heartbeat have in common: how they ask the
daemons, and the one thing that must come of every death of a host.

A host may count as dead only when nothing of it runs any more. The disk
witness says whether that was so: a guest that comes up while its predecessor
still writes finds a second writer.
"""
import json
import re

from bed import wait_for

# A watchdog of 2 s, or an order and its proof, on a machine that is busy.
OFF_DEADLINE_S = 40
RESTART_DEADLINE_S = 60
SEEN_DEADLINE_S = 20
ONLINE_DEADLINE_S = 60
# The evidence that fence_vmha had, as the daemon that was asked logs it.
PROOF = (r"{host} counts as dead: (\S+); datastore 1: beat \d+ is ([\d.]+) s "
         r"old, datastore 2.*, datastore 3")


def status(lab, by):
    """vmha status of one host; its exit code only says "not all well"."""
    done = lab.bed.run(by, "vmha", "status", "--json", check=False)
    lab.expect(done.stdout, f"{by} has no status, {is_off(lab, by)}: "
               f"{done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def seen(lab, host, by=None):
    """What another host knows about that one."""
    by = by or lab.others(host)[0]
    (one,) = [h for h in status(lab, by)["hosts"] if h["name"] == host]
    return one


def wait_seen(lab, host, what, by=None, **wanted):
    """Until others see these values; the whole picture."""
    def good():
        one = seen(lab, host, by)
        return one if all(one[k] == v for k, v in wanted.items()) else None
    return wait_for(good, SEEN_DEADLINE_S, what)


def daemon_pid(lab, host):
    """Inside the host."""
    return lab.bed.run(host, "cat", "/run/vmha/heartbeatd.pid").stdout.strip()


def is_off(lab, host):
    (one,) = [h for h in lab.bed.status() if h["host"] == host]
    return one["why"] if one["state"] == "off" else None


def wait_off(lab, host, *reasons):
    """Until the host has ended, and why."""
    why = wait_for(lambda: is_off(lab, host), OFF_DEADLINE_S,
                   f"end of {host}")
    lab.note(f"{host} is off: {why}")
    lab.expect(any(r in why for r in reasons),
               f"{host} is off because of {why}, expected {reasons}")


def fenced_by_proof(lab, host, *reasons):
    """The first success of fence_vmha for that host, with its evidence."""
    pattern = PROOF.format(host=host)
    for at, _, text in lab.line.events():
        found = re.search(pattern, text)
        if found:
            lab.expect(found[1] in reasons, f"{host} counts as dead because "
                       f"of {found[1]}, expected {reasons}")
            return at
    lab.expect(False, f"no host says with its evidence that {host} is dead")
    return None


def nobody_fenced(lab, what):
    for pattern in ("fencing requested", "counts as dead", "is ordered"):
        at = lab.line.first(pattern)
        lab.expect(at is None, f"{what}: {pattern} at {at} s")


def moved(lab, vm, victim, ordinal, *reasons):
    """The VM runs again elsewhere, once, after the proof; the new host."""
    there = lab.where(vm, not_on=victim, deadline_s=RESTART_DEADLINE_S)
    vm.check(ordinal)
    lab.expect(vm.hosts() == [there], f"QEMU on {vm.hosts()}, not {there}")
    dead = fenced_by_proof(lab, victim, *reasons)
    begun = lab.line.first(f"op begin: start {vm.name}", after=dead)
    early = lab.line.first(f"op begin: start {vm.name}")
    lab.expect(begun is not None and early == begun,
               f"start at {early} s, proof of {victim}'s death at {dead} s")
    lab.note(f"zero to the guest's write: "
             f"{vm.first_write_mono(ordinal) - lab.line.t0:.2f} s")
    return there


def power_on(lab, host):
    """And until it is a member of everything again."""
    lab.bed.poweron(host)
    lab.cluster.wait_online(ONLINE_DEADLINE_S)
    lab.note(f"{host} is back")


def bring(lab, vm, host):
    """By live migration, as an administrator would."""
    lab.cluster.crm(host, f"--wait resource move {vm.name} {host} force")
    lab.where(vm, on=host)
    lab.expect(vm.hosts() == [host], f"QEMU on {vm.hosts()}, not {host}")
    lab.note(f"{vm.name} was moved to {host}")
