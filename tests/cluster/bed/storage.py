# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host sees under /srv: datastores and the config share.

How a share gets into a host is a class of its own, so that a layer which
injects faults can take the place of the plain bind mount: an attachment has
attach(pid), detach(pid) and is_attached(pid), pid being the host's PID 1. The
shared folders of the bed are in every host below /run/bed/shared, where only
attachments look.
"""
import os

from . import proc

SHARED_IN_HOST = "/run/bed/shared"
CONFIG = "config"


def names(datastores):
    """All shares of a bed, by the name they have under /srv."""
    return [f"ds{i}" for i in range(1, datastores + 1)] + [CONFIG]


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
        try:
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
                return any(line.split()[4] == self.target for line in f)
        except OSError:
            return False


class Shares:
    """The shares of one host, and which of them a test took away."""

    def __init__(self, datastores, bed_dir, make=BindShare):
        self.all = {name: make(name, bed_dir) for name in names(datastores)}
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
        return [n for n, share in self.all.items() if share.is_attached(pid)]


def make_folders(root, datastores):
    for name in names(datastores):
        os.makedirs(os.path.join(root, name), exist_ok=True)
