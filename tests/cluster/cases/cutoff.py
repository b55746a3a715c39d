# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of cut-off hosts have in common: the fault domain manager
with short times, gated VMs, tickets as the CIB shows them, and what must be
true at the end of each story.

A cut-off host lives on. Nobody may start what it runs, nobody may reset it,
and when it is back nothing may be left of all that.
"""
import json
import xml.etree.ElementTree as ET

from bed import wait_for

from .heartbeat import is_off, seen, status

LINKS = ("link0", "link1")
ISOLATION_S = 1  # no address answers for so long: isolated
DELAY_S = 2      # from the declaration to the response
SHUTDOWN_S = 8
POLICY = {"isolation_ping_timeout": f"{ISOLATION_S}s",
          "isolation_delay": f"{DELAY_S}s",
          "partition_delay": f"{DELAY_S}s",
          "isolation_shutdown_timeout": f"{SHUTDOWN_S}s"}
MASTER_DEADLINE_S = 30
SEAL_DEADLINE_S = 20
HELD_DEADLINE_S = 30
RESPONSE_DEADLINE_S = 60
BACK_DEADLINE_S = 60
WATCH_S = 6


# Both monitors of a promotable clone, or the one of a plain clone.
MONITORS = {False: "op monitor interval=10s timeout=20s role=Promoted "
                   "op monitor interval=11s timeout=20s role=Unpromoted "
                   "op promote timeout=20s op demote timeout=20s",
            True: "op monitor interval=10s timeout=20s"}


def domain(plain=False, **policy):
    """crm configure lines of the fault domain manager; plain: its clone is
    not promotable, and the coordinator is master."""
    params = " ".join(f"{k}={v}" for k, v in {**POLICY, **policy}.items())
    return ("property stonith-max-attempts=INFINITY\n"
            f"primitive fdm ocf:vmha:FaultDomain params {params} "
            f"meta requires=quorum {MONITORS[plain]} "
            "op start timeout=20s op stop timeout=20s\n"
            f"clone fault-domain fdm meta interleave=true "
            f"promotable={'false' if plain else 'true'}\n")


def manage(lab, *vms, on=None, plain=False, **policy):
    """Protects the VMs with a fault domain manager: each has its ticket, and
    a master writes it. Returns when all hosts are unsealed."""
    lab.cluster.configure(lab.cluster.any_host(), domain(plain, **policy))
    if plain:
        wait_for(lambda: master(lab), MASTER_DEADLINE_S, "a master")
    else:
        wait_promoted(lab)
    wait_open(lab, lab.hosts)
    if vms:
        protect(lab, *vms, on=on)


def protect(lab, *vms, on=None):
    """A ticket first: without it the gate would keep it down."""
    lab.protect(*vms, on=on)
    lab.bed.run(lab.cluster.any_host(), "vmha", "vm", "add",
                *(vm.name for vm in vms))
    for vm in vms:
        wait_ticket(lab, vm, lab.cluster.any_host(), "true")


# -- what is seen -----------------------------------------------------------

def flags(lab, host, by=None):
    return seen(lab, host, by)["flags"]


def own(lab, host):
    return status(lab, host)["self"]


def master(lab, by=None):
    """The host that says it is master, as one host reads the datastores; of
    two, one of which is about to end, the newer."""
    by = by or lab.hosts[0]
    found = [host for host in status(lab, by)["hosts"]
             if "master" in host["flags"] and host["state"] == "live"]
    newest = max(found, key=lambda host: host["term"], default=None)
    return newest["name"] if newest else None


def promoted(lab, by=None):
    """The host where Pacemaker has promoted the manager; None: nowhere. Until
    it is fenced a dead one is still shown as promoted."""
    state = lab.cluster.state(by)
    found = [host for host in state.resources.get("fdm", {}).get("promoted", [])
             if state.nodes[host] not in ("unclean", "offline")]
    return found[0] if len(found) == 1 else None


def manager(lab, host):
    """What that host's manager says of itself."""
    done = lab.bed.run(host, "vmha", "status", "--json", check=False)
    return json.loads(done.stdout or "{}").get("manager") or {}


def wait_promoted(lab, host=None, by=None, deadline_s=MASTER_DEADLINE_S):
    """Until the promoted host (that one) is master, by its beat and by its
    manager's word: a term that is claimed may be over before it counts."""
    def good():
        found = promoted(lab, by)
        return found if found and host in (None, found) and \
            master(lab, by) == found and \
            manager(lab, found).get("is_master") else None
    found = wait_for(good, deadline_s,
                     f"a promoted master{f', {host}' if host else ''}")
    lab.note(f"master, promoted: {found}")
    return found


