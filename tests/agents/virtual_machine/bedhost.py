# SPDX-License-Identifier: GPL-2.0-or-later
"""One host of the test bed with a libvirtd of its own, and VMs on it.

What a test says about a VM is checked where it is true: the process table of
the host, the guest's disk witness and libvirt; never by asking the agent that
is under test. Every wait has a deadline.
"""
import glob
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid as uuid_module

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.abspath(f"{HERE}/../..")
CLUSTER = f"{TESTS}/cluster"
for _path in (TESTS, CLUSTER, f"{CLUSTER}/guest"):
    if _path not in sys.path:
        sys.path.insert(0, _path)
import domain  # noqa: E402
import witness  # noqa: E402
from bed import proc  # noqa: E402
from bed.client import Bed  # noqa: E402
from bed.proc import wait_for  # noqa: E402

HOST = "h1"
AGENT = "/usr/lib/ocf/resource.d/vmha/VirtualMachine"
MODULE_DIR = "/usr/libexec/vmha"
NANO = "/srv/ds1/nano.elf"
FREEZE_HOOK = "/etc/libvirt/hooks/qemu"
FREEZER = "/run/freezer"
AGENT_DEADLINE_S = 60
SHORT_S = 10
FORGET_S = 30
FORGET_POLL_S = 0.1
POLL_S = 0.02
REASON = "ocf-exit-reason:"

OK, GENERIC, ARGS, UNIMPLEMENTED = 0, 1, 2, 3
PERM, INSTALLED, CONFIGURED, OFF, DEGRADED = 4, 5, 6, 7, 190

# Freezes libvirtd in the middle of a start that it has accepted and not yet
# carried out: the request stays, as with a libvirtd that hangs.
HOOK = """#!/bin/sh
flag="/run/freeze-libvirtd-$1"
if [ "$2" = prepare ] && [ -e "$flag" ]; then
	rm -f "$flag"
	kill -STOP $PPID
fi
exit 0
"""


class Result:
    """How one call of the agent ended."""

    def __init__(self, rc, out, err, wall_s, log):
        self.rc = rc
        self.out = out
        self.err = err
        self.wall_s = wall_s
        self.log = log
        self.reason = "\n".join(
            line[len(REASON):] for line in err.splitlines()
            if line.startswith(REASON))

    def __repr__(self):
        return (f"rc {self.rc} after {self.wall_s:.2f} s, stderr "
                f"{self.err!r}, log:\n{self.log}")


