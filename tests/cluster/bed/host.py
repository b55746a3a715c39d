# SPDX-License-Identifier: GPL-2.0-or-later
"""One host: boot, power, pause, daemons.

Its PID 1 is the host; everything else follows from the pid namespace that it
leads. A step that fails says which host, which step, and shows the end of the
log that knows more.
"""
import os
import signal
import subprocess
import threading
import time

from . import faults, proc, starve, storage
from .proc import BedError

BOOT_DEADLINE_S = 60
OFF_DEADLINE_S = 30
OUTSIDERS_GRACE_S = 2
REASON_DEADLINE_S = 2
START_DEADLINE_S = 60
STOP_DEADLINE_S = 60
APPEAR_DEADLINE_S = 10
PAUSE_DEADLINE_S = 5
PAUSE_POLL_S = 0.002
LOG_TAIL_LINES = 15
PROBE_DEADLINE_S = 10
# Between probes of a starting daemon: each is a process of its own, and the
# machine is busy starting daemons.
PROBE_POLL_S = 0.15
# Real-time, as everywhere, but not 99: corosync spins for seconds when it
# starts, and the hosts of a bed share few CPUs. Disks (faults.py), watchdogs
# and heartbeats of the others, which are above it, must not stop for that.
COROSYNC_RR = 20


class Daemon:
    """How a daemon is started, recognized, asked, and where it logs; stdout
    goes to a file beside its log, or is its log."""

    def __init__(self, command, programs, probe, log, has_log_file=True):
        self.command = command
        self.programs = programs
        self.probe = probe
        self.log = log
        self.out = f"{os.path.dirname(log)}/stdout.log" if has_log_file \
            else log


PCMK = ["pacemakerd", "pacemaker-based", "pacemaker-fenced",
        "pacemaker-execd", "pacemaker-attrd", "pacemaker-schedulerd",
        "pacemaker-controld"]
DAEMONS = {
    "corosync": Daemon(f"chrt --rr {COROSYNC_RR} corosync -f", ["corosync"],
                       ["corosync-cfgtool", "-s"],
                       "corosync/corosync.log"),
    "pacemaker": Daemon("pacemakerd -f", PCMK,
                        ["crmadmin", "-t", "2000", "-P"],
                        "pacemaker/pacemaker.log"),
    "libvirtd": Daemon("libvirtd --listen", ["libvirtd"],
                       ["virsh", "-q", "-c", "qemu:///system", "list"],
                       "libvirt/libvirtd.log"),
    "heartbeatd": Daemon("/usr/sbin/vmha-heartbeatd -f", ["vmha-heartbeatd"],
                         ["test", "-S", "/run/vmha/heartbeatd.sock"],
                         "vmha/heartbeatd.log", has_log_file=False),
}
# Pacemaker first down and last up: it must find corosync, and VMs libvirtd.
SHUTDOWN_ORDER = ("pacemaker", "libvirtd", "heartbeatd", "corosync")


