# SPDX-License-Identifier: GPL-2.0-or-later
"""Admission control in force: a power-on that the cluster could not keep its
word for is refused and says why, starts by itself once there is room, and a
cluster that is full to the limit brings back every VM of a host that dies.

Hosts and VMs are small by what the CIB says of them (utilization); QEMU's own
memory is the test guest's.
"""
import json
import re
import threading
import time

from bed import proc, wait_for

from . import case
from .cutoff import (HELD_DEADLINE_S, manage, manager, master, ticket,
                     tickets)
from .heartbeat import power_on
from .maintenance import same_guest, told, vmha
from .protect import on_disk, power_fails, wait_off, wait_word
from .ready import wait_log
from .restart import UP_DEADLINE_S, all_up, kill, warm
from .vm import cmdline

UNIT_MB = 1000   # what hosts and VMs are counted in here
SPARE_MB = 100   # of it is left for what QEMU needs beside the guest
JUDGED_DEADLINE_S = 30
PLANNED_DEADLINE_S = 90  # a minute where the cluster has no quiet moment
WATCH_S = 5
RUSH, ROOM = 50, 20
RUSH_OPS = {"monitor": "interval=10s timeout=60s", "start": "timeout=60s"}
LOOK_S = 0.05


# -- a small cluster ----------------------------------------------------------

def sized(lab, name, units=1, **more):
    """A VM that needs nearly so many units, with QEMU's overhead."""
    vm = lab.vm(name, **more)
    vm.needs_mb = units * UNIT_MB - SPARE_MB
    return vm


def lines(vm, on=None, meta=""):
    return vm.primitive(on, f"{meta} utilization memory_mb={vm.needs_mb}")


def gated(vm, meta=""):
    """A VM that nobody has started yet, with its gate and without a ticket."""
    return lines(vm, meta=meta) + \
        f"rsc_ticket vmha-gate-{vm.name} vmha-{vm.name}: {vm.name} " \
        "loss-policy=freeze\n"


def load(lab, *texts):
    lab.cluster.configure(lab.cluster.any_host(), "".join(texts))


def offer(lab, units, *hosts):
    """Each host offers so many units. By hand: vmha leaves it alone."""
    for host in hosts or lab.hosts:
        lab.cluster.crm(lab.cluster.any_host(), f"node utilization {host} set "
                        f"memory_mb {units * UNIT_MB}")
    lab.note(f"{', '.join(hosts or lab.hosts)}: {units} units each")


def stop(lab, *vms):
    """Powered off; one that is refused does not begin when its gate goes."""
    lab.cluster.crm(lab.cluster.any_host(), "resource stop " +
                    " ".join(vm.name for vm in vms))


# -- what is said -------------------------------------------------------------

def judged(lab, by=None):
    """The master's word on admission; empty: it has none yet."""
    boss = master(lab, by or lab.cluster.any_host())
    return (manager(lab, boss).get("admission") or {}) if boss else {}


def wait_state(lab, state, by=None):
    """green or red, on the master's node too, where crm_mon shows it."""
    by = by or lab.cluster.any_host()
    wait_for(lambda: judged(lab, by).get("state") == state, JUDGED_DEADLINE_S,
             f"admission {state}")
    wait_shown(lab, rf"^{state}", by)
    lab.mark(f"admission is {state}")


def wait_shown(lab, pattern, by=None):
    """Until the node attribute that crm_mon -A shows says that."""
    def good():
        text = lab.bed.run(by or lab.cluster.any_host(), "crm_mon", "-1",
                           "-A").stdout
        return [said for said in re.findall(
            r"\* vmha-admission\s*:\s*(.*?)\s*$", text, re.M)
            if re.search(pattern, said)]
    lab.note(f"crm_mon -A: vmha-admission: "
             f"{wait_for(good, JUDGED_DEADLINE_S, f'in crm_mon -A: {pattern}')}")


def is_refused(found):
    return (found.get("granted"), found.get("vmha-state"),
            found.get("vmha-reason")) == ("false", "waiting",
                                          "waits-for-admission")


def wait_refused(lab, vm):
    """Until its ticket says so; the sentence."""
    by = lab.cluster.any_host()
    wait_for(lambda: is_refused(ticket(lab, vm, by)), HELD_DEADLINE_S,
             f"{vm.name} refused")
    text = ticket(lab, vm, by).get("vmha-text", "")
    lab.expect(text, f"{vm.name} is refused without a sentence")
    lab.expect(not vm.qemus(), f"{vm.name} is refused, and runs")
    lab.note(f"{vm.name} is refused: {text}")
    return text


