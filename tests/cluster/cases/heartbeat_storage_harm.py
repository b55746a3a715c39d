# SPDX-License-Identifier: GPL-2.0-or-later
"""Heartbeat datastores that damage data or have no room: what can't be read is
never taken for an empty list or a dead host."""
import json
import os
import uuid

from bed import wait_for

from . import case
from .heartbeat import (SEEN_DEADLINE_S, moved, nobody_fenced, power_on, seen,
                        status, wait_seen)
from .heartbeat_storage import all_on, timing_s, wait_evidence

AREA = "/srv/{store}/vmha.hb"
# Cuts a beat and a list behind the check sum: old bytes, new header.
TEAR = "tear 64"
BLOCK_BYTES = 4096
ROT_AT = 1000
BLOCK_LINE = (r"vmha-heartbeatd\[\d+\]: \[\w+\] (.*) \[block\]",
              "heartbeat: {0}")


def dump(lab, by, store, host):
    """What vmha heartbeat dump says of a host's slot."""
    done = lab.bed.run(by, "vmha", "heartbeat", "dump", "--json",
                       AREA.format(store=store), check=False)
    lab.expect(done.returncode in (0, 1),
               f"dump ended with {done.returncode}: {done.stderr}")
    index = lab.hosts.index(host)
    (slot,) = [s for s in json.loads(done.stdout)["slots"]
               if s["slot"] == index]
    return slot


def flip(lab, store, marker):
    """Rot in the block that begins with our magic and holds the marker."""
    path = f"{lab.bed.shared(store)}/vmha.hb"
    fd = os.open(path, os.O_RDWR)
    try:
        blocks = os.fstat(fd).st_size // BLOCK_BYTES
        for at in range(0, blocks * BLOCK_BYTES, BLOCK_BYTES):
            block = os.pread(fd, BLOCK_BYTES, at)
            if marker in block:
                os.pwrite(fd, bytes([block[ROT_AT] ^ 0xff]), at + ROT_AT)
                return
    finally:
        os.close(fd)
    lab.expect(False, f"{path}: no block holds {marker.hex()}")


def rot(lab, host):
    """A damaged beat that stays: named once by each host, without effect."""
    others = lab.others(host)
    lab.look_for(BLOCK_LINE)
    lab.bed.fault(host, "hb2", "write", "drop")
    lab.mark(f"a byte of the beat of {host} on hb2 is flipped")
    flip(lab, "hb2", uuid.UUID(seen(lab, host)["boot_id"]).bytes)

    def named(by):
        return [e for e in lab.line.events()
                if e[1] == by and f"the beat of {host} is torn" in e[2]]
    wait_for(lambda: all(named(by) for by in others), SEEN_DEADLINE_S,
             "a line about the damaged beat")
    lab.hold(2 * timing_s(lab, "silence_ms"), lab.vms[0],
             lab.vms[0].hosts(), "with a damaged beat")
    for by in others:
        lab.expect(len(named(by)) == 1, f"{by} says: {named(by)}")
        one = seen(lab, host, by)
        lab.expect(one["proof"] == "alive", f"{by} sees {one}")
    lab.bed.heal(host)


