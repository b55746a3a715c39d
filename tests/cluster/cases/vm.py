# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine of a test: its files, its resource, its proof.

What the cluster says about it is the claim; the disk witness that the guest
writes and the QEMU processes that the kernel shows are the evidence.
"""
import collections
import os
import time
import uuid

import witness
from bed import proc, wait_for
from guest import domain

WRITE_DEADLINE_S = 20
END_DEADLINE_S = 10
SEEN_DEADLINE_S = 5
GUEST_IN_HOST = "/srv/ds1/nano.elf"
# The operations as a user would configure them, timeouts short enough to be
# waited for. Monitor is quick so that the tests need not wait for it.
OPS = {"monitor": "interval=2s timeout=20s", "start": "timeout=20s",
       "stop": "timeout=30s", "migrate_to": "timeout=40s",
       "migrate_from": "timeout=20s"}
# tcp because a bed has no keys; unsafe because libvirt does not take a local
# folder, which the bed's hosts do share, for shared storage.
PARAMS = {"migration_transport": "tcp", "migration_unsafe": "true"}

Qemu = collections.namedtuple("Qemu", "host pid born_mono")


def boot_to_mono_s():
    """Start times of processes count from boot; the tests' clock is the
    monotonic one, which stands still while a machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().split(b"\0")
    except OSError:
        return []


class Vm:
    def __init__(self, lab, name, options="", memory_mib=16, ops=None,
                 params=None, config=True, channels=()):
        self.lab = lab
        self.name = name
        self.uuid = str(uuid.uuid4())
        self.options = options
        self.memory_mib = memory_mib
        self.channels = channels
        self.ops = {**OPS, **(ops or {})}
        self.params = {"config": f"/srv/config/{name}.xml"} if config else {}
        self.params.update({"uuid": self.uuid, **PARAMS, **(params or {})})
        self.disk = f"{lab.bed.shared('ds1')}/{name}.img"
        self.config = f"{lab.bed.shared('config')}/{name}.xml"
        self.watch = None
        self._place()

    def _place(self):
        witness.create(self.disk)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(self.xml())
        self.watch = witness.Watch(self.disk).start()

    def xml(self):
        return domain.render(
            self.name, GUEST_IN_HOST, f"/srv/ds1/{self.name}.img",
            domain_type=self.lab.accel, uuid=self.uuid, options=self.options,
            memory_mib=self.memory_mib, channels=self.channels)

    def remove(self):
        self.watch.stop()
        folder = os.path.dirname(self.disk)
        for name in os.listdir(folder):
            if name.startswith(f"{self.name}."):
                os.unlink(f"{folder}/{name}")
        if os.path.exists(self.config):
            os.unlink(self.config)

    def primitive(self, on=None, meta=""):
        """crm configure lines; on: the host that is preferred."""
        params = " ".join(f"{k}={v}" for k, v in self.params.items())
        ops = " ".join(f"op {k} {v}" for k, v in self.ops.items())
        lines = [f"primitive {self.name} ocf:vmha:VirtualMachine params "
                 f"{params} meta allow-migrate=true {meta} {ops}"]
        if on:
            lines.append(f"location {self.name}-prefers-{on} {self.name} "
                         f"50: {on}")
        return "\n".join(lines) + "\n"

    # -- evidence ----------------------------------------------------------

    def qemus(self):
        """Every QEMU process of it on any host, by its command line."""
        hosts = self.lab.bed.pid_namespaces()
        wanted, found = self.uuid.encode(), []
        for pid in proc.pids():
            if wanted not in cmdline(pid):
                continue
            started = proc.start_time(pid)
            host = hosts.get(proc.namespace(pid, "pid"))
            if started is not None and host:
                found.append(Qemu(host, pid, started / os.sysconf(
                    "SC_CLK_TCK") - boot_to_mono_s()))
        return found

    def hosts(self):
        return sorted(q.host for q in self.qemus())

    def owner(self):
        """The last record on its disk; None before the first write."""
        return witness.load(self.disk).owner

    def boot(self):
        owner = self.owner()
        return owner.boot if owner else None

    def wait_write(self, ordinal=None, deadline_s=WRITE_DEADLINE_S):
        """Waits for a write later than now, of that boot; the record."""
        before = self.owner()

        def newer():
            owner = self.owner()
            fresh = owner and (not before or (owner.boot, owner.counter) !=
                               (before.boot, before.counter))
            return owner if fresh and (ordinal is None or
                                       owner.ordinal == ordinal) else None
        wanted = f"a write of boot {ordinal}" if ordinal else "a write"
        return wait_for(newer, deadline_s, f"{self.name}: {wanted}")

    def wait_boot(self, ordinal, deadline_s=WRITE_DEADLINE_S):
        """Until that boot has written, now or before; the record. A guest that
        is to hang may write no more by now."""
        def booted():
            owner = self.owner()
            return owner if owner and owner.ordinal == ordinal else None
        return wait_for(booted, deadline_s, f"{self.name}: boot {ordinal}")

    def wait_gone(self, deadline_s=END_DEADLINE_S):
        wait_for(lambda: not self.qemus(), deadline_s,
                 f"{self.name}: end of its QEMU")

    def check(self, ordinal, running=True):
        """The verdict: that many boots, in a row, each with its data."""
        if running:
            self.wait_write(ordinal)
            self.lab.expect(len(self.qemus()) == 1,
                            f"{self.name} has these QEMUs: {self.qemus()}")
        image = witness.load(self.disk)
        wrong = witness.verify(image, expect_ordinal=ordinal)
        wrong += self.watch.overlaps
        if image.owner and image.owner.ordinal != ordinal:
            wrong.append(f"{image.owner.ordinal} boots, expected {ordinal}")
        self.lab.expect(not wrong, f"{self.name}: {'; '.join(wrong)}")
        self.lab.note(f"{self.name}: witness clean, boot {ordinal}, "
                      f"{image.owner.total} writes, never two at once")

    def largest_gap_s(self, since=0.0):
        return max((g.seconds for g in self.watch.gaps()
                    if g.end_mono >= since), default=0.0)

    def silence(self, since=0.0):
        """The longest, in words: shorter ones are not kept."""
        gap = self.largest_gap_s(since)
        return f"longest silence of {self.name}: " + (
            f"{gap:.2f} s" if gap else f"below {witness.GAP_MIN_S} s")

    def first_write_mono(self, ordinal):
        """When that boot wrote first. The watch's thread may come to it a
        little later than who reads the disk itself."""
        return wait_for(lambda: self.watch.first_write(ordinal), SEEN_DEADLINE_S,
                        f"{self.name}: first write of boot {ordinal}").mono