class BedHost:
    marks = 0  # lines of ours in its log

    def __init__(self, bed, nano):
        self.bed = bed
        bed.up()
        self.pid = bed.ask("pid", host=HOST)
        self.root = f"/proc/{self.pid}/root"
        self.pid_inode = proc.namespace(self.pid, "pid")
        shutil.copy(nano, f"{bed.shared('ds1')}/nano.elf")
        self.write(FREEZE_HOOK, HOOK, 0o755)
        if not bed.cluster:  # else it runs since boot, and knows no hook
            bed.start(HOST, "libvirtd")

    def close(self):
        self.bed.down()

    # -- files and commands ------------------------------------------------

    def path(self, path):
        return self.root + path

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as f:
            os.fchmod(f.fileno(), mode)
            f.write(text)

    def read(self, path):
        with open(self.path(path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def argv(self, *cmd):
        return proc.enter(self.bed.dir, self.pid, *cmd)

    def run(self, *cmd, check=True, env=None, deadline_s=AGENT_DEADLINE_S):
        done = subprocess.run(
            self.argv(*cmd), env=proc.host_env(**(env or {})),
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=deadline_s)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(cmd)}: status {done.returncode}: "
                                 f"{done.stdout}{done.stderr}")
        return done

    def virsh(self, *cmd, check=True):
        return self.run("virsh", "-q", *cmd, check=check).stdout

    def messages(self):
        """The log, with everything that was said before this call: its
        collector takes lines in their order, so it has them when it has
        ours."""
        self.marks += 1
        mark = f"mark {self.marks} of the test"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(self.path("/dev/log"))
            s.send(f"<15>Jan  1 00:00:00 test: {mark}".encode())

        def whole():
            text = self.read("/var/log/messages")
            return text if mark in text else None
        return "".join(
            line for line in wait_for(whole, SHORT_S, "the log").splitlines(
                keepends=True) if " of the test" not in line)

    # -- libvirtd ----------------------------------------------------------

    def libvirtd_states(self):
        return {proc.state(p) for p in self.pids("libvirtd")}

    def pids(self, program):
        return [p for p in proc.in_namespace("pid", self.pid_inode)
                if proc.argv0(p) == program]

    def freeze_libvirtd(self):
        self.bed.freeze(HOST, "libvirtd")
        self.wait_frozen()

    def wait_frozen(self, deadline_s=SHORT_S):
        wait_for(lambda: self.libvirtd_states() == {"T"}, deadline_s,
                 "libvirtd is frozen")

    def thaw_libvirtd(self):
        self.bed.thaw(HOST, "libvirtd")

    def kill_libvirtd(self):
        self.bed.kill(HOST, "libvirtd")

    def heal_libvirtd(self):
        """Whatever a test did to it: runs and answers."""
        states = self.libvirtd_states()
        if not states:
            self.bed.start(HOST, "libvirtd")
        elif "T" in states:
            self.thaw_libvirtd()

    def qemus(self, name):
        """Processes of a domain, by command line; zombies have none."""
        needle = f"guest={name},".encode()
        found = []
        for pid in proc.in_namespace("pid", self.pid_inode):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if needle in f.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    # -- the cgroup v1 freezer: a process that not even SIGKILL ends ---------

    def has_freezer(self):
        if os.path.ismount(self.path(FREEZER)):
            return True
        os.makedirs(self.path(FREEZER), exist_ok=True)
        return self.run("mount", "-t", "cgroup", "-o", "freezer", "freezer",
                        FREEZER, check=False).returncode == 0


