# SPDX-License-Identifier: GPL-2.0-or-later
"""The seal as the heartbeat daemons keep it, without a fault domain manager and
with fencing switched off, so that nothing but corosync, the datastores and what
the test says by the daemons' socket has a say (SAFETY sections 2 and 5)."""
import contextlib
import json
import time

from bed import wait_for

from . import case
from .heartbeat import SEEN_DEADLINE_S

ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("/run/vmha/heartbeatd.sock")
s.send(sys.argv[1].encode())
print(s.recv(200000).decode())
"""
UUID = "00000000-0000-4000-8000-0000000000{:02x}"
BUDGET_MS = 3000
LEASE_MS = 20000
MASTERLESS_BEATS = 10
EPERM, EAGAIN = 1, 11
OPEN_DEADLINE_S = 30


def ask(lab, by, op, **members):
    request = json.dumps({"v": 1, "op": op, **members})
    return json.loads(lab.bed.run(by, "python3", "-c", ASK, request).stdout)


def own(lab, host):
    return ask(lab, host, "status")["self"]


def seen(lab, host, by):
    (one,) = [h for h in ask(lab, by, "status")["hosts"] if h["name"] == host]
    return one


def beats_s(lab, count):
    timing = ask(lab, lab.hosts[0], "status")["timing"]
    return count * timing["beat_ms"] / 1000


def start(lab, host, number, budget_ms=BUDGET_MS):
    return ask(lab, host, "announce", uuid=UUID.format(number),
               resource=f"vm{number}", state="starting", budget_ms=budget_ms)


def withdraw(lab, host, number):
    return ask(lab, host, "withdraw", uuid=UUID.format(number),
               resource=f"vm{number}", budget_ms=BUDGET_MS)


def listed(lab, host, by=None):
    """{resource: state}"""
    told = ask(lab, by or host, "vms", host=host)
    lab.expect(told["ok"], f"list of {host}: {told}")
    return {vm["resource"]: vm["state"] for vm in told["vms"]}


def expect(lab, told, what, errno=0, word=""):
    lab.expect(told["ok"] == (errno == 0) and
               told.get("errno", 0) == errno and
               word in told.get("error", ""), f"{what}: {told}")


def wait_why(lab, host, why, deadline_s=SEEN_DEADLINE_S):
    wait_for(lambda: own(lab, host)["seal_why"] == why, deadline_s,
             f"{host}: seal \"{why}\", not {own(lab, host)['seal_why']}")


def wait_open(lab, *hosts):
    for host in hosts:
        wait_why(lab, host, "open", OPEN_DEADLINE_S)


def order(lab, by, host, kind):
    """Given and acknowledged; its result."""
    told = ask(lab, by, "order", host=host, kind=kind)
    expect(lab, told, f"order {kind}")

    def acked():
        state = ask(lab, by, "order-state", nonce=told["nonce"])
        return state if state["acked"] else None
    return wait_for(acked, SEEN_DEADLINE_S, f"answer to {kind}")["result"]


@contextlib.contextmanager
def no_fencing(lab):
    host = lab.cluster.any_host()
    set_to = ["crm_attribute", "--name", "stonith-enabled", "--update"]
    lab.bed.run(host, *set_to, "false")
    try:
        yield
    finally:
        lab.bed.join()
        lab.cluster.wait_online(OPEN_DEADLINE_S)
        lab.bed.run(lab.cluster.any_host(), *set_to, "true")


@case(heartbeat=3)
def seal_cut_off(lab):
    """A host that is cut off says "sealed", with a list of a new generation,
    and takes no VM; what ends there is said; back, it opens after ten beats."""
    lab.begin()
    victim, other = lab.hosts[2], lab.hosts[0]
    wait_open(lab, *lab.hosts)
    with no_fencing(lab):
        for number in (1, 2):
            expect(lab, start(lab, victim, number), "a start")
        before = seen(lab, victim, other)["list_generation"]
        lab.mark(f"{victim} is cut off", is_zero=True)
        lab.bed.split(lab.hosts[:2], [victim])
        wait_for(lambda: seen(lab, victim, other)["sealed"], SEEN_DEADLINE_S,
                 "the seal")
        found = seen(lab, victim, other)
        lab.note(f"{other} reads: {found['flags']}")
        lab.expect(not found["member"] and found["state"] == "partitioned" and
                   found["list_generation"] > before, f"{found}")
        for host in lab.hosts[:2]:
            lab.expect(own(lab, host)["seal_why"] == "open",
                       f"{host} keeps quorum and must not seal")
        facts = ask(lab, other, "fence-facts", host=victim)
        lab.expect(facts["says_sealed"] and facts["is_list_read"] and
                   "sealed" in facts["evidence"], f"{facts}")
        began = time.monotonic()
        expect(lab, start(lab, victim, 3, 30000), "a start there", EPERM,
               "sealed")
        lab.expect(time.monotonic() - began < 10, "refused at once")
        expect(lab, withdraw(lab, victim, 1), "an end there")
        wait_for(lambda: listed(lab, victim, other) ==
                 {"vm1": "released", "vm2": "starting"}, SEEN_DEADLINE_S,
                 "vm1 is released, vm2 is listed")
        expect(lab, ask(lab, victim, "isolated", on=True), "isolated")
        wait_for(lambda: seen(lab, victim, other)["state"] == "isolated",
                 SEEN_DEADLINE_S, "the isolation")
        lab.mark(f"{victim} is back")
        lab.bed.join()
        wait_why(lab, victim, "unsettled", OPEN_DEADLINE_S)
        begun = time.monotonic()
        # It waits for the end of the seal rather than fail.
        expect(lab, start(lab, victim, 3, 30000), "a start when back")
        waited_s = time.monotonic() - begun
        lab.note(f"it opened after {waited_s:.1f} s")
        lab.expect(waited_s > beats_s(lab, MASTERLESS_BEATS / 2),
                   "no master was given a chance")
        lab.expect(not own(lab, victim)["isolated"], "member and isolated")
        lab.expect(listed(lab, victim) ==
                   {"vm2": "starting", "vm3": "starting"}, "released is gone")
        for number in (2, 3):
            expect(lab, withdraw(lab, victim, number), "the end")


@case(heartbeat=3)
def seal_stale(lab):
    """A corosync that stands still tells its host an old membership for ever:
    ordered to, the host seals nevertheless, and stays so until it is back."""
    lab.begin()
    victim, other = lab.hosts[2], lab.hosts[0]
    wait_open(lab, *lab.hosts)
    with no_fencing(lab):
        lab.mark(f"corosync of {victim} stands still", is_zero=True)
        lab.bed.freeze(victim, "corosync")
        wait_for(lambda: not seen(lab, victim, other)["member"],
                 SEEN_DEADLINE_S, f"{other} drops {victim}")
        lab.expect(own(lab, victim)["quorate"], "it knows that it is cut off")
        lab.expect(order(lab, other, victim, "seal") == 0, "seal")
        lab.expect(seen(lab, victim, other)["sealed"], "acknowledged")
        time.sleep(beats_s(lab, MASTERLESS_BEATS * 2))
        lab.expect(own(lab, victim)["seal_why"] == "ordered",
                   "opened in a membership that is long gone")
        lab.bed.thaw(victim, "corosync")
        wait_open(lab, victim)
        lab.expect(seen(lab, victim, other)["member"], "opened, and not back")


@case(heartbeat=3)
def seal_master(lab):
    """Terms grow from master to master and over a restart; only a master of the
    membership unseals; a start waits for its ticket's new term."""
    lab.begin()
    first, second, third = lab.hosts[:3]
    wait_open(lab, *lab.hosts)
    old = own(lab, first)["term"]
    told = ask(lab, first, "master", on=True, lease_ms=LEASE_MS)
    lab.expect(told["ok"] and told["term"] > old, f"{told} after {old}")
    again = ask(lab, first, "master", on=True, lease_ms=LEASE_MS)
    lab.expect(again["term"] == told["term"], f"renewed: {again}")
    lab.expect(order(lab, second, third, "seal") == 0, "seal")
    lab.expect(seen(lab, third, second)["sealed"], "acknowledged, not sealed")
    expect(lab, ask(lab, second, "order", host=third, kind="unseal"),
           "unseal by one that is not master", EPERM)
    time.sleep(beats_s(lab, MASTERLESS_BEATS * 2))
    lab.expect(own(lab, third)["sealed"], "a master lives: it has the word")
    lab.expect(order(lab, first, third, "unseal") == 0, "unseal")
    wait_open(lab, third)
    newer = ask(lab, second, "master", on=True, lease_ms=LEASE_MS)
    lab.expect(newer["term"] > told["term"], f"{newer} after {told}")
    wait_for(lambda: own(lab, first)["master_term"] == 0, SEEN_DEADLINE_S,
             "the end of the older master")
    lab.expect(own(lab, third)["master"] == second, "who is master")
    ticket = {"resource": "vm1", "term": told["term"]}
    expect(lab, ask(lab, third, "tickets", tickets=[ticket]), "tickets")
    expect(lab, start(lab, third, 1), "an old ticket", EAGAIN, "has not "
           "confirmed it")
    lab.expect(listed(lab, third) == {}, "refused, and listed")
    expect(lab, start(lab, third, 2), "a VM without ticket")
    ticket["term"] = newer["term"]
    expect(lab, ask(lab, third, "tickets", tickets=[ticket]), "tickets")
    expect(lab, start(lab, third, 1), "a ticket of the newest term")
    for number in (1, 2):
        expect(lab, withdraw(lab, third, number), "the end")
    expect(lab, ask(lab, second, "master", on=False), "laid down")
    wait_for(lambda: own(lab, third)["master"] is None, SEEN_DEADLINE_S,
             "no master")
    lab.bed.stop(second, "heartbeatd")
    lab.bed.start(second, "heartbeatd")
    wait_for(lambda: own(lab, second)["term"] == newer["term"],
             SEEN_DEADLINE_S, "the term after a restart")
    wait_open(lab, second)


@case(hosts=2, heartbeat=3)
def seal_two_sides(lab):
    """Two nodes are cut apart, both have quorum: the lower name seals and
    obeys, the higher does neither; one again, the lower opens."""
    lab.begin()
    lower, higher = lab.hosts
    wait_open(lab, *lab.hosts)
    with no_fencing(lab):
        lab.mark("cut apart", is_zero=True)
        lab.bed.split([lower], [higher])
        wait_why(lab, lower, "claim")
        lab.note(f"{lower} has sealed")
        lab.expect(own(lab, lower)["quorate"] and own(lab, higher)["quorate"],
                   "two_node: both have quorum")
        lab.expect(order(lab, lower, higher, "seal") == -EPERM,
                   "the higher obeys the lower")
        lab.expect(order(lab, higher, lower, "seal") == 0, "seal")
        time.sleep(beats_s(lab, MASTERLESS_BEATS * 2))
        lab.expect(own(lab, lower)["sealed"], "no time ends a lost claim")
        lab.expect(own(lab, higher)["seal_why"] == "open", "the higher seals")
        expect(lab, start(lab, lower, 1), "a start there", EPERM, "sealed")
        expect(lab, start(lab, higher, 1), "a start here")
        lab.bed.join()
        wait_open(lab, lower)
        expect(lab, withdraw(lab, higher, 1), "the end")
