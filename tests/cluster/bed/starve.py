# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with too little CPU: a quota on a cgroup of its processes.

By the cpu controller of cgroup v1, with a bandwidth limit for real-time
processes as well where the kernel can (CONFIG_RT_GROUP_SCHED): a hypervisor
that steals CPU spares no priority. PERCENT is of one CPU. The group is made
on the first use, outside the bed's folder, and removed with the host.
"""
import os
import threading
import time

from . import proc
from .proc import BedError

PERIOD_US = 100000
# cpu.cfs_quota_us is at least 1 ms, cpu.rt_runtime_us of all groups together
# at most 95 % of a CPU.
PERCENT_MIN = 1
PERCENT_MAX = 100
RT_PERCENT_MAX = 30
# What a host starts meanwhile from outside (daemons, commands) joins then.
JOIN_S = 0.2
REMOVE_DEADLINE_S = 15


def controller():
    """The folder of our own group of the cpu controller."""
    with open("/proc/self/cgroup", encoding="utf-8") as f:
        own = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in f}
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            left, right = line.split(" - ")
            options = right.split()[2].split(",")
            if right.split()[0] == "cgroup" and "cpu" in options:
                path = next((p for c, p in own.items()
                             if "cpu" in c.split(",")), "/")
                return f"{left.split()[4]}{path}".rstrip("/")
    raise BedError("starve: no cpu controller of cgroup v1 is mounted here")


def put(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{value}\n")


class Starve:
    def __init__(self, host):
        self.host = host
        self.group = None
        self.thread = None
        self.stopping = threading.Event()

    def set(self, percent):
        if not PERCENT_MIN <= percent <= PERCENT_MAX:
            raise BedError(f"starve: {percent} is not within {PERCENT_MIN} "
                           f"and {PERCENT_MAX} percent of a CPU")
        group = f"{controller()}/vmha-bed-{os.getpid()}-{self.host.name}"
        os.makedirs(group, exist_ok=True)
        self.group = group
        put(f"{group}/cpu.cfs_period_us", PERIOD_US)
        put(f"{group}/cpu.cfs_quota_us", PERIOD_US * percent // 100)
        if os.path.exists(f"{group}/cpu.rt_runtime_us"):
            put(f"{group}/cpu.rt_period_us", PERIOD_US)
            put(f"{group}/cpu.rt_runtime_us",
                PERIOD_US * min(percent, RT_PERCENT_MAX) // 100)
        self._join()
        if self.thread is None:
            self.stopping.clear()
            self.thread = threading.Thread(target=self._keep, daemon=True)
            self.thread.start()

    def _members(self, group):
        with open(f"{group}/cgroup.procs", encoding="ascii") as f:
            return {int(line) for line in f}

    def _move(self, pids, group):
        for pid in pids:
            try:
                put(f"{group}/cgroup.procs", pid)
            except OSError:
                pass  # it ended, or a real-time one where there is no room

    def _join(self):
        self._move(set(self.host.processes()) - self._members(self.group),
                   self.group)

    def _keep(self):
        while not self.stopping.wait(JOIN_S):
            self._join()

    def clear(self):
        """Also after the end of the host."""
        if self.group is None:
            return
        self.stopping.set()
        self.thread.join()
        self.thread = None
        parent = os.path.dirname(self.group)
        end = time.monotonic() + REMOVE_DEADLINE_S
        while True:
            self._move(self._members(self.group), parent)
            try:
                os.rmdir(self.group)
                break
            except OSError as e:
                if time.monotonic() > end:
                    raise BedError(f"{self.group} remains: {e}") from e
                time.sleep(proc.POLL_S)
        self.group = None