def wait_admitted(lab, *vms):
    """Until their tickets say with how much."""
    by = lab.cluster.any_host()
    for vm in vms:
        found = wait_for(lambda v=vm: (lambda t: t if "vmha-memory" in t and
                                       t.get("granted") == "true" else None)(
                                           ticket(lab, v, by)),
                         HELD_DEADLINE_S, f"{vm.name} admitted")
        lab.expect(found["vmha-memory"] == str(vm.needs_mb),
                   f"{vm.name} needs {vm.needs_mb} MiB: {found}")


# -- the stories --------------------------------------------------------------

@case(heartbeat=3)
def admission_refused(lab):
    """A power-on that two hosts have no room for: refused with its sentence
    wherever one looks, nothing runs; a third host comes, and it starts."""
    vms = [sized(lab, f"web{i}") for i in (1, 2)]
    late = sized(lab, "late1")
    warm(lab)
    manage(lab)
    away = lab.others(master(lab))[0]
    by = lab.others(away)[0]
    offer(lab, 2)
    lab.cluster.crm(by, f"--wait node standby {away}")
    load(lab, *(gated(vm) for vm in vms), gated(late, "target-role=Stopped"))
    for vm in vms:
        vm.wait_write(1, UP_DEADLINE_S)
    wait_admitted(lab, *vms)
    wait_off(lab, late, by)
    lab.begin()
    said = vmha(lab, "vm", "start", late.name, by=by, code=1)
    text = wait_refused(lab, late)
    lab.expect("memory" in text, text)
    for what, words in (("vmha vm start", said.stdout + said.stderr),
                        ("vmha why", vmha(lab, "why", late.name, by=by,
                                          code=None).stdout),
                        ("crm_ticket", lab.bed.run(
                            by, "crm_ticket", "--details", "--ticket",
                            f"vmha-{late.name}").stdout)):
        lab.expect(" ".join(text.split()) in " ".join(words.split()),
                   f"{what} does not say \"{text}\": {words}")
    wait_shown(lab, rf"^refused {late.name}: ", by)
    lab.expect(on_disk(lab, by).get(late.name) != "protected",
               f"refused, and on disk: {on_disk(lab, by)}")
    lab.hold(WATCH_S, late, [], "refused")
    lab.mark(f"{away} comes", is_zero=True)
    lab.cluster.crm(by, f"node online {away}")
    late.wait_write(1, UP_DEADLINE_S)
    wait_admitted(lab, late)
    wait_shown(lab, r"^green", by)
    wait_word(lab, "protected", by, late)
    for vm in (*vms, late):
        vm.check(1)


class Watcher:
    """How many of these VMs have a QEMU, again and again."""

    def __init__(self, vms):
        self.uuids = {vm.uuid.encode() for vm in vms}
        self.most = self.looks = self.twice = 0
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.end.wait(LOOK_S):
            found = [arg for pid in proc.pids() for arg in cmdline(pid)
                     if arg in self.uuids]
            self.most = max(self.most, len(set(found)))
            self.twice += len(found) != len(set(found))
            self.looks += 1

    def stop(self):
        self.end.set()
        self.thread.join()


@case(heartbeat=3)
def admission_rush(lab):
    """50 VMs are powered on at once where 20 have room: 20 run, never one
    more at any moment, and 30 are refused."""
    vms = [sized(lab, f"vm{i:02}", options="tick_hz=1", ops=RUSH_OPS)
           for i in range(1, RUSH + 1)]
    warm(lab)
    manage(lab)
    by = lab.cluster.any_host()
    # Two of three hosts hold 20; by sums alone one more would be let in.
    offer(lab, ROOM // 2)
    watcher = Watcher(vms)
    lab.mark(f"{RUSH} power-ons", is_zero=True)
    load(lab, *(gated(vm) for vm in vms))

    def split():
        found = tickets(lab, by)
        found = [found.get(f"vmha-{vm.name}", {}) for vm in vms]
        on = [vm for vm, t in zip(vms, found) if t.get("granted") == "true"]
        off = [vm for vm, t in zip(vms, found) if is_refused(t)]
        return (on, off) if len(on) + len(off) == RUSH else None
    on, off = wait_for(split, UP_DEADLINE_S, "the master's word on each VM")
    lab.mark(f"{len(on)} admitted, {len(off)} refused")
    for vm in on:
        vm.wait_write(1, UP_DEADLINE_S)
    lab.mark("all that are admitted run")
    time.sleep(WATCH_S)
    watcher.stop()
    lab.expect((len(on), watcher.most, watcher.twice) == (ROOM, ROOM, 0),
               f"{len(on)} admitted, at most {watcher.most} at once, "
               f"{watcher.twice} looks saw one twice")
    lab.note(f"at most {watcher.most} QEMUs in {watcher.looks} looks")
    lab.expect(split() == (on, off), "the master's word has changed")
    lab.expect(len(judged(lab)["refused"]) == RUSH - ROOM, f"{judged(lab)}")
    stop(lab, *off)


# Each host dies, and its VMs fill the two others to the last unit.
FULL = {"h1": (4, 2, 1), "h2": (3, 2, 1), "h3": (4, 2, 1)}
FULL_UNITS = 10


def planned(lab, host, by):
    """{VM: host} if that one dies, as vmha plan show says."""
    (plan,) = told(lab, "plan", "show", host, by=by)["plans"]
    return {move["vm"]: move["to"] for move in plan["moves"]}


def preferred(lab, by):
    """{VM: host} as Pacemaker has it."""
    text = lab.bed.run(by, "cibadmin", "--query", "--local", "--scope",
                       "constraints").stdout
    found = {}
    for one in re.findall(r"<rsc_location ([^>]*)>", text):
        row = dict(re.findall(r'([\w-]+)="([^"]*)"', one))
        if row["id"].startswith("vmha-plan-") and int(row["score"]) > 0:
            found[row["rsc"]] = row["node"]
    return found


@case(heartbeat=3)
def admission_limit(lab):
    """A cluster that is full to the limit, one more is refused; a host dies,
    and each of its VMs comes back where vmha plan show said."""
    vms = {host: [sized(lab, f"{host}vm{i}", units)
                  for i, units in enumerate(sizes, 1)]
           for host, sizes in FULL.items()}
    every = [vm for some in vms.values() for vm in some]
    late = sized(lab, "late1")
    warm(lab)
    manage(lab)
    boss = master(lab)
    victim, by = lab.others(boss)
    offer(lab, FULL_UNITS)
    load(lab, *(lines(vm, host) for host, some in vms.items() for vm in some))
    for host, some in vms.items():
        for vm in some:
            lab.cluster.wait_started(vm.name, on=host)
            vm.wait_write(1)
    lab.bed.run(by, "vmha", "vm", "add", *(vm.name for vm in every))
    wait_admitted(lab, *every)
    load(lab, gated(late))
    wait_refused(lab, late)
    wanted = planned(lab, victim, by)
    lab.expect(set(wanted) == {vm.name for vm in vms[victim]}, f"{wanted}")
    wait_for(lambda: wanted.items() <= preferred(lab, by).items(),
             PLANNED_DEADLINE_S, f"the plan in the CIB: {wanted}")
    lab.note(f"if {victim} dies: {json.dumps(wanted)}")
    wait_word(lab, "protected", by, *every)
    kill(lab, victim)
    all_up(lab, vms[victim])
    for vm in vms[victim]:
        lab.expect(vm.hosts() == [wanted[vm.name]],
                   f"{vm.name} on {vm.hosts()}, planned {wanted[vm.name]}")
    wait_refused(lab, late)
    for host in (boss, by):
        for vm in vms[host]:
            lab.expect(vm.hosts() == [host], f"{vm.name} on {vm.hosts()}")
            vm.check(1)
    stop(lab, late)


@case(heartbeat=3)
def admission_power_loss(lab):
    """All power fails in a full cluster, and one host stays away: what was
    protected is started all the same, who was refused stays refused."""
    vms = [sized(lab, f"web{i}") for i in range(1, 5)]
    late = sized(lab, "late1")
    warm(lab)
    manage(lab)
    offer(lab, 2)
    by, away = lab.hosts[0], lab.hosts[-1]
    load(lab, *(gated(vm) for vm in vms))
    for vm in vms:
        vm.wait_write(1, UP_DEADLINE_S)
    load(lab, gated(late))
    wait_refused(lab, late)
    wait_word(lab, "protected", by, *vms)
    lab.begin()
    power_fails(lab, *vms)
    # Two hosts, which nobody could power on a second VM on.
    lab.mark(f"power is back, without {away}")
    for host in lab.others(away):
        lab.bed.poweron(host)
    for vm in vms:
        vm.wait_write(2, UP_DEADLINE_S)
    wait_refused(lab, late)
    wait_state(lab, "red", by)
    for vm in vms:
        vm.check(2)
    power_on(lab, away)
    stop(lab, late)


TOO_MUCH_MB = 3 * UNIT_MB  # more than a host has


def reserved(lab, vm, by):
    """Its utilization, MiB."""
    return int(lab.bed.run(by, "crm_resource", "--resource", vm.name,
                           "--utilization", "--get-parameter",
                           "memory_mb").stdout)


@case(heartbeat=3)
def admission_raise(lab):
    """A reservation is raised: what fits is admitted, what does not is refused
    or marked, and the VM runs on; red and green as a host goes and comes."""
    vms = [sized(lab, f"web{i}") for i in (1, 2, 3)]
    one = vms[0]
    warm(lab)
    manage(lab)
    victim, by = lab.others(master(lab))
    offer(lab, 2)
    load(lab, *(gated(vm) for vm in vms))
    for vm in vms:
        vm.wait_write(1, UP_DEADLINE_S)
    wait_admitted(lab, *vms)
    wait_state(lab, "green", by)
    before = one.qemus()
    refused = vmha(lab, "vm", "set-reservation", one.name,
                   f"memory_mb={TOO_MUCH_MB}", by=by, code=1)
    lab.expect("memory" in refused.stdout + refused.stderr,
               f"{refused.stdout}{refused.stderr}")
    lab.expect(reserved(lab, one, by) == one.needs_mb, "it was written")
    lab.cluster.crm(by, f"resource utilization {one.name} set memory_mb "
                    f"{TOO_MUCH_MB}")
    wait_for(lambda: [row for row in judged(lab, by).get("marked", [])
                      if row["resource"] == one.name], JUDGED_DEADLINE_S,
             f"{one.name} marked")
    wait_admitted(lab, one)
    words = vmha(lab, "status", by=by, code=None).stdout
    lab.expect(one.name in words, words)
    lab.note(f"{one.name}: its raise by hand is refused and told")
    vmha(lab, "vm", "set-reservation", one.name, f"memory_mb={one.needs_mb}",
         by=by)
    wait_for(lambda: not judged(lab, by).get("marked"), JUDGED_DEADLINE_S,
             "the end of the mark")
    one.needs_mb += SPARE_MB // 2
    vmha(lab, "vm", "set-reservation", one.name, f"memory_mb={one.needs_mb}",
         by=by)
    wait_admitted(lab, one)
    same_guest(lab, one, before)
    kill(lab, victim)
    wait_state(lab, "red", by)
    for vm in vms:
        wait_for(lambda v=vm: v.hosts() and victim not in v.hosts(),
                 UP_DEADLINE_S, f"{vm.name} elsewhere")
    power_on(lab, victim)
    wait_state(lab, "green", by)
    for words in ("[raise-refused]", "[admission-red]", "[admission-green]"):
        wait_log(lab, lab.others(victim), words)


# -- two at once --------------------------------------------------------------

HALF = 50  # percent of the memory that stays free


def at_once(lab, *asked):
    """Commands, each (host, *words), begun at the same instant; what became of
    them, in order."""
    start = threading.Barrier(len(asked))
    done = [None] * len(asked)

    def run(i, host, words):
        start.wait()
        begin = time.monotonic()
        done[i] = vmha(lab, *words, by=host, code=None)
        lab.note(f"{host}: {' '.join(words)}: exit code {done[i].returncode} "
                 f"after {time.monotonic() - begin:.2f} s")
    threads = [threading.Thread(target=run, args=(i, host, words))
               for i, (host, *words) in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def one_of(lab, done):
    """Exactly one was let through, and the other one says why not; which."""
    codes = [one.returncode for one in done]
    lab.expect(sorted(codes) == [0, 1],
               f"exit codes {codes}: {[d.stdout + d.stderr for d in done]}")
    said = done[codes.index(1)].stderr
    lab.expect("refuses it" in said, said)
    lab.note(said.strip())
    return codes.index(0)


@case(heartbeat=3)
def admission_doors(lab):
    """Two hosts are to leave at the same instant, told so on two hosts; then a
    reservation grows while a VM is powered on: of two one is let through."""
    vms = [sized(lab, f"web{i}") for i in (1, 2, 3)]
    late = sized(lab, "late1", 3)
    warm(lab)
    manage(lab, memory_percent=HALF)
    boss = master(lab)
    one, two = lab.others(boss)
    offer(lab, 4)
    load(lab, *(gated(vm) for vm in vms), gated(late, "target-role=Stopped"))
    for vm in vms:
        vm.wait_write(1, UP_DEADLINE_S)
    wait_admitted(lab, *vms)
    wait_off(lab, late, boss)
    wait_state(lab, "green", boss)
    lab.begin()
    lab.mark(f"{one} and {two} are to leave", is_zero=True)
    won = one_of(lab, at_once(
        lab, (one, "host", "maintenance", two, "on", "--yes"),
        (two, "host", "maintenance", one, "on", "--yes")))
    away = (two, one)[won]
    found = {host for host, word in lab.cluster.state(boss).nodes.items()
             if word == "standby"}
    lab.expect(found == {away}, f"in standby: {found}, not {away}")
    vmha(lab, "host", "maintenance", away, "off", by=boss)
    wait_for(lambda: lab.cluster.state(boss).all_online(), JUDGED_DEADLINE_S,
             f"{away} back")
    wait_state(lab, "green", boss)
    more_mb = late.needs_mb
    won = one_of(lab, at_once(
        lab, (one, "vm", "set-reservation", vms[0].name,
              f"memory_mb={more_mb}"), (two, "vm", "start", late.name)))
    if won == 0:
        vms[0].needs_mb = more_mb
        wait_refused(lab, late)
    else:
        wait_admitted(lab, late)
        lab.expect(reserved(lab, vms[0], boss) == vms[0].needs_mb,
                   "what was refused is written")
    wait_admitted(lab, vms[0])
    left = lab.bed.run(boss, "cibadmin", "--query", "--local", "--scope",
                       "status").stdout
    lab.expect('name="vmha-ask"' not in left, "a question was left behind")
    for vm in vms:
        lab.expect(len(vm.qemus()) == 1, f"{vm.name}: {vm.qemus()}")
    stop(lab, late)


def colour(lab, host, by):
    """Of a failover host, as vmha admission show says."""
    return told(lab, "admission", "show",
                by=by)["policy"]["failover_hosts"][host]


@case(heartbeat=3)
def admission_dedicated(lab):
    """A host is kept for failures: power-ons and maintenance leave it empty,
    though nothing is emptier, and VMs of a host that dies come back there."""
    vms = [sized(lab, f"web{i}") for i in range(1, 5)]
    late = sized(lab, "late1")
    warm(lab)
    spare = lab.hosts[-1]
    manage(lab, admission_policy="dedicated", failover_hosts=spare)
    boss = master(lab)
    away = lab.others(boss, spare)[0]
    (stays,) = lab.others(away, spare)
    offer(lab, len(vms))
    load(lab, *(gated(vm) for vm in vms), gated(late), "".join(
        f"location {late.name}-not-{host} {late.name} -inf: {host}\n"
        for host in lab.others(spare)))
    for vm in vms:
        vm.wait_write(1, UP_DEADLINE_S)
        lab.expect(vm.hosts() != [spare], f"{vm.name} on {vm.hosts()}")
    text = wait_refused(lab, late)
    lab.expect("failover" in text, text)
    stop(lab, late)
    wait_state(lab, "green", stays)
    lab.expect(colour(lab, spare, stays) == "green", "VMs on it?")
    # Nothing else can take the VMs of either.
    wait_planned(lab, vms, spare)
    for vm in vms:
        vm.check(1)
    vmha(lab, "host", "maintenance", away, "on", "--yes", by=stays)
    for vm in vms:
        lab.expect(vm.hosts() == [stays], f"{vm.name} on {vm.hosts()}")
    wait_planned(lab, vms, spare)
    vmha(lab, "host", "maintenance", away, "off", by=stays)
    wait_planned(lab, vms, spare)
    kill(lab, stays)
    all_up(lab, vms)
    for vm in vms:
        lab.expect(vm.hosts() == [spare], f"{vm.name} on {vm.hosts()}")
    lab.expect(colour(lab, spare, away) == "yellow", "it took VMs")
    words = vmha(lab, "status", by=away, code=None).stdout
    lab.expect(f"failover host {spare} is yellow, {len(vms)} VMs" in words,
               words)
    # One of them goes back by hand, and nothing calls it.
    lab.cluster.crm(away, f"--wait resource move {vms[0].name} {away}")
    lab.cluster.crm(away, f"resource clear {vms[0].name}")
    lab.hold(WATCH_S, vms[0], [away], "moved back")


def wait_planned(lab, vms, host):
    wait_for(lambda: all(preferred(lab, host).get(vm.name) == host
                         for vm in vms), PLANNED_DEADLINE_S,
             f"{host} is the target of all")
