# SPDX-License-Identifier: GPL-2.0-or-later
"""The bed as the tests use it: class Bed, a method per verb.

    with Bed("mine", hosts=3) as bed:
        bed.run("h1", "crm_mon", "-1")
        bed.poweroff("h2")

A Bed made here dies with the process that made it. One that was left up by the
command line is used with Bed.attach(name).
"""
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time

from . import proc
from .proc import BedError

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(f"{HERE}/../../..")
ANSWER_DEADLINE_S = 180
PROGRAMS = ("bed-init", "bed-enter")
FAULT_PROGRAMS = ("faultfs", "wdt")
READY_DEADLINE_S = 60
END_DEADLINE_S = 60
RUN_DEADLINE_S = 60
# Hosts have their own of these: a bed's folder below would vanish there.
NOT_BELOW = ("/usr", "/etc", "/var", "/proc", "/sys", "/dev", "/run", "/srv")


def default_dir(name):
    build = os.environ.get("BUILD", f"{ROOT}/build")
    return os.path.abspath(f"{build}/bed/{name}")


def provide_programs(folder):
    """The bed's C helpers as make built them, or built here: a file each."""
    os.makedirs(f"{folder}/bin")
    for name in PROGRAMS:
        source = f"{HERE}/{name}.c"
        built = os.path.join(os.environ.get("BUILD", f"{ROOT}/build"),
                             "tests", name)
        if os.path.exists(built) and \
                os.stat(built).st_mtime >= os.stat(source).st_mtime:
            shutil.copy2(built, f"{folder}/bin/{name}")
        else:
            proc.command(os.environ.get("CC", "cc"), "-std=gnu11", "-O2",
                         "-o", f"{folder}/bin/{name}", source)


def provide_fault_programs(folder):
    """Built by make only: they want libfuse's flags."""
    for name in FAULT_PROGRAMS:
        built = os.path.join(os.environ.get("BUILD", f"{ROOT}/build"),
                             "tests", "faults", name)
        if not os.path.exists(built):
            raise BedError(f"{built} is missing; run: make faults")
        shutil.copy2(built, f"{folder}/bin/{name}")


def check_dir(path):
    if any(c in path for c in ":,\\ "):
        raise BedError(f"{path}: a bed's folder may have no ':', ',', '\\' "
                       "or blank in its name (overlay mounts)")
    for top in NOT_BELOW:
        if os.path.realpath(path).startswith(top + "/"):
            raise BedError(f"{path}: a bed's folder cannot be below {top}, "
                           "where each host has its own files")


