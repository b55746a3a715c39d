# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host sees under /srv: datastores and the config share.

How a share gets into a host is a class of its own: a plain bind mount here, a
mount with faults in faults.py. An attachment has attach(pid), detach(pid),
is_attached(pid), pid being the host's PID 1, and end(), which must let go of
whatever the host's processes wait for. The shared folders of the bed are in
every host below /run/bed/shared, where only attachments look.
"""
import os

from . import faults, heartbeat, proc

SHARED_IN_HOST = "/run/bed/shared"
CONFIG = "config"


def names(bed):
    """All shares of a bed, by the name they have under /srv."""
    return [f"ds{i}" for i in range(1, bed.datastores + 1)] + \
        heartbeat.names(bed.heartbeat) + [CONFIG]


def faulty_names(bed):
    """Those that are behind a faultfs."""
    return heartbeat.names(bed.heartbeat) + ["ds1"] * bed.fault_ds1


class BindShare:
    """The share as it is: one folder of the machine, seen by all hosts."""

    def __init__(self, name, bed_dir):
        self.name = name
        self.bed_dir = bed_dir
        self.target = f"/srv/{name}"

    def attach(self, pid):
        proc.command(*proc.enter(self.bed_dir, pid, "mount", "--bind",
                                 f"{SHARED_IN_HOST}/{self.name}",
                                 self.target))

    def detach(self, pid):
        """Lazily: open files stay usable, as with a removed export."""
        proc.command(*proc.enter(self.bed_dir, pid, "umount", "-l",
                                 self.target))

    def is_attached(self, pid):
        return self.target in proc.mount_points(pid)

    def end(self):
        """Nothing waits for a bind mount."""


class Shares:
    """The shares of one host, and which of them a test took away."""

    def __init__(self, bed, host):
        self.all = {name: BindShare(name, bed.dir) for name in names(bed)}
        for name in faulty_names(bed):
            self.all[name] = faults.FaultShare(name, bed, host)
        self.away = set()

    def get(self, name):
        if name not in self.all:
            raise proc.BedError(f"no share {name!r}; there are "
                                f"{', '.join(self.all)}")
        return self.all[name]

    def boot(self, pid):
        for name, share in self.all.items():
            if name not in self.away:
                share.attach(pid)

    def set_shared(self, name, pid, is_shared):
        """pid None: the host is off, the next boot finds it so."""
        share = self.get(name)
        if is_shared:
            self.away.discard(name)
        else:
            self.away.add(name)
        if pid is not None and share.is_attached(pid) != is_shared:
            (share.attach if is_shared else share.detach)(pid)

    def attached(self, pid):
        points = proc.mount_points(pid)
        return [n for n, share in self.all.items() if share.target in points]

    def faulty(self, name=None):
        """One share that can have faults, or all of them."""
        found = [s for n, s in self.all.items() if name in (None, n)
                 and isinstance(s, faults.FaultShare)]
        if name is not None and not found:
            raise proc.BedError(
                f"{name!r} is no store with faults; a bed has such with "
                "--heartbeat N (hb1 and on) and --fault-ds1 (ds1)")
        return found

    def end(self):
        for share in self.all.values():
            share.end()


def make_folders(root, bed):
    for name in names(bed):
        os.makedirs(os.path.join(root, name), exist_ok=True)
