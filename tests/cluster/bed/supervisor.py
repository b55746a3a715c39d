# SPDX-License-Identifier: GPL-2.0-or-later
"""Owner of a bed: one process that holds the network and all hosts.

Outside the hosts, in the bed's own network namespace. When it dies, however,
its hosts die (bed-init), and with them every namespace, mount and cable: none
of them has a name that would keep it. It goes when its owner goes.

Speaks JSON lines on two Unix sockets: `ctl` for the CLI and the tests, and
`fence/sock`, which is all that the hosts see of it: a power switch.
"""
import argparse
import concurrent.futures
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

from . import config, heartbeat, host, net, proc, server, storage
from .proc import BedError

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER_DEADLINE_S = 120
CLUSTER_POLL_S = 0.2
# corosync.conf(5): defaults of token_coefficient and consensus.
TOKEN_COEFFICIENT_MS = 650
CONSENSUS_PER_TOKEN = 1.2
NOTICE_MARGIN_S = 1
DEFAULT_PROFILE = "fast"


class Supervisor:
    def __init__(self, args):
        self.dir = os.path.abspath(args.dir)
        self.name = args.name
        self.datastores = args.datastores
        self.heartbeat = args.heartbeat
        self.fault_ds1 = args.fault_ds1
        self.profile = args.profile
        self.vms = args.vms
        self.fence_resources = config.fence_resources(args.fence,
                                                      args.heartbeat)
        self.shared = f"{self.dir}/shared"
        self.overlay = f"{self.dir}/overlay"
        self.fence_dir = f"{self.dir}/fence"
        self.stage = None
        # libvirt's probes of the QEMU binaries, seconds of CPU per host, kept
        # from bed to bed; libvirt itself checks whether they are still true.
        self.qemu_cache = f"{os.path.dirname(self.dir)}/.libvirt-cache"
        self.init_program = f"{self.dir}/bin/bed-init"
        self.setup_program = f"{HERE}/host-setup.sh"
        self.token_ms = args.token
        self.net = net.Net()
        self.fence_mode = "ok"
        self.has_cluster = True
        self.ending = threading.Event()
        # The kernel kills a child when the *thread* that made it ends: hosts
        # are born in one that does not.
        self.spawner = concurrent.futures.ThreadPoolExecutor(1)
        self.state_lock = threading.Lock()
        self.hosts = {}
        for number in range(1, args.hosts + 1):
            name = f"h{number}"
            self.hosts[name] = host.Host(name, number,
                                         f"{self.dir}/hosts/{name}", self)
        if args.stage:
            self.stage = f"{self.dir}/stage"
            shutil.copytree(args.stage, self.stage, symlinks=True)
        self._make_files()

    def _make_files(self):
        for path in (self.shared, self.fence_dir, f"{self.dir}/hosts",
                     f"{self.overlay}/usr/sbin"):
            os.makedirs(path, exist_ok=True)
        storage.make_folders(self.shared, self)
        shutil.copy(f"{HERE}/fence_bed", f"{self.overlay}/usr/sbin/fence_bed")
        os.chmod(f"{self.overlay}/usr/sbin/fence_bed", 0o755)
        for h in self.hosts.values():
            if os.path.isdir(self.qemu_cache):
                shutil.copytree(self.qemu_cache, f"{h.path}/cache-libvirt")
        config.write_all({h.name: h.path for h in self.hosts.values()},
                         "bed", self.token_ms, self.fence_resources)

    def spawn(self, argv, env, log):
        def start():
            with open(log, "ab") as err:
                return subprocess.Popen(
                    argv, env=env, stdin=subprocess.DEVNULL, text=True,
                    stdout=subprocess.PIPE, stderr=err)
        return self.spawner.submit(start).result()

    def remember(self):
        """What `down` needs should this process be killed. Hosts boot side
        by side: whoever writes last must have seen what all others have."""
        with self.state_lock:
            state = {"name": self.name, "pid": os.getpid(),
                     "started": proc.start_time(os.getpid()),
                     "ns": {"net": proc.namespace(os.getpid(), "net")},
                     "hosts": {h.name: {"pid": h.pid,
                                        "started": h.started,
                                        "ns": h.namespaces}
                               for h in self.hosts.values() if h.pid}}
            path = f"{self.dir}/state.json"
            config.write(f"{path}.new", json.dumps(state))
            os.rename(f"{path}.new", path)

    def notice_s(self):
        """After this, peers have noticed a loss and told each other."""
        token_ms = self.token_ms + \
            TOKEN_COEFFICIENT_MS * max(0, len(self.hosts) - 2)
        return token_ms * (1 + CONSENSUS_PER_TOKEN) / 1000 + NOTICE_MARGIN_S

    def host(self, name):
        if name not in self.hosts:
            raise BedError(f"no host {name!r}; there are "
                           f"{', '.join(self.hosts)}")
        return self.hosts[name]

    # -- verbs over several hosts -----------------------------------------

    def each(self, action, hosts=None):
        """In parallel; the first failure is raised after all have ended."""
        hosts = list(self.hosts.values() if hosts is None else hosts)
        with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
            for job in [pool.submit(action, h) for h in hosts]:
                job.result()

    def up(self, progress, cluster):
        self.net.start()
        self.remember()
        progress("network is up")

        def boot(h):
            h.boot()
            progress(f"{h.name} booted")
        self.each(boot)
        self.has_cluster = cluster
        if cluster:
            if self.heartbeat:
                self.prepare_heartbeat()
                progress("heartbeat datastores are made")
            self.up_cluster(progress)

    def stack(self):
        """The cluster's daemons in the order of their start."""
        return ["corosync"] + ["heartbeatd"] * bool(self.heartbeat) + \
            ["pacemaker"]

    def prepare_heartbeat(self):
        """Before the first start of the daemons; the hosts are on."""
        if not self.heartbeat:
            raise BedError("this bed has no heartbeat datastores; make one "
                           "with --heartbeat N")
        heartbeat.prepare(list(self.hosts.values()), self.heartbeat,
                          self.profile, self.vms)

    def up_cluster(self, progress):
        """Pacemaker only after corosync has all hosts: whoever is elected
        first would fence a host that it has never seen (startup-fencing)."""
        failures = []

        def libvirtd(h):
            h.start("libvirtd")
            progress(f"{h.name} libvirtd answers")

        def libvirtds():
            try:
                self.each(libvirtd)
            except BedError as e:
                failures.append(e)
        beside = threading.Thread(target=libvirtds)
        beside.start()
        try:
            self.each(lambda h: h.start("corosync"))
            self.each(self.wait_members)
            progress("corosync has all hosts")
            if self.heartbeat:
                self.each(lambda h: h.start("heartbeatd"))
                progress("vmha-heartbeatd runs")
            self.each(lambda h: h.start("pacemaker"))
            progress("Pacemaker runs")
            self.wait_cluster()
            progress("cluster is quorate, all hosts online, fencing started")
        finally:
            beside.join()
        if failures:
            raise failures[0]

    def wait_members(self, h):
        want = str(len(self.hosts))

        def complete():
            # It gives no answer while a membership forms; the wait around it
            # has the deadline.
            try:
                _, text = h.run("corosync-quorumtool", "-s", check=False)
            except BedError:
                return False
            return f"Total votes:      {want}\n" in text and \
                "Quorate:          Yes" in text
        try:
            proc.wait_for(complete, CLUSTER_DEADLINE_S,
                          f"membership of {want} hosts", CLUSTER_POLL_S)
        except BedError as e:
            raise BedError(f"{h.name}: {e}\n"
                           f"{h.log_tail('corosync/corosync.log')}") from e

    def wait_cluster(self):
        """With fencing started: a test may pull a plug right after up."""
        first = next(iter(self.hosts.values()))
        seen = ["nothing"]
        fencing = [re.compile(f'id="{name}" [^>]*role="Started"')
                   for name in self.fence_resources]

        def formed():
            status, seen[0] = first.run("crm_mon", "-1", "--output-as=xml",
                                        check=False)
            return status == 0 and seen[0].count(' online="true"') == \
                len(self.hosts) and 'with_quorum="true"' in seen[0] and \
                seen[0].count(' pending="true"') == 0 and \
                all(f.search(seen[0]) for f in fencing)
        try:
            proc.wait_for(formed, CLUSTER_DEADLINE_S, "cluster formed",
                          CLUSTER_POLL_S)
        except BedError as e:
            raise BedError(f"{e}; {first.name} sees:\n{seen[0]}\n" + "\n".join(
                f"{h.name}:\n{h.log_tail('pacemaker/pacemaker.log')}"
                for h in self.hosts.values())) from e

    def power_on(self, name):
        target = self.host(name)
        target.boot()
        if self.has_cluster:
            target.start_all()

    def _keep_qemu_cache(self):
        source = f"{next(iter(self.hosts.values())).path}/cache-libvirt"
        if os.path.isdir(f"{source}/qemu/capabilities") and \
                not os.path.isdir(self.qemu_cache):
            tmp = f"{self.qemu_cache}.{os.getpid()}"
            shutil.copytree(source, tmp)
            try:
                os.rename(tmp, self.qemu_cache)
            except OSError:  # another bed was first
                shutil.rmtree(tmp)

    # -- faults -----------------------------------------------------------

    def chosen(self, name):
        return list(self.hosts.values()) if name == "all" else \
            [self.host(name)]

    def fault(self, name, store, rule):
        for h in self.chosen(name):
            for share in h.shares.faulty(store):
                share.fault(rule)

    def heal(self, name, store=None):
        for h in self.chosen(name):
            for share in h.shares.faulty(store):
                share.heal()

    def faults(self, name="all"):
        return [f"{h.name} {share.name} {line}" for h in self.chosen(name)
                for share in h.shares.faulty() for line in share.list()]

    def starve(self, name, percent):
        """percent None: enough again."""
        for h in self.chosen(name):
            with h.lock:
                if percent is None:
                    h.starve.clear()
                else:
                    h.live_pid()
                    h.starve.set(percent)

    def end(self):
        """Kills all hosts, says what it verified."""
        self.each(lambda h: h.power_off())
        self._keep_qemu_cache()
        left = [(h.name, pid) for h in self.hosts.values() if h.ns_fd
                for pid in h.processes()]
        if left:
            raise BedError(f"processes left: {left}")
        _, text = proc.command("ip", "-o", "link", "show", "type", "veth")
        if text.strip():
            raise BedError(f"cables left: {text}")
        return f"{len(self.hosts)} hosts off, no process and no cable left"

    def fence(self, request):
        """The switch that hosts see: on, off, status, list."""
        verb = request.get("verb")
        if self.fence_mode == "hang":
            self.ending.wait()
        if self.fence_mode != "ok":
            raise BedError("the fence device is out of order")
        if verb == "list":
            return list(self.hosts)
        target = self.host(request.get("host"))
        if verb == "off":
            with target.lock:
                boots = target.boots
                target.power_off()
            return {"boots": boots, "state": "off"}
        if verb == "on":
            if not target.is_on():
                target.boot()
                if self.has_cluster:
                    threading.Thread(target=self._start_quietly,
                                     args=(target,), daemon=True).start()
        elif verb != "status":
            raise BedError(f"unknown verb {verb!r}")
        # boots first: read after the state, it could belong to a later one.
        boots = target.boots
        return {"boots": boots, "state": "on" if target.is_on() else "off"}

    @staticmethod
    def _start_quietly(target):
        try:
            target.start_all()
        except BedError as e:
            print(f"{target.name}: after fencing: {e}", file=sys.stderr)

    def serve(self, owner):
        ctl = server.listen(self.dir, "ctl",
                            lambda r, p: server.dispatch(self, r, p))
        fence = server.listen(self.fence_dir, "sock",
                              lambda r, p: self.fence(r))
        wake_r, wake_w = os.pipe()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, lambda *_: self.ending.set())
        os.set_blocking(wake_w, False)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(wake_r, select.POLLIN)
        if owner:
            poller.register(owner, select.POLLIN)
        # Without end by design: until told, or the owner's pidfd is ready.
        while not self.ending.is_set():
            for fd, _ in poller.poll(500):
                if fd == owner:
                    self.ending.set()
        for listener in (ctl, fence):
            listener.shutdown()
        return self.end()


def parse():
    ap = argparse.ArgumentParser()
    ap.add_argument("--dir", required=True)
    ap.add_argument("--name", required=True)
    ap.add_argument("--stage")
    ap.add_argument("--hosts", type=int, default=3)
    ap.add_argument("--datastores", type=int, default=1)
    ap.add_argument("--token", type=int, default=1000)
    ap.add_argument("--heartbeat", type=int, default=0)
    ap.add_argument("--profile", default=DEFAULT_PROFILE)
    ap.add_argument("--vms", type=int)
    ap.add_argument("--fence", choices=config.FENCES)
    ap.add_argument("--fault-ds1", action="store_true")
    ap.add_argument("--owner", type=int)
    return ap.parse_args()


def main():
    args = parse()
    os.umask(0o022)
    lock = os.open(f"{args.dir}/lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    owner = os.pidfd_open(args.owner) if args.owner else None
    proc.unshare_net()
    start = time.monotonic()
    text = Supervisor(args).serve(owner)
    print(f"{text} after {time.monotonic() - start:.0f} s")
    # Threads of requests that still wait must not hold the process.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