class Bed:
    def __init__(self, name="default", hosts=3, folder=None, stage=None,
                 token=1000, cluster=True, datastores=1, owner=None,
                 progress=None, heartbeat=0, profile=None, fence=None,
                 fault_ds1=False, vms=None):
        """heartbeat: number of heartbeat datastores, behind faults, and a
        watchdog in each host. fence: "bed", "vmha" or "both" (levels 2, 1);
        vmha is the default with heartbeats. fault_ds1: faults on ds1 too.
        vms: room of the heartbeat datastores, for so many on each host."""
        self.name = name
        self.dir = os.path.abspath(folder) if folder else default_dir(name)
        self.count = hosts
        self.stage = stage
        self.token = token
        self.cluster = cluster
        self.datastores = datastores
        self.heartbeat = heartbeat
        self.profile = profile
        self.fence = fence
        self.fault_ds1 = fault_ds1
        self.vms = vms
        self.owner = os.getpid() if owner is None else owner
        self.on_progress = progress
        self.supervisor = None

    @classmethod
    def attach(cls, name="default", folder=None):
        return cls(name, folder=folder, owner=0)

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    # -- life --------------------------------------------------------------

    def is_up(self):
        try:
            lock = os.open(f"{self.dir}/lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(lock)

    def up(self):
        if os.geteuid() != 0:
            raise BedError("a bed needs root (namespaces, mounts, veth)")
        check_dir(self.dir)
        if self.is_up():
            raise BedError(f"bed {self.name} is up already ({self.dir})")
        self._clean_dead()
        # bin alone is what a bed leaves that could not be begun.
        if os.path.isdir(self.dir) and os.listdir(self.dir) not in ([],
                                                                    ["bin"]):
            if not os.path.exists(f"{self.dir}/lock"):
                raise BedError(f"{self.dir} is not empty and not a bed's "
                               "folder; choose another")
            shutil.rmtree(self.dir)
        provide_programs(self.dir)
        if self.heartbeat or self.fault_ds1:
            provide_fault_programs(self.dir)
        argv = [sys.executable, "-m", "bed.supervisor", "--dir", self.dir,
                "--name", self.name, "--hosts", str(self.count),
                "--token", str(self.token),
                "--datastores", str(self.datastores),
                "--heartbeat", str(self.heartbeat)]
        for option, value in (("--profile", self.profile),
                              ("--fence", self.fence), ("--vms", self.vms)):
            argv += [option, str(value)] if value else []
        if self.fault_ds1:
            argv += ["--fault-ds1"]
        if self.stage:
            argv += ["--stage", os.path.abspath(self.stage)]
        if self.owner:
            argv += ["--owner", str(self.owner)]
        env = dict(os.environ, PYTHONPATH=os.path.dirname(HERE),
                   PYTHONDONTWRITEBYTECODE="1")
        with open(f"{self.dir}/supervisor.log", "ab") as log:
            self.supervisor = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=env)
        try:
            proc.wait_for(self._is_listening, READY_DEADLINE_S,
                          "the supervisor listens")
            self.ask("up", cluster=self.cluster)
        except BaseException:
            self.down()
            raise

    def _is_listening(self):
        if self.supervisor.poll() is not None:
            with open(f"{self.dir}/supervisor.log", encoding="utf-8") as f:
                raise BedError(f"the supervisor ended:\n{f.read()}")
        return os.path.exists(f"{self.dir}/ctl")

    def state(self):
        try:
            with open(f"{self.dir}/state.json", encoding="utf-8") as f:
                return json.load(f)
        except (OSError, ValueError):
            return {}

    def pid_namespaces(self):
        """{number of its pid namespace: host} of the hosts that are on. The
        kernel gives the number of a dead one to a new one, maybe to another
        host of this bed: a host that is off has none."""
        return {h["ns"]["pid"]: name
                for name, h in self.state().get("hosts", {}).items()
                if h["started"] is not None and
                proc.start_time(h["pid"]) == h["started"]}

    def _clean_dead(self):
        """Hosts of a supervisor that was killed. The kernel has ended them;
        this proves it, and does it where it has not yet."""
        state = self.state()
        for who in [state] + list(state.get("hosts", {}).values()):
            if who.get("pid") and who.get("started"):
                proc.kill_identity(who["pid"], who["started"])

    def down(self):
        """Ends the bed; returns a sentence about what was verified."""
        text = "the bed was not up"
        state = self.state()
        pins = proc.Pins(state)
        if self.is_up():
            try:
                text = self.ask("down")
                self._wait_end(state)
            except BedError as e:
                text = f"the supervisor did not do it ({e}), killed"
        self._clean_dead()
        if self.supervisor:
            self.supervisor.wait(END_DEADLINE_S)
            self.supervisor = None
        left = pins.processes()
        pins.close()
        if left:
            raise BedError(f"processes left in the bed's namespaces: {left}")
        return text

    def _wait_end(self, state):
        proc.wait_for(lambda: proc.start_time(state["pid"]) !=
                      state["started"], END_DEADLINE_S,
                      "end of the supervisor")

    # -- verbs -------------------------------------------------------------

    def ask(self, verb, **args):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ANSWER_DEADLINE_S)
            try:
                fd = os.open(self.dir, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    sock.connect(f"/proc/self/fd/{fd}/ctl")
                finally:
                    os.close(fd)
                sock.sendall(json.dumps({"verb": verb, **args}).encode() +
                             b"\n")
                for line in sock.makefile():
                    answer = json.loads(line)
                    if "progress" not in answer:
                        break
                    if self.on_progress:
                        self.on_progress(answer["progress"])
                else:
                    raise BedError(f"{verb}: the supervisor went away")
            except (FileNotFoundError, ConnectionRefusedError) as e:
                raise BedError(f"bed {self.name} is not up") from e
            except OSError as e:
                raise BedError(f"{verb}: {e}") from e
        if not answer["ok"]:
            raise BedError(answer["error"])
        return answer["result"]

    def status(self):
        return self.ask("status")

    @property
    def hosts(self):
        return [h["host"] for h in self.status()]

    def poweroff(self, host):
        return self.ask("poweroff", host=host)

    def poweron(self, host):
        return self.ask("poweron", host=host)

    def boot(self, host):
        """Powers it on and starts none of its daemons."""
        return self.ask("boot", host=host)

    def shutdown(self, host):
        return self.ask("shutdown", host=host)

    def cut(self, host, link="all"):
        return self.ask("cut", host=host, link=link)

    def restore(self, host, link="all"):
        return self.ask("restore", host=host, link=link)

    def deafen(self, host, *others):
        """What these send on the cluster links does not reach the host; no
        others: it hears all."""
        return self.ask("deaf", deaf={host: others})

    def split(self, *groups):
        """A partition: groups of hosts that do not hear each other, while all
        reach the gateway. One group: everybody hears everybody."""
        return self.ask("deaf", deaf={
            host: [other for group in groups if host not in group
                   for other in group]
            for own in groups for host in own})

    def join(self):
        """The end of split and deafen."""
        return self.split(self.hosts)

    def pause(self, host):
        return self.ask("pause", host=host)

    def resume(self, host):
        return self.ask("resume", host=host)

    def start(self, host, daemon):
        return self.ask("start", host=host, daemon=daemon)

    def stop(self, host, daemon):
        return self.ask("stop", host=host, daemon=daemon)

    def freeze(self, host, daemon):
        return self.ask("freeze", host=host, daemon=daemon)

    def thaw(self, host, daemon):
        return self.ask("thaw", host=host, daemon=daemon)

    def kill(self, host, daemon):
        return self.ask("kill", host=host, daemon=daemon)

    def unshare(self, host, share):
        return self.ask("unshare", host=host, share=share)

    def share(self, host, share):
        return self.ask("share", host=host, share=share)

    def unshare_config(self, host):
        return self.unshare(host, "config")

    def share_config(self, host):
        return self.share(host, "config")

    def fence_device(self, mode):
        return self.ask("fence-device", mode=mode)

    def fault(self, host, store, op, action, glob="*", count=None):
        """fault("h1", "hb1", "write", "delay 500 100"). op: read, write,
        fsync, open, meta, all; host and store: "all" too. Until healed, also
        over boots; count: only the first so many operations."""
        return self.ask("fault", host=host, store=store, op=op,
                        action=action.split(), glob=glob, count=count)

    def heal(self, host="all", store=None):
        return self.ask("heal", host=host, store=store)

    def faults(self, host=None):
        """A line per rule: how often it matched, how many wait in it."""
        return self.ask("faults", host=host)

    def starve(self, host, percent):
        """Leaves the host that much of one CPU; None: enough again."""
        return self.ask("starve", host=host,
                        percent="off" if percent is None else percent)

    def prepare_heartbeat(self):
        """Datastores and configuration; up does it with a cluster."""
        return self.ask("prepare-heartbeat")

    def write(self, host, path, text):
        """A file in the host."""
        return self.ask("write", host=host, path=path, text=text)

    def log_path(self, host, daemon=None):
        return self.ask("log", host=host, daemon=daemon)

    def shared(self, name):
        """Folder of a share on the machine, for the test's own files."""
        return f"{self.dir}/shared/{name}"

    # -- commands in a host ------------------------------------------------


    def argv(self, host, *cmd):
        """The command line that runs cmd in a host."""
        return proc.enter(self.dir, self.ask("pid", host=host), *cmd)

    def run(self, host, *cmd, check=True, deadline_s=RUN_DEADLINE_S,
            stdin=None, env=None):
        """Runs a command in a host; a CompletedProcess with both streams."""
        argv = self.argv(host, *cmd)
        try:
            done = subprocess.run(
                argv, env=proc.host_env(**(env or {})), text=True,
                errors="replace", input=stdin, timeout=deadline_s,
                capture_output=True,
                **({} if stdin is not None else
                   {"stdin": subprocess.DEVNULL}))
        except subprocess.TimeoutExpired as e:
            raise BedError(f"{host}: {' '.join(cmd)}: no end within "
                           f"{deadline_s} s") from e
        if check and done.returncode != 0:
            raise BedError(f"{host}: {' '.join(cmd)}: status "
                           f"{done.returncode}: {done.stdout}{done.stderr}")
        return done

    def popen(self, host, *cmd, **kwargs):
        """A command that runs in a host while the test goes on."""
        kwargs.setdefault("env", proc.host_env())
        return subprocess.Popen(self.argv(host, *cmd), **kwargs)


def elapsed_printer(stream=None):
    """Progress lines with the seconds since now."""
    start = time.monotonic()

    def show(text):
        print(f"[{time.monotonic() - start:6.2f}] {text}",
              file=stream or sys.stdout, flush=True)
    return show
