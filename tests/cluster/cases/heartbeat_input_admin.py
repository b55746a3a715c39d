# SPDX-License-Identifier: GPL-2.0-or-later
"""The heartbeat by hand: check, message, disarm and arm, and the brake that
keeps a cluster from resetting itself to death."""
import json

from bed import wait_for

from . import case
from .heartbeat import (SEEN_DEADLINE_S, fenced_by_proof, is_off, moved,
                        power_on, status, wait_off)
from .heartbeat_halt import QUIET_S
from .heartbeat_input import CONF_PATH, STORES, conf
from .heartbeat_storage import (NOT_PROVEN, NOT_PROVEN_DEADLINE_S, all_on,
                                timing_s, wait_evidence)
from .lab import FENCE_LIMIT

DONE, BAD = 0, 1
LINKS = ("link0", "link1")
# The machine below the beds may have sbd, whose links a bed's hosts see.
NO_SBD = "rm -f /etc/systemd/system/*/sbd.service"
SHORT_S, ENOUGH_S = 5, 60
FENCE_LIMIT_IS = ("sed -i s/^fence_limit=.*/fence_limit={limit}/ " +
                  CONF_PATH +
                  "; kill -HUP $(cat /run/vmha/heartbeatd.pid)")


def check(lab, host, *options):
    """(exit code, {what: finding}, changes) of vmha heartbeat check."""
    done = lab.bed.run(host, "vmha", "heartbeat", "check", "--json", *options,
                       check=False)
    lab.expect(done.returncode in (DONE, BAD),
               f"check: status {done.returncode}: {done.stderr}")
    found = json.loads(done.stdout)
    return done.returncode, {f["what"]: f for f in found["findings"]}, \
        found["changes"]


def stonith_timeout(lab, host, seconds):
    lab.bed.run(host, "crm_attribute", "--type", "crm_config", "--name",
                "stonith-timeout", "--update", f"{seconds}s")


def contradictory(lab, host):
    """Times that don't fit: each named with the right value."""
    stonith_timeout(lab, host, SHORT_S)
    code, found, _ = check(lab, host)
    one = found["stonith-timeout"]
    lab.note(f"check: {one['level']} stonith-timeout {one['value']}, "
             f"{one['limit']}")
    least_s = timing_s(lab, "silence_ms") + \
        3 * timing_s(lab, "beat_ms") + 10
    lab.expect(code == BAD and one["level"] == "bad" and
               f"{int(least_s) + 1} s" in one["limit"],
               f"status {code}: {one}, expected about {least_s} s")
    stonith_timeout(lab, host, ENOUGH_S)
    done = lab.bed.run(host, "vmha", "heartbeat", "create", "--beat-ms", "500",
                       "--tolerance-ms", "900", "--watchdog-ms", "1000",
                       "/tmp/contradictory.hb", check=False)
    lab.note(f"create: {done.stderr.strip()}")
    lab.expect(done.returncode != DONE and "500" in done.stderr,
               f"create: status {done.returncode}: {done.stderr}")
    lab.bed.run(host, "test", "!", "-e", "/tmp/contradictory.hb")


def fixed(lab, host):
    """Datastores in a wrong order and one under two names are put right."""
    good = lab.bed.run(host, "cat", CONF_PATH).stdout
    lab.bed.run(host, "ln", "-s", STORES[0], "/tmp/again.hb")
    lab.bed.write(host, CONF_PATH, conf([*reversed(STORES), "/tmp/again.hb"],
                                        watchdog="/dev/watchdog"))
    code, found, _ = check(lab, host)
    lab.expect(code == BAD, f"a datastore twice is {code}: {found}")
    code, _, changes = check(lab, host, "--fix")
    lab.note(f"check --fix: {changes}")
    code, found, _ = check(lab, host)
    after = lab.bed.run(host, "cat", CONF_PATH).stdout
    lab.expect(code == DONE and changes and
               f"datastores={';'.join(STORES)}" in after,
               f"status {code} {found} after --fix: {after}")
    lab.bed.write(host, CONF_PATH, good)


