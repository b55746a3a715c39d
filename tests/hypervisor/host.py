# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with a libvirtd of its own, in private namespaces.

Lives no longer than the test: the kernel kills its PID 1 when the test ends,
and with PID 1 everything inside. Every wait has a deadline.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
READY_S = 20.0
LIBVIRTD_S = 60.0
QMP_S = 5.0
COMMAND_S = 60.0
POLL_S = 0.05
PR_SET_PDEATHSIG = 1


def wait_until(what, seconds, probe):
    """The first true answer of probe(); fails with `what` at the limit."""
    end = time.monotonic() + seconds
    while True:
        got = probe()
        if got:
            return got
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(POLL_S)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Host:
    def __init__(self, name, address):
        self.name = name
        self.address = address
        self.unshare = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--ipc", "--pid", "--net",
             "--fork", "--mount-proc", "--propagation", "private", sys.executable, os.path.join(HERE, "host_init.py"),
             name, address, str(uuid.uuid4())],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=die_with_parent)
        said = self.unshare.stdout.readline()
        if said != "ready\n":
            raise RuntimeError(f"{name}: namespaces not ready: {said}")
        with open(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children",
                  encoding="ascii") as f:
            self.init = int(f.read().split()[0])

    def path(self, path):
        """A path of this host as the test sees it."""
        return f"/proc/{self.init}/root{path}"

    def argv(self, *argv):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-p", "-n",
                "--", *argv]

    def run(self, *argv, check=True):
        return subprocess.run(self.argv(*argv), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=COMMAND_S, check=check).stdout

    def popen(self, *argv, **kw):
        return subprocess.Popen(self.argv(*argv), text=True,
                                preexec_fn=die_with_parent, **kw)

    def libvirtd(self):
        # As a daemon: nsenter stops itself when its child is stopped, and
        # would no longer reap it.
        self.run("/usr/sbin/libvirtd", "--daemon", "--listen")
        wait_until(f"{self.name}: libvirtd", LIBVIRTD_S,
                   lambda: "Id" in self.run("virsh", "list", check=False))

    def signal_libvirtd(self, number):
        """Sent inside: a pid of this host means nothing outside."""
        pid = self.run("cat", "/run/libvirtd.pid").strip()
        self.run("kill", f"-{int(number)}", pid)
        if number == signal.SIGSTOP:
            wait_until("libvirtd stopped", QMP_S, lambda: "T" == self.run(
                "sh", "-c", f"cut -d' ' -f3 /proc/{pid}/stat").strip())

    def qemu_pids(self, guest):
        """Processes of this host whose command line names the guest."""
        found = []
        proc = self.path("/proc")
        for pid in os.listdir(proc):
            if not pid.isdigit():
                continue
            try:
                with open(f"{proc}/{pid}/cmdline", "rb") as f:
                    if f"guest={guest},".encode() in f.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def qmp(self, socket_path, *commands):
        """Answers of a QMP socket to commands, events left out."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(QMP_S)
            s.connect(self.path(socket_path))
            lines = s.makefile("rw", encoding="utf-8")
            json.loads(lines.readline())
            answers = []
            for command in ("qmp_capabilities", *commands):
                lines.write(json.dumps({"execute": command}) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                while "event" in answer:
                    answer = json.loads(lines.readline())
                answers.append(answer)
            return answers[1:]

    def close(self):
        try:
            os.kill(self.init, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.unshare.wait(timeout=READY_S)
        self.unshare.stdout.close()


def connect(a, b):
    """A cable between two hosts: no bridge, nothing in the machine's own
    network but a moment of two unplugged ends."""
    ends = (f"vh{os.getpid() % 100000}a", f"vh{os.getpid() % 100000}b")
    subprocess.run(["ip", "link", "add", ends[0], "netns", str(a.init),
                    "type", "veth", "peer", "name", ends[1], "netns",
                    str(b.init)], check=True)
    for host, end in ((a, ends[0]), (b, ends[1])):
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", end)
        host.run("ip", "link", "set", end, "up")
