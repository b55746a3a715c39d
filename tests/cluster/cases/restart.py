# SPDX-License-Identifier: GPL-2.0-or-later
"""In which order VMs are restarted when their host dies, and how often. The
order is read from the guests' own disks: when each wrote first."""
import datetime
import json
import os
import time

from bed import wait_for

from . import case
from .cutoff import (manage, master, protect, ticket, wait_promoted,
                     wait_ticket)

UP_DEADLINE_S = 120
WAIT_DEADLINE_S = 60
DELAY_S = 2    # after ready, before the next ones
SWITCH_S = 1   # a power switch takes so long
SLACK_S = 0.5  # a list entry is read half a beat later than written
TOLD_DEADLINE_S = 20
AGAIN_S = 2    # a second master would have said it by then
LEVELS = ("high", "medium", "low", "lowest")
ASKS = 200
# Asks this host's manager as fence_vmha does; prints ms of each.
ASK = """
import json, socket, time
for _ in range(%d):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    begun = time.monotonic()
    s.connect("/run/vmha/fdmd.sock")
    s.send(json.dumps({"v": 1, "op": "hold-back", "host": "%s"}).encode())
    answer = json.loads(s.recv(65536))
    print((time.monotonic() - begun) * 1000)
    assert answer["ok"] and answer["kept"] == 0, answer
    s.close()
"""


def levels(lab, each, **more):
    """{priority: VMs}; each gives the next level DELAY_S."""
    return {level: [lab.vm(f"{level}{i}", params={
        "restart_priority": level, "ready_condition": "powered-on",
        "ready_delay": f"{DELAY_S}s", **more}) for i in range(1, each + 1)]
            for level in LEVELS}


def warm(lab):
    """libvirt's first start on a host begins QEMUs of its own to see what they
    can; one of these in its exit makes a start fail that comes beside it."""
    for host in lab.hosts:
        lab.bed.run(host, "virsh", "-c", "qemu:///system", "domcapabilities",
                    "--virttype", lab.accel)


def first(vm, ordinal=2):
    return vm.first_write_mono(ordinal)


def in_order(lab, early, late, gap_s, ordinal=2):
    """The last of these has written before the first of those."""
    last = max(early, key=lambda vm: first(vm, ordinal))
    then = min(late, key=lambda vm: first(vm, ordinal))
    gap = first(then, ordinal) - first(last, ordinal)
    lab.expect(gap >= gap_s, f"{then.name} wrote {gap:.2f} s after "
               f"{last.name}, expected {gap_s} s at least")
    lab.note(f"{then.name} wrote {gap:.2f} s after {last.name}")


def kill(lab, host, zero=True):
    lab.mark(f"power of {host} fails", is_zero=zero)
    lab.bed.poweroff(host)


def why(lab, vm, by):
    done = lab.bed.run(by, "vmha", "why", vm.name, "--json", check=False)
    return json.loads(done.stdout) if done.stdout else {"reasons": []}


def wait_why(lab, vm, by, words):
    """Until vmha why says that."""
    def good():
        for reason in why(lab, vm, by)["reasons"]:
            if reason["rule"] == "order" and words in reason["text"]:
                return reason["text"]
        return None
    lab.note(f"why {vm.name}: "
             f"{wait_for(good, WAIT_DEADLINE_S, f'{vm.name}: {words}')}")


def all_up(lab, vms, ordinal=2):
    for vm in vms:
        vm.wait_write(ordinal, UP_DEADLINE_S)
        vm.check(ordinal)
    lab.mark("all run")


@case(heartbeat=3)
def restart_order(lab):
    """12 VMs in 4 priorities, 3 of them a chain, on a host that dies: each
    level comes up DELAY_S after the one above, the chain one after the other."""
    vms = levels(lab, 3)
    chain = vms["low"]
    for needed, vm in zip(chain, chain[1:]):
        vm.params["restart_depends"] = needed.name
    every = [vm for level in LEVELS for vm in vms[level]]
    victim, by = lab.others(lab.cluster.state().dc)
    warm(lab)
    manage(lab, *every, on=victim)
    kill(lab, victim)
    wait_why(lab, vms["lowest"][0], by, "waits for priority")
    lab.expect(ticket(lab, vms["lowest"][0], by).get("vmha-state") ==
               "waiting", "lowest1 waits without its ticket's word")
    all_up(lab, every)
    for high, low in zip(LEVELS, LEVELS[1:]):
        in_order(lab, vms[high], vms[low], DELAY_S - SLACK_S)
    for needed, vm in zip(chain, chain[1:]):
        in_order(lab, [needed], [vm], DELAY_S - SLACK_S)
    in_order(lab, chain[:1], chain[2:], 2 * (DELAY_S - SLACK_S))
    for vm in every:
        wait_ticket(lab, vm, by, "true")


@case(heartbeat=3)
def restart_coordinator(lab):
    """The host that dies is the coordinator and the master of a plain clone:
    its VMs are restarted in order all the same, by the next master."""
    manage(lab, plain=True)
    restart_in_order(lab, lab.cluster.state().dc)


@case(heartbeat=3)
def restart_promoted(lab):
    """The host that dies is the promoted master: the order is kept by the
    coordinator, and by the one that is promoted next."""
    manage(lab)
    victim = master(lab)
    restart_in_order(lab, victim)
    wait_promoted(lab, by=lab.others(victim)[0])


def restart_in_order(lab, victim):
    """Two VMs of that host, which dies."""
    by = lab.others(victim)[0]
    high = lab.vm("high1", params={
        "restart_priority": "high", "ready_condition": "powered-on",
        "ready_delay": f"{4 * DELAY_S}s"})
    low = lab.vm("low1")
    warm(lab)
    protect(lab, high, low, on=victim)
    since = datetime.datetime.now(datetime.timezone.utc)
    kill(lab, victim)
    all_up(lab, [high, low])
    in_order(lab, [high], [low], 4 * DELAY_S - SLACK_S)
    wait_ticket(lab, low, by, "true")
    told_once(lab, (high, low), victim, since)


def events(lab, hosts, since):
    """vmha events of these hosts, by time; a bed's hosts have no journal."""
    found = []
    for host in hosts:
        done = lab.bed.run(host, "vmha", "events", "--json", "--lines=1000")
        for event in json.loads(done.stdout)["events"]:
            at = datetime.datetime.fromisoformat(
                event["time"].replace("Z", "+00:00"))
            lab.expect(event["host"] == host, f"{event} in the log of {host}")
            if at >= since:
                found.append((at, event))
    return sorted(found, key=lambda one: one[0])


def told_once(lab, vms, victim, since):
    """The line that an operator looks for, once for each VM, by one master,
    after the death that it tells."""
    def restarts():
        return [event["text"]
                for _, event in events(lab, lab.others(victim), since)
                if event["id"] == "restarted"]
    wait_for(lambda: len(restarts()) >= len(vms), TOLD_DEADLINE_S,
             "restarts, in the log")
    time.sleep(AGAIN_S)
    found = restarts()
    for text in found:
        lab.note(text)
    lab.expect(len(found) == len(vms), f"told: {found}")
    for vm in vms:
        start = f"{vm.name} was restarted on {lab.where(vm)}: " \
            f"{victim}, where it ran, has died; attempt 1, "
        lab.expect([t for t in found if t.startswith(start)],
                   f"{found}: none says: {start}")
    ids = [event["id"] for _, event in events(lab, lab.others(victim), since)]
    lab.expect("state-dead" in ids[:ids.index("restarted")],
               f"the story is told so: {ids}")


@case(heartbeat=3)
def restart_default(lab):
    """Nothing is configured: a host's death writes no ticket, and nothing is
    slower for the question that fence_vmha asks."""
    vms = [lab.vm(f"vm{i}") for i in range(1, 4)]
    by = lab.cluster.state().dc
    warm(lab)
    manage(lab)
    # A new master would write all tickets again.
    victim = lab.others(by, master(lab))[0]
    protect(lab, *vms, on=victim)
    # As the master writes them; what adds a VM has no term.
    before = {vm: wait_for(lambda vm=vm: (
        lambda found: found if found.get("vmha-term") else None)(
            ticket(lab, vm, by)), WAIT_DEADLINE_S,
        f"the master's ticket of {vm.name}") for vm in vms}
    asked = sorted(float(ms) for ms in lab.bed.run(
        by, "python3", "-c", ASK % (ASKS, victim)).stdout.split())
    lab.note(f"hold-back: median {asked[ASKS // 2]:.2f} ms, longest "
             f"{asked[-1]:.2f} ms of {ASKS}")
    kill(lab, victim)
    all_up(lab, vms)
    for vm in vms:
        lab.expect(ticket(lab, vm, by) == before[vm],
                   f"{vm.name}: {before[vm]} has become "
                   f"{ticket(lab, vm, by)}")


@case(hosts=5, heartbeat=3)
def restart_master_dies(lab):
    """The master's host dies in the midst of a wave: no VM is lost, none runs
    twice, and the new master keeps the order."""
    vms = levels(lab, 2, ready_delay="15s")
    every = [vm for level in LEVELS for vm in vms[level]]
    warm(lab)
    manage(lab)
    boss = master(lab)
    victim = lab.others(boss)[0]
    # None of them restarts on the host that dies next.
    manage_on(lab, every, victim, not_on=boss)
    by = lab.others(boss, victim)[0]
    kill(lab, victim)
    for vm in vms["high"]:
        vm.wait_write(2, UP_DEADLINE_S)
    wait_ticket(lab, vms["medium"][0], by, "false")
    kill(lab, boss, zero=False)
    wait_why(lab, vms["lowest"][0], by, "waits for priority")
    all_up(lab, every)
    for high, low in zip(LEVELS, LEVELS[1:]):
        in_order(lab, vms[high], vms[low], 15 - SLACK_S)
    lab.expect(master(lab, by) not in (boss, victim, None),
               f"the master is {master(lab, by)}")


def manage_on(lab, vms, host, not_on):
    lab.cluster.configure(lab.cluster.any_host(), "".join(
        vm.primitive(host) + f"location {vm.name}-not-{not_on} {vm.name} "
        f"-inf: {not_on}\n" for vm in vms))
    for vm in vms:
        lab.cluster.wait_started(vm.name, UP_DEADLINE_S, on=host)
        vm.wait_write(1)
    lab.bed.run(host, "vmha", "vm", "add", *(vm.name for vm in vms))
    for vm in vms:
        wait_ticket(lab, vm, host, "true")


@case(heartbeat=3)
def restart_retry(lab):
    """A VM that no host can start is tried again later, and counts; what it
    lacks is back, and the next attempt brings it up."""
    vm, other = lab.vm("web1"), lab.vm("low1", params={
        "restart_priority": "low"})
    victim, by = lab.others(lab.cluster.state().dc)
    warm(lab)
    manage(lab, vm, other, on=victim, restart_retry_waits='"5s 20s 600s"',
           restart_attempts="4")
    os.rename(vm.config, f"{vm.config}.away")
    kill(lab, victim)
    wait_why(lab, vm, by, "attempt 1 of 4")
    other.wait_write(2, UP_DEADLINE_S)
    lab.note("a VM that has failed holds up nobody")
    wait_why(lab, vm, by, "attempt 2 of 4")
    found = ticket(lab, vm, by)
    lab.expect((found.get("vmha-state"), found.get("vmha-attempt"),
                found.get("vmha-not-before")) == ("waiting", "2", "20"),
               f"its ticket says {found}")
    os.rename(f"{vm.config}.away", vm.config)
    all_up(lab, [vm, other])
    found = wait_ticket(lab, vm, by, "true")
    lab.expect(found.get("vmha-attempt") == "3", f"its ticket says {found}")


@case(heartbeat=3)
def restart_given_up(lab):
    """After the last attempt a VM is left alone, until it is stopped and
    started; one with restart_priority=disabled is not restarted at all."""
    vm, off = lab.vm("web1"), lab.vm("test1", params={
        "restart_priority": "disabled"})
    victim, by = lab.others(lab.cluster.state().dc)
    warm(lab)
    manage(lab, vm, off, on=victim, restart_retry_waits="2s",
           restart_attempts="2")
    os.rename(vm.config, f"{vm.config}.away")
    kill(lab, victim)
    wait_why(lab, vm, by, "given up: 2 attempts")
    wait_why(lab, off, by, "restart_priority=disabled")
    lab.expect(not off.hosts(), f"test1 runs on {off.hosts()}")
    os.rename(f"{vm.config}.away", vm.config)
    for one in (vm, off):
        lab.bed.run(by, "crm", "resource", "stop", one.name)
        wait_for(lambda vm=one: ticket(lab, vm, by)["vmha-state"] == "off",
                 WAIT_DEADLINE_S, f"{one.name} powered off")
    lab.settle()
    for one in (vm, off):
        lab.bed.run(by, "crm", "resource", "start", one.name)
    all_up(lab, [vm, off])


@case(heartbeat=3)
def restart_manager_stopped(lab):
    """All managers are stopped while a VM waits: it is not left down."""
    db, app = lab.vm("db1", params={
        "restart_priority": "high", "ready_condition": "powered-on",
        "ready_delay": "600s"}), lab.vm("app1")
    victim, by = lab.others(lab.cluster.state().dc)
    warm(lab)
    manage(lab, db, app, on=victim)
    kill(lab, victim)
    db.wait_write(2, UP_DEADLINE_S)
    wait_why(lab, app, by, "waits for priority high: db1 is not ready")
    lab.mark("all managers are stopped")
    lab.bed.run(by, "crm", "resource", "stop", "fault-domain")
    all_up(lab, [db, app])


@case(heartbeat=3, fence="bed", profile="standard")
def restart_foreign_fence(lab):
    """The fence device is a power switch, which knows no order and is faster
    than the proof: the master takes the tickets of those that wait before the
    host is switched off, early starts are refused, and the order is kept."""
    high = lab.vm("high1", params={
        "restart_priority": "high", "ready_condition": "powered-on",
        "ready_delay": f"{4 * DELAY_S}s"})
    low = lab.vm("low1")
    warm(lab)
    manage(lab)
    by = lab.cluster.state().dc
    victim = lab.others(by, master(lab))[0]
    protect(lab, high, low, on=victim)
    for name in lab.fences:
        lab.cluster.crm(by, f"resource param {name} set pcmk_delay_base "
                        f"{SWITCH_S}s")
    lab.settle()
    lab.begin()
    kill(lab, victim)
    found = wait_ticket(lab, low, by, "false")
    lab.expect(lab.line.first(f"fencing result: off {victim}") is None,
               "it was switched off before low1 lost its ticket")
    lab.expect(found.get("vmha-reason") == "waits-for-priority",
               f"its ticket says {found}")
    lab.mark("low1 has lost its ticket")
    all_up(lab, [high, low])
    lab.expect(lab.line.first(f"fencing result: off {victim} OK") is not None,
               f"{victim} was not switched off")
    in_order(lab, [high], [low], 4 * DELAY_S - SLACK_S)
    for vm in (high, low):
        wait_ticket(lab, vm, by, "true")