@case(heartbeat=3)
def heartbeat_input_admin(lab):
    """vmha heartbeat check is content, names what contradicts and mends it;
    watch and status show all hosts; a test message is acknowledged; a reset
    resets that host and no other, its VM restarts elsewhere."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    by = lab.others(victim)[0]
    lab.protect(vm, on=victim)
    lab.bed.run(by, "sh", "-c", NO_SBD)
    code, found, _ = check(lab, by)
    wrong = {w: f for w, f in found.items() if f["level"] == "bad"}
    lab.expect(code == DONE and not wrong, f"check: status {code}: {wrong}")
    contradictory(lab, by)
    fixed(lab, by)
    shown = lab.bed.run(by, "vmha", "heartbeat", "watch", "--once").stdout
    for host in lab.hosts:
        lab.expect(f"\n{host}" in shown, f"watch: {shown}")
    told = lab.bed.run(by, "vmha", "heartbeat", "message", victim, "test")
    lab.note(f"message: {told.stdout.strip()}")
    lab.expect("acknowledged" in told.stdout, told.stdout)
    all_on(lab, "a test message")
    lab.begin()
    lab.mark(f"{victim} is told to reset", is_zero=True)
    told = lab.bed.run(by, "vmha", "heartbeat", "message", victim, "reset",
                       "--yes", check=False)
    lab.note(f"message: status {told.returncode} {told.stdout.strip()}"
             f"{told.stderr.strip()}")
    wait_off(lab, victim, "reset by itself", "panic by sysrq",
             "watchdog fired")
    moved(lab, vm, victim, 2, "silent")
    for host in lab.others(victim):
        lab.expect(is_off(lab, host) is None, f"{host} is off")


def wait_armed(lab, is_armed, what):
    wait_for(lambda: all(status(lab, h)["watchdog"]["armed"] == is_armed and
                         status(lab, h)["self"]["standing_down"] != is_armed
                         for h in lab.hosts), SEEN_DEADLINE_S, what)
    lab.note(what)


@case(heartbeat=3)
def heartbeat_input_planned(lab):
    """Planned work: disarmed hosts lose all heartbeat datastores, and one of
    them its network too: nobody is reset, nobody counts as dead. Afterwards
    all are armed again."""
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    by = lab.others(victim)[0]
    lab.protect(vm, on=victim)
    lab.begin()
    done = lab.bed.run(by, "vmha", "disarm", "--reason", "switch firmware")
    lab.note(f"disarm: {' '.join(done.stdout.split())}")
    wait_armed(lab, False, "all hosts are disarmed")
    lab.mark(f"all datastores hang, the links of {victim} are cut")
    lab.bed.fault("all", "all", "all", "hang")
    for link in LINKS:
        lab.bed.cut(victim, link)
    wait_for(lambda: lab.line.first(NOT_PROVEN), NOT_PROVEN_DEADLINE_S,
             f"a refusal to fence {victim}")
    lab.hold(2 * timing_s(lab, "silence_ms"), vm, [victim],
             "without watchdogs")
    all_on(lab, "planned work")
    lab.bed.heal()
    lab.hold(2 * timing_s(lab, "silence_ms"), vm, [victim],
             "with datastores again")
    lab.bed.restore(victim)
    lab.cluster.wait_online()
    all_on(lab, "planned work")
    lab.expect(lab.line.first("counts as dead") is None, "a host was fenced")
    vm.check(ordinal=1)
    done = lab.bed.run(by, "vmha", "arm")
    lab.note(f"arm: {' '.join(done.stdout.split())}")
    wait_armed(lab, True, "all hosts are armed")
    for host in lab.hosts:
        wait_evidence(lab, host, "storage")


def fence_limit(lab, host, limit):
    lab.bed.run(host, "sh", "-c", FENCE_LIMIT_IS.format(limit=limit))
    wait_for(lambda: status(lab, host)["brake"]["limit"] == limit,
             SEEN_DEADLINE_S, f"fence_limit={limit} on {host}")


@case(heartbeat=3)
def heartbeat_input_brake(lab):
    """With one order left to fence_limit, a second host that lives on without
    corosync is not ordered to reset, loudly, and its VM runs on; when it loses
    power, its silence proves it dead."""
    vm = lab.vm("web1")
    asker = lab.cluster.state().dc
    first, second = lab.others(asker)
    # Each daemon counts the orders that it gave itself.
    lab.cluster.configure(asker, "".join(
        f"location ask-not-on-{host} fence -inf: {host}\n"
        for host in lab.others(asker)))
    fence_limit(lab, asker, status(lab, asker)["brake"]["used"] + 1)
    lab.protect(vm, on=second)
    lab.settle()
    lab.begin()
    lab.mark(f"SIGKILL to corosync of {first}")
    lab.bed.kill(first, "corosync")
    wait_off(lab, first, "switched off by itself", "reset by itself",
             "panic by sysrq", "watchdog fired")
    wait_for(lambda: lab.line.first(f"fencing result: off {first} OK"),
             NOT_PROVEN_DEADLINE_S, f"fencing of {first}")
    fenced_by_proof(lab, first, "silent")
    power_on(lab, first)
    lab.begin()
    lab.mark(f"SIGKILL to corosync of {second}")
    lab.bed.kill(second, "corosync")
    wait_for(lambda: lab.line.first(f"{second} is not ordered to reset"),
             NOT_PROVEN_DEADLINE_S, "the brake")
    lab.hold(QUIET_S, vm, [second], "braked")
    lab.expect(is_off(lab, second) is None, f"{second} is off")
    lab.expect(lab.line.first(f"{second} is ordered") is None, "an order")
    lab.mark(f"power of {second} fails", is_zero=True)
    lab.bed.poweroff(second)
    moved(lab, vm, second, 2, "silent")
    fence_limit(lab, asker, FENCE_LIMIT)