class VM:
    """A VM with files of its own; forget() leaves nothing of it."""

    def __init__(self, host, name, options="", config=True, directory=None,
                 disk=True, **xml):
        self.host = host
        self.name = name
        self.uuid = str(uuid_module.uuid4())
        self.dir = directory or "/srv/ds1"
        self.disk = f"{self.dir}/{name}.img"
        self.config = f"/srv/config/{name}.xml"
        if disk:
            witness.create(host.path(self.disk))
        self.xml = domain.render(name, NANO, self.disk, uuid=self.uuid,
                                 options=options, **xml)
        host.write(self.config, self.xml)
        self.params = {"config": self.config} if config else {}

    # -- the agent ---------------------------------------------------------

    def env(self, action, timeout_ms=None, interval_ms=0, params=None,
            instance=None, **extra):
        env = {"OCF_ROOT": "/usr/lib/ocf", "OCF_RA_VERSION_MAJOR": "1",
               "OCF_RA_VERSION_MINOR": "1",
               "OCF_RESOURCE_INSTANCE": instance or self.name,
               "OCF_RESKEY_CRM_meta_on_node": HOST,
               "HA_LOGFACILITY": "daemon", **extra}
        for key, value in {**self.params, **(params or {})}.items():
            if value is not None:
                env[f"OCF_RESKEY_{key}"] = value
        if action == "monitor":
            env["OCF_RESKEY_CRM_meta_interval"] = str(interval_ms)
        if timeout_ms:
            env["OCF_RESKEY_CRM_meta_timeout"] = str(timeout_ms)
        return proc.host_env(**env)

    def call(self, action, prefix=(), **how):
        """One call of the agent as the executor makes it."""
        env = self.env(action, **how)
        before = len(self.host.messages())
        begin = time.monotonic()
        done = subprocess.run(
            self.host.argv(*prefix, AGENT, action), env=env, text=True,
            errors="replace", stdin=subprocess.DEVNULL, capture_output=True,
            timeout=AGENT_DEADLINE_S)
        wall_s = time.monotonic() - begin
        return Result(done.returncode, done.stdout, done.stderr, wall_s,
                      self.host.messages()[before:])

    def begin(self, action, **how):
        """A call that goes on while the test does something."""
        return subprocess.Popen(
            self.host.argv(AGENT, action), env=self.env(action, **how),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def start(self, **how):
        result = self.call("start", **how)
        if result.rc != OK:
            raise AssertionError(f"start of {self.name}: {result}")
        return result

    # -- what is true ------------------------------------------------------

    def pids(self):
        return self.host.qemus(self.name)

    def pid(self):
        pids = self.pids()
        if len(pids) != 1:
            raise AssertionError(f"{self.name}: {len(pids)} processes")
        return pids[0]

    def wait_gone(self, deadline_s=SHORT_S):
        wait_for(lambda: not self.pids(), deadline_s,
                 f"end of {self.name}'s process")

    def wait_state(self, word, deadline_s=SHORT_S):
        """libvirt's word; for tests in which libvirtd is well."""
        wait_for(lambda: self.host.virsh("domstate", self.name, check=False)
                 .strip() == word, deadline_s, f"{self.name} is {word}")

    def wait_libvirt_forgot(self, deadline_s=SHORT_S):
        wait_for(lambda: self.name not in self.host.virsh(
            "list", "--name").split(), deadline_s,
            f"libvirt has noticed the end of {self.name}")

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)

    def boots(self):
        """How often a guest has come up on the disk, proven by it."""
        image = witness.load(self.host.path(self.disk))
        return image.owner.ordinal if image.owner else 0

    def wait_boots(self, count, deadline_s=SHORT_S):
        wait_for(lambda: self.boots() == count, deadline_s,
                 f"boot {count} of {self.name} on its disk")

    def ended_cleanly(self):
        image = witness.load(self.host.path(self.disk))
        return bool(image.owner.flags & witness.FLAG_CLEAN)

    def record_path(self):
        return f"/run/vmha/vm/{self.name}"

    def record(self):
        """The agent's record as a dictionary; {} when there is none."""
        try:
            text = self.host.read(self.record_path())
        except FileNotFoundError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines()
                    if "=" in line)

    def edit_record(self, key, value):
        text = re.sub(f"^{key}=.*$", f"{key}={value}",
                      self.host.read(self.record_path()), flags=re.M)
        self.host.write(self.record_path(), text, 0o600)

    def qmp_paths(self):
        return glob.glob(self.host.path(f"/run/vmha/qmp/{self.name}.*"))

    def is_revoked(self):
        return any(os.path.isdir(p) for p in self.qmp_paths())

    def define(self):
        self.host.virsh("define", self.config)

    def persistent(self):
        """The user's definition, as libvirt shows it and as it lies there."""
        shown = self.host.virsh("dumpxml", "--inactive", self.name)
        path = self.host.path(f"/etc/libvirt/qemu/{self.name}.xml")
        return shown, digest(path), os.stat(path).st_mtime_ns

    def freeze_at_start(self):
        """libvirtd will freeze when it carries out the next start."""
        self.host.write(f"/run/freeze-libvirtd-{self.name}", "")

    # -- end ---------------------------------------------------------------

    def _is_ended(self):
        """Once more each time: a request of a test that failed may still
        bring it up."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        return not self.pids() and self.name not in self.host.virsh(
            "list", "--name").split()

    def forget(self):
        self.host.heal_libvirtd()
        wait_for(self._is_ended, FORGET_S, f"libvirt and the kernel have "
                 f"noticed the end of {self.name}", FORGET_POLL_S)
        self.host.virsh("undefine", self.name, "--managed-save",
                        "--snapshots-metadata", check=False)
        for path in (self.record_path(), f"/var/lib/vmha/vm/{self.name}",
                     self.config, f"/run/freeze-libvirtd-{self.name}"):
            if os.path.exists(self.host.path(path)):
                os.unlink(self.host.path(path))
        for path in self.qmp_paths():
            (os.rmdir if os.path.isdir(path) else os.unlink)(path)
        for path in glob.glob(self.host.path(f"{self.dir}/{self.name}.*")):
            os.unlink(path)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def open_host(name, folder, stage, nano):
    return BedHost(Bed(name, hosts=1, folder=folder, stage=stage,
                       cluster=False), nano)
