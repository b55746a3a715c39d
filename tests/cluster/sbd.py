# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster that is fenced by sbd as it is shipped, to compare with.

The hosts are the bed's, with the bed's watchdog; the disk that they share is
a loop device over a file. No value of sbd's is changed: 5 s watchdog, 10 s
msgwait, its Pacemaker watcher on, fence_sbd as the only device. Started here
and not by the bed, which knows the product's own daemons only.
"""
import os
import shutil
import subprocess

import setting
from bed import BedError, wait_for
from cases import lab

COMMAND_DEADLINE_S = 20
SBD_START_DEADLINE_S = 20
ONLINE_DEADLINE_S = 60
DISK_BYTES = 4 << 20
DEFAULTS = "/etc/default/sbd"
DAEMONS = ("corosync", "sbd", "libvirtd", "pacemaker")
# As the unit of the package does it.
START = f"set -a; . {DEFAULTS}; exec setsid sbd -p /run/sbd.pid watch " \
    ">>/var/log/sbd.log 2>&1 </dev/null"


def is_there():
    return shutil.which("sbd") and shutil.which("fence_sbd")


def losetup(*args):
    done = subprocess.run(["losetup", *args], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False,
                          timeout=COMMAND_DEADLINE_S)
    if done.returncode:
        raise BedError(f"losetup {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout.strip()


class SbdLab(lab.Lab):
    """Like a lab, but who fences is sbd."""

    def __init__(self, name, hosts, stage, guest, accel, folder=None):
        # One heartbeat datastore, which nobody uses: hosts with a watchdog.
        super().__init__(name, hosts, stage, guest, accel, heartbeat=1,
                         fence="bed", cluster=False, folder=folder)
        self.image = f"{setting.build_dir()}/tests/cluster/{name}.sbd"
        if folder:
            self.image = f"{os.path.dirname(folder)}/{name}.sbd"
        self.device = None

    def up(self):
        os.makedirs(os.path.dirname(self.image), exist_ok=True)
        with open(self.image, "wb") as f:
            f.truncate(DISK_BYTES)
        self.device = losetup("--find", "--show", self.image)
        self.bed.up()
        shutil.copy(self.guest, f"{self.bed.shared('ds1')}/nano.elf")
        self.bed.run("h1", "sbd", "-d", self.device, "create")
        # Pacemaker last, and only where corosync has all hosts: whoever is
        # first would fence who has never been seen.
        for daemon in DAEMONS:
            for host in self.hosts:
                self.start(host, daemon)
        self.cluster.wait_online(ONLINE_DEADLINE_S)
        self.cluster.configure("h1", lab.STICKINESS)
        self.cluster.crm("h1", "configure primitive sbd stonith:fence_sbd "
                         f"params devices={self.device}")
        self.cluster.crm("h1", "resource stop fencing")
        self.cluster.settle()
        self.cluster.crm("h1", "configure delete fencing")
        self.cluster.wait_started("sbd")
        self.begin()

    def start(self, host, daemon):
        if daemon != "sbd":
            self.bed.start(host, daemon)
            return
        self.bed.run(host, "sed", "-i", "/^SBD_DEVICE=/d", DEFAULTS)
        self.bed.run(host, "sh", "-c",
                     f"echo SBD_DEVICE={self.device} >>{DEFAULTS}")
        self.bed.run(host, "sh", "-c", f"({START}) &")
        wait_for(lambda: self._has_slot(host), SBD_START_DEADLINE_S,
                 f"{host}: sbd takes its slot")

    def _has_slot(self, host):
        text = self.bed.run(host, "sbd", "-d", self.device, "list").stdout
        return any(line.split()[1:3] == [host, "clear"]
                   for line in text.splitlines())

    def power_on(self, host):
        self.bed.poweron(host)
        for daemon in DAEMONS:
            self.start(host, daemon)

    def timing(self):
        """What its disk says, in a line."""
        text = self.bed.run(self.hosts[0], "sbd", "-d", self.device,
                            "dump").stdout
        return ", ".join(
            line.replace("Timeout ", "").strip()
            for line in text.splitlines() if line.startswith("Timeout"))

    def down(self):
        try:
            return super().down()
        finally:
            if self.device:
                losetup("--detach", self.device)
                self.device = None
            if os.path.exists(self.image):
                os.unlink(self.image)
