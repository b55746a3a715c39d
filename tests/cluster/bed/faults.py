# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage with faults and the watchdog of a host: FUSE servers of the bed.

They run outside the hosts (tests/faults), so that neither a pause nor the
death of a host stops them, but their mounts are the host's own and end with
it. Each is a child of the supervisor, which ends it with its host.

A rule stays until it is healed, over boots too: a broken path to an array is
not mended by a reset of the host that lost it.

A wall clock of a host's own is not to be had: the kernel has one
CLOCK_REALTIME, and time namespaces move only CLOCK_MONOTONIC and
CLOCK_BOOTTIME.
"""
import os
import signal
import socket
import subprocess
import threading

from . import proc
from .proc import BedError

READY_DEADLINE_S = 30
ANSWER_DEADLINE_S = 15
END_DEADLINE_S = 30
# The dog bites first and says so in its exit status afterwards.
FIRED_GRACE_S = 0.5
EXIT_FIRED = 3
# A disk does not stop when the machine's CPUs are busy.
PRIORITY = {"faultfs": ["chrt", "--rr", "30"]}


class Server:
    """One FUSE server: a process that says "ready" when its mount is there."""

    def __init__(self, bed, host, program, *args):
        log = f"{host.path}/log/{program}.log"
        self.process = bed.spawn(
            [*PRIORITY.get(program, []), f"{bed.dir}/bin/{program}", *args,
             "--host", str(host.pid), "--owner", str(os.getpid())],
            proc.host_env(), log)
        timer = threading.Timer(READY_DEADLINE_S, self.process.kill)
        timer.start()
        try:
            word = self.process.stdout.readline().strip()
        finally:
            timer.cancel()
        if word != "ready":
            self.end()
            raise BedError(f"{program} did not start; see {log}")

    def is_alive(self):
        return self.process.poll() is None

    def end(self):
        """SIGKILL: it holds nothing but a connection, which ends with it, and
        the kernel then releases whatever waited for it."""
        self.process.kill()
        self.process.wait(END_DEADLINE_S)
        self.process.stdout.close()
        return self.process.returncode


def control(path, line):
    """One line to a faultfs; its answer's lines, without the "ok" one."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ANSWER_DEADLINE_S)
            sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
            sock.sendall(line.encode() + b"\n")
            lines = []
            for answer in sock.makefile():
                word, _, text = answer.strip().partition(" ")
                if word == "ok":
                    return lines
                if word == "error":
                    raise BedError(f"{line}: {text}")
                lines.append(answer.strip())
    finally:
        os.close(folder)
    raise BedError(f"{line}: faultfs went away")


class FaultShare:
    """A share behind a faultfs of the host's own (see storage.py)."""

    def __init__(self, name, bed, host):
        self.name = name
        self.bed = bed
        self.host = host
        self.target = f"/srv/{name}"
        self.folder = f"{host.path}/faults"
        self.rules = []
        self.servers = {}  # control socket: Server
        self.made = 0
        self.lock = threading.RLock()

    def attach(self, _pid):
        with self.lock:
            os.makedirs(self.folder, exist_ok=True)
            self.made += 1
            path = f"{self.folder}/{self.name}.{self.made}.sock"
            self.servers[path] = Server(
                self.bed, self.host, "faultfs",
                "--backing", f"{self.bed.shared}/{self.name}",
                "--mount", self.target, "--control", path)
            for rule in self.rules:
                control(path, rule)

    def detach(self, pid):
        """Lazily: open files stay usable; the server goes with the last."""
        proc.command(*proc.enter(self.bed.dir, pid, "umount", "-l",
                                 self.target))

    def is_attached(self, pid):
        return self.target in proc.mount_points(pid)

    def living(self):
        """Control sockets of the servers that still run."""
        with self.lock:
            return [path for path, server in self.servers.items()
                    if server.is_alive()]

    def end(self):
        with self.lock:
            for path, server in self.servers.items():
                server.end()
                os.unlink(path)
            self.servers = {}

    # -- faults -----------------------------------------------------------

    def fault(self, rule):
        with self.lock:
            for path in self.living():
                control(path, rule)
            self.rules.append(rule)

    def heal(self):
        with self.lock:
            self.rules = []
            for path in self.living():
                control(path, "clear")

    def list(self):
        """What the servers say of their rules: hits, and who waits."""
        return [line for path in self.living()
                for line in control(path, "list")]


class Watchdog:
    """The device /dev/watchdog of one host."""

    def __init__(self, bed, host):
        self.bed = bed
        self.host = host
        self.server = None
        self.has_fired = False

    def start(self):
        before = ["--fired-before"] if self.has_fired else []
        self.has_fired = False
        self.server = Server(self.bed, self.host, "wdt",
                             "--mount", "/dev/watchdog",
                             "--log", f"{self.host.path}/log/watchdog.log",
                             *before)

    def end(self, may_have_fired):
        """After the end of the host; whether this was the cause."""
        if self.server is None:
            return False
        if may_have_fired:
            try:
                self.server.process.wait(FIRED_GRACE_S)
            except subprocess.TimeoutExpired:
                pass
        self.has_fired = self.server.end() == EXIT_FIRED
        self.server = None
        return self.has_fired


# What PID 1's parent reports (bed-init.c) and what it means.
ENDS = {
    0: "panic by sysrq",
    128 + signal.SIGHUP: "reset by itself (reboot)",
    128 + signal.SIGINT: "switched off by itself (halt or power-off)",
    128 + signal.SIGKILL: "PID 1 was killed",
}


def why_off(status, has_fired):
    if has_fired and status == 128 + signal.SIGKILL:
        return "watchdog fired"
    return ENDS.get(status, f"PID 1 ended with status {status}")


def rule_line(op, action, glob, count):
    """The line for faultfs; it judges the words itself."""
    if not action or any(not w or len(w.split()) != 1
                         for w in (glob, op, *action)):
        raise BedError("fault: HOST STORE OP ACTION [ARGUMENT...], and no "
                       "blanks in the glob")
    number = [f"count={count}"] if count is not None else []
    return " ".join(["add", glob, op, *number, *action])