def tickets(lab, by):
    """{ticket: its attributes} in the CIB of that host's partition."""
    done = lab.bed.run(by, "cibadmin", "--query", "--local", "--xpath",
                       "//tickets", check=False)
    if done.returncode != 0:
        return {}
    root = ET.fromstring(done.stdout)
    return {t.get("id"): dict(t.attrib) for t in root.iter("ticket_state")}


def ticket(lab, vm, by):
    return tickets(lab, by).get(f"vmha-{vm.name}", {})


def wait_ticket(lab, vm, by, granted, deadline_s=HELD_DEADLINE_S):
    """Until that host's CIB has it granted ("true") or not ("false")."""
    def good():
        found = ticket(lab, vm, by)
        return found if found.get("granted") == granted else None
    return wait_for(good, deadline_s,
                    f"ticket of {vm.name}: granted={granted}")


def wait_sealed(lab, *hosts):
    for host in hosts:
        wait_for(lambda h=host: own(lab, h)["sealed"], SEAL_DEADLINE_S,
                 f"the seal of {host}")
    lab.note(f"sealed: {', '.join(hosts)}")


def wait_open(lab, hosts, deadline_s=BACK_DEADLINE_S):
    for host in hosts:
        wait_for(lambda h=host: not own(lab, h)["sealed"], deadline_s,
                 f"the end of the seal of {host}")


def wait_held(lab, by, owner, *vms):
    """Until the others hold them in the owner's name."""
    for vm in vms:
        found = wait_ticket(lab, vm, by, "false")
        lab.expect(found.get("vmha-owner") == owner,
                   f"{vm.name} is held for {found}, not {owner}")
    lab.note(f"held for {owner}: {', '.join(vm.name for vm in vms)}")




# -- what is done -----------------------------------------------------------

def cut(lab, *hosts, zero=True):
    lab.begin()
    lab.mark(f"links of {', '.join(hosts)} are cut", is_zero=zero)
    for host in hosts:
        for link in LINKS:
            lab.bed.cut(host, link)


def mend(lab, *hosts):
    lab.mark(f"links of {', '.join(hosts)} are back")
    for host in hosts:
        for link in LINKS:
            lab.bed.restore(host, link)


def all_alive(lab, what):
    for host in lab.hosts:
        why = is_off(lab, host)
        lab.expect(why is None, f"{what}: {host} is off: {why}")


def stays(lab, what, seconds=WATCH_S, **running):
    """For that long each VM runs exactly there: {name: hosts}."""
    vms = {vm.name: vm for vm in lab.vms}
    step_s = seconds / max(len(running), 1)
    for name, hosts in running.items():
        lab.hold(step_s, vms[name], hosts, what)


def back(lab, *vms, deadline_s=BACK_DEADLINE_S):
    """All hosts are members again and unsealed, all tickets granted, nothing
    is blocked."""
    lab.cluster.wait_online(deadline_s)
    wait_open(lab, lab.hosts, deadline_s)
    for vm in vms:
        wait_ticket(lab, vm, lab.cluster.any_host(), "true", deadline_s)
    lab.settle()
    state = lab.cluster.wait(lambda s: all(s.node_of(vm.name) for vm in vms),
                             deadline_s, "all VMs started")
    for vm in vms:
        res = state.resources[vm.name]
        lab.expect(not res["blocked"] and state.node_of(vm.name),
                   f"{vm.name} after all: {res}")
        lab.expect(vm.hosts() == [state.node_of(vm.name)],
                   f"{vm.name}: Pacemaker says {state.node_of(vm.name)}, "
                   f"QEMU on {vm.hosts()}")
    lab.note("all is as before")


def quiet(lab, what):
    """Nobody was reset, ordered to reset, or proven dead: a host that is held
    is fenced for Pacemaker, and lives."""
    all_alive(lab, what)
    for pattern in ("is ordered: reset", "is ordered: off",
                    *(f"counts as dead: {why}" for why in
                      ("silent", "replaced", "confirmed"))):
        at = lab.line.first(pattern)
        lab.expect(at is None, f"{what}: {pattern} at {at} s")


def shell(lab, host, text, check=True):
    return lab.bed.run(host, "sh", "-c", text, check=check)