@case(heartbeat=3)
def heartbeat_storage_torn(lab):
    """Each write of a host to its area is cut short while a VM starts there:
    others see torn blocks, not an empty list. It loses power so: dead by
    proof, its VM restarts elsewhere, and it boots again over its torn beat.
    Rot in a beat is named once and has no effect."""
    lab.look_for(BLOCK_LINE)
    vm = lab.vm("web1")
    victim = lab.others(lab.cluster.state().dc)[-1]
    other = lab.others(victim)[0]
    before = seen(lab, victim)
    lab.bed.fault(victim, "all", "write", TEAR)
    lab.mark(f"each write of {victim} to the heartbeat datastores is torn")
    lab.protect(vm, on=victim)
    for store in ("hb1", "hb2", "hb3"):
        slot = dump(lab, other, store, victim)
        lists = [one["verdict"] for one in slot["lists"]]
        lab.note(f"dump of {store}: beat {slot['verdict']}, lists {lists}")
        lab.expect(slot["verdict"] == "torn", f"{store}: {slot}")
        lab.expect("ok" not in lists, f"{store}: {slot['lists']}")
    for by in lab.others(victim):
        one = seen(lab, victim, by)
        lab.expect(one["proof"] not in ("silent", "stopped", "never"),
                   f"{by} sees {one}")
        lab.expect(one["list_count"] > 0 or not one["list_read"] or
                   one["list_generation"] == before["list_generation"],
                   f"{by} takes its list for empty: {one}")
    nobody_fenced(lab, "torn writes")
    lab.bed.heal(victim, "hb1")
    wait_seen(lab, victim, "its list on one datastore", by=other,
              proof="alive", list_count=1)
    lab.begin()
    lab.mark(f"power of {victim} fails, its beats torn on two of three",
             is_zero=True)
    lab.bed.poweroff(victim)
    lab.expect(dump(lab, other, "hb2", victim)["verdict"] == "torn",
               "the last beat is whole")
    moved(lab, vm, victim, 2, "silent")
    lab.bed.heal()
    lab.begin()
    power_on(lab, victim)
    after = wait_seen(lab, victim, "a new incarnation", proof="alive")
    lab.expect(after["incarnation"] > before["incarnation"],
               f"incarnation {after['incarnation']}")
    rot(lab, victim)
    nobody_fenced(lab, "after the boot")
    all_on(lab, "rot")
    vm.check(ordinal=2)


FULL_CONF = "[heartbeat]\ndatastores={area}\nwatchdog=/dev/watchdog\n"
DISK = "/tmp/small"
DISK_MIB = 14
STACK = ("pacemaker", "heartbeatd", "corosync")


def fill(lab, host):
    lab.bed.run(host, "dd", "if=/dev/zero", f"of={DISK}/fill", "bs=4k",
                check=False)
    left = lab.bed.run(host, "stat", "-f", "-c", "%a", DISK).stdout
    lab.expect(left.strip() == "0", f"{DISK} has {left.strip()} blocks left")


@case(heartbeat=3)
def heartbeat_storage_full(lab):
    """A full file system: create refuses and leaves nothing; a host whose area
    was made before beats on there."""
    host = lab.others(lab.cluster.state().dc)[-1]
    area = f"{DISK}/vmha.hb"
    create = ("vmha", "heartbeat", "create", "--profile", "fast", "--cluster",
              "bed", "--hosts", host, area)
    for daemon in STACK:
        lab.bed.stop(host, daemon)
    lab.bed.run(host, "sh", "-c", f"mkdir {DISK} && mount -t tmpfs -o "
                f"size={DISK_MIB}m bed {DISK}")
    fill(lab, host)
    done = lab.bed.run(host, *create, check=False)
    lab.note(f"create: status {done.returncode}, {done.stderr.strip()}")
    lab.expect(done.returncode == 1 and "space" in done.stderr,
               f"status {done.returncode}: {done.stderr}")
    left = lab.bed.run(host, "ls", "-A", DISK).stdout.split()
    lab.expect(left == ["fill"], f"{DISK} has {left}")
    lab.bed.run(host, "rm", f"{DISK}/fill")
    lab.bed.run(host, *create)
    lab.bed.write(host, "/tmp/full.conf", FULL_CONF.format(area=area))
    lab.bed.run(host, "sh", "-c", "setsid /usr/sbin/vmha-heartbeatd -f "
                "-c /tmp/full.conf >/var/log/vmha/full.log 2>&1 </dev/null &")
    wait_for(lambda: lab.bed.run(host, "test", "-S",
                                 "/run/vmha/heartbeatd.sock",
                                 check=False).returncode == 0,
             SEEN_DEADLINE_S, "a daemon on the small file system")
    wait_evidence(lab, host, "storage")
    fill(lab, host)
    lab.mark("the file system is full")
    before = status(lab, host)
    silence_s = before["timing"]["silence_ms"] / 1000
    wait_for(lambda: status(lab, host)["self"]["sequence"] >
             before["self"]["sequence"] + 2 * silence_s /
             (before["timing"]["beat_ms"] / 1000),
             SEEN_DEADLINE_S, "beats for longer than the proof of death")
    after = status(lab, host)
    lab.expect(after["self"]["evidence"] == "storage" and
               after["stores"][0]["errors"] == 0, f"{after['stores']}")
    lab.bed.stop(host, "heartbeatd")
    for daemon in reversed(STACK):
        lab.bed.start(host, daemon)
    lab.cluster.wait_online()
    nobody_fenced(lab, "a full file system")
