# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes and namespaces, as seen from outside the hosts.

Everything here goes by what the kernel says now (/proc), never by what the
bed remembers: the bed's promises ("nothing survives") are checked with it.
"""
import ctypes
import os
import signal
import subprocess
import time

CLONE_NEWNET = 0x40000000
POLL_S = 0.02
COMMAND_DEADLINE_S = 30

# What a host's processes get; the caller's environment is not a host's.
HOST_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/run/root", "LANG": "C.UTF-8", "TERM": "dumb",
}
PASSED_ENV = ("VMHA_", "ASAN_", "UBSAN_", "LSAN_", "GCOV_")


class BedError(Exception):
    """A sentence for the person at the terminal."""


def host_env(**extra):
    env = dict(HOST_ENV)
    env.update((k, v) for k, v in os.environ.items()
               if k.startswith(PASSED_ENV))
    env.update(extra)
    return env


def unshare_net():
    """New network namespace for this process; call before any thread starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare of the network")


def wait_for(predicate, deadline_s, what, poll_s=POLL_S):
    """Polls until predicate() is true and returns its value."""
    end = time.monotonic() + deadline_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise BedError(f"{what}: not within {deadline_s:g} s")
        time.sleep(poll_s)


def command(*argv, deadline_s=COMMAND_DEADLINE_S, env=None, check=True,
            stdin=None):
    """Runs a short command, returns (status, output of both streams)."""
    try:
        done = subprocess.run(argv, env=env, input=stdin, text=True,
                              errors="replace", timeout=deadline_s,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              stdin=None if stdin else subprocess.DEVNULL)
    except subprocess.TimeoutExpired as e:
        raise BedError(f"{' '.join(argv)}: no end within {deadline_s} s") from e
    if check and done.returncode != 0:
        raise BedError(f"{' '.join(argv)}: status {done.returncode}: "
                       f"{done.stdout.strip()}")
    return done.returncode, done.stdout


def enter(folder, pid, *argv):
    """Command line that runs argv in the host whose PID 1 is pid.

    folder: of the bed; its own bed-enter is used, see there for the reason.
    """
    return [f"{folder}/bin/bed-enter", str(pid), *argv]


def namespace(pid, kind):
    """Inode number of a namespace of a process, None when it is gone."""
    try:
        link = os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None
    return int(link.split("[")[1].rstrip("]"))


def outsiders(pid_inode, net_inode):
    """Processes that entered a host, and wait outside its pid namespace."""
    return [pid for pid in in_namespace("net", net_inode)
            if namespace(pid, "pid") != pid_inode]


def start_time(pid):
    """With the pid, the identity of a process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def mount_points(pid):
    """Of the namespace of a process; none when it is gone."""
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
            return [line.split()[4] for line in f]
    except OSError:
        return []


def argv0(pid):
    """Name of the program of a process, "" for a kernel thread or zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            first = f.read().split(b"\0")[0]
    except OSError:
        return ""
    return os.path.basename(first.decode(errors="replace").split(" ")[0])


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return ""


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def in_namespace(kind, inode):
    return [pid for pid in pids() if namespace(pid, kind) == inode]


def send(pid, signum):
    """Signals a process; one that is gone already is fine."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass


def kill_identity(pid, started):
    """SIGKILL to a process known by pid and start time, waits for its end."""
    if start_time(pid) != started:
        return False
    fd = os.pidfd_open(pid)
    try:
        if start_time(pid) == started:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    finally:
        os.close(fd)
    wait_for(lambda: start_time(pid) != started, COMMAND_DEADLINE_S,
             f"end of process {pid} after SIGKILL")
    return True


class Pins:
    """The namespaces of a bed, held open.

    The kernel gives numbers of dead namespaces to new ones, maybe another
    bed's: only a namespace that is held can be looked for by its number.
    """

    def __init__(self, bed_state):
        self.fds = []
        self.known = set()
        for who in [bed_state, *bed_state.get("hosts", {}).values()]:
            for kind, inode in who.get("ns", {}).items():
                try:
                    fd = os.open(f"/proc/{who['pid']}/ns/{kind}", os.O_RDONLY)
                except OSError:
                    continue
                self.fds.append(fd)
                if os.fstat(fd).st_ino == inode:
                    self.known.add((kind, inode))

    def processes(self):
        return [f"{pid} {argv0(pid)}" for pid in pids()
                if any(namespace(pid, kind) == inode
                       for kind, inode in self.known)]

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []
