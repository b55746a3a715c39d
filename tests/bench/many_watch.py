# SPDX-License-Identifier: GPL-2.0-or-later
"""What many.py sees: the hosts' logs as they grow, and what daemons cost."""
import os
import re
import shutil
import signal
import threading
import time

from bed import proc
from bed.timeline import LINE, PATTERNS

DAEMONS = ("vmha-fdmd", "vmha-heartbeatd", "pacemaker-based",
           "pacemaker-schedulerd", "pacemaker-controld")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024
PEAK_S = 1.0
STALL_POLL_S = 0.1
DUMMY = "vmha-dummy-qemu"
# The lines of vmha-fdmd by their ids (docs/LOGS-FDMD.md).
OWN = [(r"vmha-fdmd\[\d+\]: \[\w+\] (\d+) .*\[tickets\]", "tickets: {0}"),
       (r"vmha-fdmd\[\d+\]: \[\w+\] .*?(\d+) .*\[kept-back\]",
        "tickets: {0} kept back: {0}")]
FAILED = re.compile(r"op end: (start \S+ on \S+: (?!ok).*)")
STARTED = re.compile(r"op end: start (\S+) on (\S+): ok")


class Log:
    """Events of all hosts, read on from where the last look ended."""

    def __init__(self, bed):
        self.bed = bed
        self.at = {}
        self.events = []
        self.lock = threading.Lock()
        self.patterns = [(re.compile(p), e) for p, e in [*OWN, *PATTERNS]]

    def _event(self, text):
        for pattern, event in self.patterns:
            found = pattern.search(text)
            if found:
                return event.format(*found.groups())
        return None

    def look(self):
        with self.lock:
            self._look()

    def _look(self):
        root = f"{self.bed.dir}/hosts"
        for host in sorted(os.listdir(root)):
            path = f"{root}/{host}/log/messages"
            if not os.path.exists(path):
                continue
            with open(path, "rb") as f:
                f.seek(self.at.get(host, 0))
                data = f.read()
            whole = data.rfind(b"\n") + 1
            self.at[host] = self.at.get(host, 0) + whole
            for line in data[:whole].decode(errors="replace").splitlines():
                found = LINE.match(line)
                event = self._event(found[5]) if found else None
                if event:
                    self.events.append((float(found[1]), host, event))

    def started(self, since):
        """{resource: (when, host)}, the last of each."""
        self.look()
        found = {}
        for at, _, text in self.events:
            match = STARTED.match(text) if at >= since else None
            if match and at >= found.get(match[1], (0, ""))[0]:
                found[match[1]] = (at, match[2])
        return found

    def failed(self, since):
        """What starts that failed say."""
        self.look()
        return [m[1] for m in (FAILED.match(text) for at, _, text in
                               self.events if at >= since) if m]

    def all(self, pattern, since):
        """[(when, match)] in order."""
        self.look()
        found = [(at, re.search(pattern, text))
                 for at, _, text in sorted(self.events) if at >= since]
        return [(at, match) for at, match in found if match]

    def first(self, pattern, since):
        found = self.all(pattern, since)
        return found[0][0] if found else None

    def keep(self, path):
        """All hosts' messages in one file, for whoever wants to know more."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            for host in sorted(self.at):
                with open(f"{self.bed.dir}/hosts/{host}/log/messages",
                          "rb") as f:
                    shutil.copyfileobj(f, out)


def processes(bed):
    """{uuid: [hosts]} of all dummies."""
    hosts = bed.pid_namespaces()
    found = {}
    for pid in proc.pids():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        host = hosts.get(proc.namespace(pid, "pid")) \
            if words[0].endswith(DUMMY) and "-uuid" in words else None
        if host:
            ident = words[words.index("-uuid") + 1]
            found.setdefault(ident, []).append(host)
    return found


def unfold(table):
    """("host daemon", value) pairs with their two names."""
    return [(tuple(key.split(" ", 1)), value) for key, value in table.items()]


class Costs:
    """CPU and memory of the daemons of some hosts, from /proc."""

    def __init__(self, bed, hosts=None):
        state = bed.state()["hosts"]
        self.pids = {}
        for host in hosts or list(state):
            for pid in proc.in_namespace("pid", state[host]["ns"]["pid"]):
                name = os.path.basename(proc.argv0(pid) or "")
                if name in DAEMONS:
                    self.pids[f"{host} {name}"] = pid
        self.peaks = {}
        self.is_over = threading.Event()
        self.watcher = None

    def sample(self):
        """{"host daemon": seconds of CPU}, and when."""
        used = {}
        for key, pid in self.pids.items():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii",
                          errors="replace") as f:
                    fields = f.read().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            used[key] = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        return time.monotonic(), used

    @staticmethod
    def seconds(before, after):
        return {key: value - before[1][key] for key, value in after[1].items()
                if key in before[1]}

    @classmethod
    def percent(cls, before, after):
        span_s = after[0] - before[0]
        return {key: 100 * value / span_s
                for key, value in cls.seconds(before, after).items()}

    def watch(self):
        """Keeps the greatest second of each until end()."""
        def run():
            last = self.sample()
            while not self.is_over.wait(PEAK_S):
                now = self.sample()
                for key, value in self.percent(last, now).items():
                    self.peaks[key] = max(value, self.peaks.get(key, 0))
                last = now
        self.watcher = threading.Thread(target=run)
        self.watcher.start()

    def end(self):
        self.is_over.set()
        self.watcher.join()
        return self.peaks

    def memory(self):
        """{"host daemon": greatest resident MiB}."""
        found = {}
        for key, pid in self.pids.items():
            try:
                with open(f"/proc/{pid}/status", encoding="ascii",
                          errors="replace") as f:
                    text = f.read()
            except OSError:
                continue
            match = re.search(r"^VmHWM:\s+(\d+)", text, re.M)
            found[key] = int(match[1]) / KIB_PER_MIB
        return found


class Stall:
    """All schedulers of Pacemaker (the coordinator's works) are stopped for so
    long, once something is so."""

    def __init__(self, costs, stall_s, is_so):
        self.pids = [pid for key, pid in costs.pids.items()
                     if key.endswith(" pacemaker-schedulerd")]
        self.stall_s = stall_s
        self.is_so = is_so
        self.is_over = threading.Event()
        self.worker = threading.Thread(target=self.run)
        self.worker.start()

    def run(self):
        while self.stall_s and not self.is_over.wait(STALL_POLL_S):
            if self.is_so():
                break
        else:
            return
        self.signal(signal.SIGSTOP)
        self.is_over.wait(self.stall_s)
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in self.pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # its host has lost its power

    def end(self):
        self.is_over.set()
        self.worker.join()