class Host:
    def __init__(self, name, number, path, bed):
        self.name = name
        self.number = number
        self.path = path
        self.bed = bed
        self.shares = storage.Shares(bed, self)
        self.watchdog = faults.Watchdog(bed, self)
        self.starve = starve.Starve(self)
        self.watcher = None
        self.why_off = "not booted yet"
        self.init = None
        self.pid = None
        self.started = None  # with the pid, the identity of its PID 1
        self.namespaces = {}
        self.ns_fd = None
        self.off_at = None
        self.ended_at = None
        self.boots = 0
        self.is_paused = False
        self.stopped_by_pause = {}
        self.lock = threading.RLock()

    # -- power ------------------------------------------------------------

    def is_on(self):
        return self.init is not None and self.init.poll() is None

    def live_pid(self):
        if not self.is_on():
            raise BedError(f"{self.name} is off")
        return self.pid

    def boot(self):
        """Namespaces, cables, mounts; no daemon yet."""
        with self.lock:
            if self.is_on():
                raise BedError(f"{self.name} is on already")
            if self.ns_fd is not None:  # it ended by itself (panic)
                self.power_off()
            self.boots += 1
            os.makedirs(f"{self.path}/log", exist_ok=True)
            env = proc.host_env(
                BED_HOST=self.name, BED_HOST_DIR=self.path,
                BED_SHARED=self.bed.shared, BED_OVERLAY=self.bed.overlay,
                BED_STAGE=self.bed.stage or "", BED_FENCE=self.bed.fence_dir,
                BED_WATCHDOG="yes" if self.bed.heartbeat else "",
                BED_DATASTORES=" ".join(
                    n for n in self.shares.all if n != storage.CONFIG))
            self.init = self.bed.spawn(
                [self.bed.init_program, self.name, self.bed.setup_program],
                env, f"{self.path}/log/boot.log")
            self._boot_wait()

    def _boot_wait(self):
        try:
            word, _, pid = self._line().partition(" ")
            if word != "pid":
                raise BedError("PID 1 did not start")
            self.pid = int(pid)
            self.started = proc.start_time(self.pid)
            self.namespaces = {kind: proc.namespace(self.pid, kind)
                               for kind in ("pid", "net", "mnt")}
            # Pins the number: it must not be given to another bed's host
            # before the end of this one is verified.
            self.ns_fd = os.open(f"/proc/{self.pid}/ns/pid", os.O_RDONLY)
            self.bed.remember()
            self.bed.net.plug(self.name, self.number, self.pid)
            if self._line() != "ready":
                raise BedError("setup failed")
            self.shares.boot(self.pid)
            if self.bed.heartbeat:
                self.watchdog.start()
            self.why_off = None
            self.watcher = threading.Thread(target=self._watch, daemon=True)
            self.watcher.start()
        except (BedError, OSError) as e:
            self.init.kill()
            self.shares.end()
            self.init.wait()
            self.watchdog.end(may_have_fired=False)
            raise BedError(f"{self.name}: boot: {e}\n"
                           f"{self.log_tail('boot.log')}") from e

    def _line(self):
        """A line of bed-init; "" at its end."""
        timer = threading.Timer(BOOT_DEADLINE_S, self.init.kill)
        timer.start()
        try:
            return self.init.stdout.readline().strip()
        finally:
            timer.cancel()

    def _watch(self):
        """Until PID 1 begins to end, however. Its disks go with it: what
        waits for one could not be killed, and PID 1 waits for that."""
        while self.init.stdout.readline() not in ("ending\n", ""):
            pass
        self.ended_at = time.monotonic()
        self.shares.end()
        status = self.init.wait()
        has_fired = self.watchdog.end(may_have_fired=self.why_off is None)
        if self.why_off is None:
            self.why_off = faults.why_off(status, has_fired)

    def reason(self):
        """Why the host is off; known a moment after it is."""
        watcher = self.watcher
        if watcher is not None:
            watcher.join(REASON_DEADLINE_S)
        return self.why_off or "not known yet"

    def power_off(self):
        """Pulls the plug; true only when the kernel shows nothing left."""
        with self.lock:
            if self.is_on():
                self.why_off = self.why_off or "power off"
                proc.send(self.pid, signal.SIGKILL)
                self._wait_off()
            if self.watcher is not None:
                self.watcher.join(OFF_DEADLINE_S)
                self.watcher = None
            self.starve.clear()
            self.is_paused = False
            self.stopped_by_pause = {}
            if self.ns_fd is not None:
                proc.wait_for(lambda: not self.processes(), OFF_DEADLINE_S,
                              f"{self.name}: end of all processes")
                os.close(self.ns_fd)
                self.ns_fd = None
                self.off_at = self.ended_at
            self.bed.net.unplug(self.name)

    def _wait_off(self):
        """A process that entered the host and stopped (a terminal's ^Z) does
        not reap its child inside, and the kernel waits for that."""
        for deadline_s in (OUTSIDERS_GRACE_S, OFF_DEADLINE_S):
            try:
                self.init.wait(deadline_s)
                return
            except subprocess.TimeoutExpired:
                for pid in proc.outsiders(self.namespaces["pid"],
                                          self.namespaces["net"]):
                    proc.send(pid, signal.SIGKILL)
        raise BedError(f"{self.name}: PID 1 ({self.pid}) still there "
                       f"{OFF_DEADLINE_S} s after SIGKILL")

    # -- processes --------------------------------------------------------

    def processes(self):
        found = proc.in_namespace("pid", self.namespaces["pid"])
        return [pid for pid in found if pid != self.pid]

    def pids_of(self, name):
        """Processes of a daemon, or of any program by its name."""
        wanted = DAEMONS[name].programs if name in DAEMONS else [name]
        short = [w[:15] for w in wanted]  # TASK_COMM_LEN
        return [pid for pid in self.processes()
                if proc.argv0(pid) in wanted or
                (proc.comm(pid) in short and proc.argv0(pid))]

    def pause(self):
        """SIGSTOP to all but PID 1, which does nothing but reap and log.

        A signalled process stops when it is next scheduled, and may fork
        before: look again until all that there are have stopped.
        """
        with self.lock:
            self.live_pid()
            self.is_paused = True
            proc.wait_for(self._all_stopped, PAUSE_DEADLINE_S,
                          f"{self.name}: all processes stopped", PAUSE_POLL_S)

    def _all_stopped(self):
        running = [pid for pid in self.processes()
                   if proc.state(pid) not in "TtZX"]
        for pid in running:
            if pid not in self.stopped_by_pause:
                self.stopped_by_pause[pid] = proc.start_time(pid)
                proc.send(pid, signal.SIGSTOP)
        return not running

    def resume(self):
        """Leaves stopped what was frozen before the pause."""
        with self.lock:
            self.live_pid()
            for pid, started in self.stopped_by_pause.items():
                if proc.start_time(pid) == started:
                    proc.send(pid, signal.SIGCONT)
            self.stopped_by_pause = {}
            self.is_paused = False

    def signal(self, name, signum):
        """Signals a daemon; an error when it does not run."""
        self.live_pid()
        found = self.pids_of(name)
        if not found:
            raise BedError(f"{self.name}: {name} does not run")
        for pid in found:
            proc.send(pid, signum)
        if signum == signal.SIGKILL:
            proc.wait_for(lambda: not set(found) & set(self.processes()),
                          OFF_DEADLINE_S, f"{self.name}: end of {name}")

    # -- daemons ----------------------------------------------------------

    def run(self, *argv, check=True, deadline_s=proc.COMMAND_DEADLINE_S,
            stdin=None):
        line = proc.enter(self.bed.dir, self.live_pid(), *argv)
        return proc.command(*line, env=proc.host_env(), check=check,
                            deadline_s=deadline_s, stdin=stdin)

    def write_file(self, path, text):
        """In the host, with the folders above it."""
        self.run("/bin/sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1"', "sh",
                 path, stdin=text or "\n")

    def start(self, name):
        """Starts a daemon and waits until it answers."""
        daemon = self.daemon(name)
        if self.pids_of(name):
            raise BedError(f"{self.name}: {name} runs already")
        self.run("/bin/sh", "-c", f"setsid {daemon.command} "
                 f">>/var/log/{daemon.out} 2>&1 </dev/null &")
        try:
            proc.wait_for(lambda: self.pids_of(name), APPEAR_DEADLINE_S,
                          "no process")
            proc.wait_for(lambda: self._answers(name), START_DEADLINE_S,
                          "no answer", PROBE_POLL_S)
        except BedError as e:
            raise BedError(f"{self.name}: start of {name}: {e}\n"
                           f"{self.log_tail(daemon.out)}\n"
                           f"{self.log_tail(daemon.log)}") from e

    def _answers(self, name):
        if not self.pids_of(name):
            raise BedError("it ended")
        try:
            return self.run(*DAEMONS[name].probe, check=False,
                            deadline_s=PROBE_DEADLINE_S)[0] == 0
        except BedError:
            return False

    def stop(self, name):
        """Clean stop: SIGTERM, then wait for the end of all its processes."""
        self.daemon(name)
        found = self.pids_of(name)
        main = [p for p in found
                if proc.argv0(p) == DAEMONS[name].programs[0]]
        for pid in main:
            proc.send(pid, signal.SIGTERM)
        proc.wait_for(lambda: not set(self.pids_of(name)) & set(found),
                      STOP_DEADLINE_S, f"{self.name}: stop of {name}")

    def start_all(self):
        """libvirtd beside the cluster stack, as init systems do."""
        failures = []

        self._boot_as_slowly_as_a_machine()

        def attempt(*names):
            try:
                for name in names:
                    self.start(name)
            except BedError as e:
                failures.append(e)
        beside = threading.Thread(target=attempt, args=("libvirtd",))
        beside.start()
        attempt(*self.bed.stack())
        beside.join()
        if failures:
            raise failures[0]

    def _boot_as_slowly_as_a_machine(self):
        """No machine is back before its peers have noticed its loss. One that
        were would hear of its own fencing as a member, and Pacemaker leaves
        the cluster then ("we were allegedly just fenced")."""
        if self.off_at is not None:
            back_at = self.off_at + self.bed.notice_s()
            time.sleep(max(0, back_at - time.monotonic()))

    def shutdown(self):
        self.live_pid()
        for name in SHUTDOWN_ORDER:
            self.stop(name)
        self.why_off = "shut down"
        self.power_off()
        self.off_at = None  # it said good-bye

    @staticmethod
    def daemon(name):
        if name not in DAEMONS:
            raise BedError(f"no daemon {name!r}; there are "
                           f"{', '.join(DAEMONS)}")
        return DAEMONS[name]

    # -- what a person wants to see ---------------------------------------

    def log_path(self, name):
        if name is None:
            name = "messages"
        elif name in DAEMONS:
            name = DAEMONS[name].log
        path = os.path.normpath(f"{self.path}/log/{name}")
        if not os.path.isfile(path):
            raise BedError(f"{self.name} has no log {name!r}")
        return path

    def log_tail(self, name, lines=LOG_TAIL_LINES):
        try:
            with open(f"{self.path}/log/{name}", encoding="utf-8",
                      errors="replace") as f:
                tail = f.read().splitlines()[-lines:]
        except OSError as e:
            return f"  (no log: {e})"
        return "\n".join("  | " + line for line in tail)

    def daemon_state(self, name):
        states = {proc.state(pid) for pid in self.pids_of(name)}
        if not states:
            return "-"
        return "frozen" if states <= set("Tt") else "runs"

    def status(self):
        on = self.is_on()
        state = "paused" if on and self.is_paused else \
            "on" if on else "off"
        return {
            "host": self.name, "state": state,
            "why": None if on else self.reason(), "boots": self.boots,
            "pid": self.pid if on else None,
            "daemons": {n: self.daemon_state(n) if on else "-"
                        for n in DAEMONS},
            "cut": self.bed.net.cut_links(self.name),
            "deaf": self.bed.net.is_deaf(self.name),
            "mounts": self.shares.attached(self.pid) if on else [],
            "away": sorted(self.shares.away),
        }
