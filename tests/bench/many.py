#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hundreds of VMs on three hosts, one of which dies.

many.py [--vms N] [--repeat N] [--dc] [--fail N] [--old N] [--busy N]
[--stall S] [--json FILE] [SETUP...]: each setup has a bed
of its own. All VMs are configured in one update of the CIB and started; the
daemons' idle cost is measured; then a host loses its power, and what ran on it
is waited for. Prints when it was fenced, the last ticket granted and the last
VM started, how many versions of the CIB that took, and the daemons' CPU.

vmha      ocf:vmha:VirtualMachine with gates, priorities and the manager
ungated   the same resources without gates and manager: Pacemaker alone starts
          them, the VM list still is the lock
dummy     ocf:pacemaker:Dummy, fenced by the bed's switch: Pacemaker alone

--fail N: so many of the VMs that are lost fail their next start, once.
--old N: so many VMs have failed on two hosts before they run on the third.
--busy N: so many loops keep the machine busy from the death on.
--stall S: once a start has failed, Pacemaker's scheduler stands still for so
long, as where the coordinator is starved.

The hypervisor is a dummy (hv_dummy.c): a process for each VM, and no guest.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.abspath(f"{HERE}/../cluster")]
import many_watch  # noqa: E402
import setting  # noqa: E402
from bed import Bed, BedError, Cluster, wait_for  # noqa: E402
from many_watch import Costs, Log  # noqa: E402

HOSTS = 3
HEARTBEATS = 3
ROOM = 512  # VMs a host, of the heartbeat datastores
SETUPS = {"vmha": "gates, priorities, manager",
          "ungated": "VirtualMachine without gates and manager",
          "dummy": "ocf:pacemaker:Dummy"}
PRIORITIES = ("high", "medium", "medium", "medium", "low")
# The machine is shared and small: Pacemaker's own throttle, which looks at the
# load, would measure that. Each setup has the same.
# No probes: three results of each VM would make the first start last minutes.
PROPERTIES = ("property batch-limit=200 node-action-limit=8 "
              "enable-startup-probes=false cluster-ipc-limit=10000 "
              "load-threshold=1000% stonith-max-attempts=INFINITY "
              "pe-input-series-max=10 pe-warn-series-max=10\n"
              "rsc_defaults rsc-options: resource-stickiness=100\n")
MANAGER = ("primitive fdm ocf:vmha:FaultDomain meta requires=quorum "
           "op monitor interval=60s timeout=60s op start timeout=60s "
           "op stop timeout=60s\n"
           "clone fault-domain fdm meta interleave=true\n")
OPS = (("monitor", 'interval="3600s" timeout="120s"'),
       ("start", 'interval="0s" timeout="240s"'),
       ("stop", 'interval="0s" timeout="120s"'))
MASTER_DEADLINE_S = 60
OPEN_DEADLINE_S = 90
IDLE_S = 60
QUIET_S = 8         # the cluster is at rest: nothing begun for so long
START_S_PER_VM = 1.5
DEADLINE_S = 120    # and beside that
POLL_S = 0.5
PROGRESS_S = 10
WHY_MAX = 5


class Failed(Exception):
    """The measurement can't be believed."""


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Many:
    """One bed with that many VMs."""

    def __init__(self, setup, count, folder, profile):
        self.setup = setup
        self.vms = {f"vm{i:04}": str(uuid.uuid4()) for i in range(count)}
        self.bed = Bed(
            f"many-{setup}", HOSTS, folder=folder, profile=profile,
            stage=os.environ["MANY_STAGE"], heartbeat=HEARTBEATS, vms=ROOM,
            fence="bed" if setup == "dummy" else "vmha")
        self.cluster = Cluster(self.bed)
        self.log = None

    def deadline_s(self):
        return DEADLINE_S + START_S_PER_VM * len(self.vms)

    def status(self, host):
        done = self.bed.run(host, "vmha", "status", "--json", check=False)
        return json.loads(done.stdout) if done.stdout else {}

    def has_master(self):
        return any("master" in h["flags"] and h["state"] == "live"
                   for h in self.status("h1").get("hosts", []))

    def up(self):
        self.bed.up()
        self.log = Log(self.bed)
        self.cluster.configure("h1", PROPERTIES + (
            MANAGER if self.setup == "vmha" else ""))
        if self.setup == "vmha":
            wait_for(self.has_master, MASTER_DEADLINE_S, "a master")
        if self.setup != "dummy":
            for host in self.bed.hosts:
                wait_for(lambda h=host: self.status(h).get("self") and
                         not self.status(h)["self"]["sealed"],
                         OPEN_DEADLINE_S, f"the end of the seal of {host}")

    # -- the VMs ------------------------------------------------------------

    def primitive(self, index, name):
        agent = 'provider="pacemaker" type="Dummy"'
        params = ""
        if self.setup != "dummy":
            agent = 'provider="vmha" type="VirtualMachine"'
            pairs = {"config": f"/srv/config/{name}.xml",
                     "uuid": self.vms[name]}
            if self.setup == "vmha":
                pairs["restart_priority"] = PRIORITIES[index %
                                                       len(PRIORITIES)]
            params = f'<instance_attributes id="{name}-p">' + "".join(
                f'<nvpair id="{name}-p-{k}" name="{k}" value="{v}"/>'
                for k, v in pairs.items()) + "</instance_attributes>"
        ops = "".join(f'<op id="{name}-{op}" name="{op}" {rest}/>'
                      for op, rest in OPS)
        return (f'<primitive id="{name}" class="ocf" {agent}>{params}'
                f"<operations>{ops}</operations></primitive>")

    def configure(self):
        """All of them, with their gates, in one update."""
        folder = self.bed.shared("config")
        for name, ident in self.vms.items():
            with open(f"{folder}/{name}.xml", "w", encoding="utf-8") as f:
                f.write(f"<domain type='qemu'><name>{name}</name>"
                        f"<uuid>{ident}</uuid><memory>1024</memory>"
                        "<os><type>hvm</type></os></domain>\n")
        gates = "".join(
            f'<rsc_ticket id="vmha-gate-{name}" rsc="{name}" '
            f'ticket="vmha-{name}" loss-policy="freeze"/>'
            for name in self.vms) if self.setup == "vmha" else ""
        text = ("<cib><configuration><resources>" + "".join(
            self.primitive(i, n) for i, n in enumerate(self.vms)) +
            f"</resources><constraints>{gates}</constraints>"
            "</configuration></cib>")
        self.bed.run("h1", "cibadmin", "--modify", "--allow-create",
                     "--xml-pipe", stdin=text, deadline_s=DEADLINE_S)

    def wait_starts(self, names, since, what):
        """Until each has been started since then: {name: (when, host)}."""
        end = time.monotonic() + self.deadline_s()
        told = time.monotonic()
        found = {}
        while len(found) < len(names):
            time.sleep(POLL_S)
            found = {n: s for n, s in self.log.started(since).items()
                     if n in names}
            now = time.monotonic()
            if now > end:
                missing = sorted(set(names) - set(found))
                self.tell_why(missing)
                raise Failed(f"{what}: {len(missing)} of {len(names)} VMs do "
                             f"not run: {', '.join(missing[:5])} ...")
            if now > told + PROGRESS_S:
                told = now
                failed = self.log.failed(since)
                say(f"  {what}: {len(found)} of {len(names)}" +
                    (f", {len(failed)} starts failed, the last: {failed[-1]}"
                     if failed else ""))
        return found

    def version(self):
        """(admin_epoch, epoch, num_updates), as one host has it."""
        done = self.bed.run(self.cluster.any_host(), "cibadmin", "--query",
                            "--local", "--xpath", "/cib", "--no-children")
        root = ET.fromstring(done.stdout)
        return tuple(int(root.get(k)) for k in
                     ("admin_epoch", "epoch", "num_updates"))

    def settle(self):
        """Until the CIB has not changed for a while."""
        end = time.monotonic() + self.deadline_s()
        last, since = None, time.monotonic()
        while time.monotonic() < since + QUIET_S:
            if time.monotonic() > end:
                raise Failed("the cluster does not come to rest")
            now = self.version()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(1)
        return last

    def check_alone(self, hosts):
        """Each VM has exactly one process, on a host that lives."""
        if self.setup == "dummy":
            return
        seen = many_watch.processes(self.bed)
        wrong = [n for n, u in self.vms.items()
                 if len(seen.get(u, [])) != 1 or seen[u][0] not in hosts]
        if wrong:
            raise Failed(f"{len(wrong)} VMs do not run exactly once: " +
                         ", ".join(f"{n} on {seen.get(self.vms[n], [])}"
                                   for n in wrong[:5]))

    def tickets_left(self, host):
        """Tickets that are not granted."""
        done = self.bed.run(host, "cibadmin", "--query", "--local", "--xpath",
                            "//tickets", check=False)
        if self.setup != "vmha":
            return 0
        granted = sum(t.get("granted") == "true" for t in
                      ET.fromstring(done.stdout).iter("ticket_state"))
        return len(self.vms) - granted

    def tell_why(self, names):
        """What the cluster says of VMs that do not run, for whoever asks."""
        host = self.cluster.any_host()
        for name in names[:WHY_MAX]:
            for argv in (("vmha", "why", name),
                         ("crm_resource", "--resource", name,
                          "--list-all-operations")):
                done = self.bed.run(host, *argv, check=False)
                for line in (done.stdout + done.stderr).splitlines():
                    say(f"    {name}: {line}")

    def tell_to_fail(self, names, end="fail"):
        """hv_dummy.c looks for these files."""
        for name in names:
            with open(f"{self.bed.shared('config')}/{name}.{end}", "wb"):
                pass

    # -- the story ------------------------------------------------------------

    def start_all(self, old):
        """So many of them fail on two hosts first, and run on the third."""
        begun = time.monotonic()
        before = self.version()
        for end in ("fail", "fail2"):
            self.tell_to_fail(list(self.vms)[:old], end)
        self.configure()
        first = self.wait_starts(self.vms, begun, "first start")
        took_s = max(at for at, _ in first.values()) - begun
        after = self.settle()
        self.check_alone(self.bed.hosts)
        say(f"  {len(first)} VMs run, {took_s:.0f} s")
        return {"first_start_s": took_s,
                "first_start_updates": after[2] - before[2]
                if after[:2] == before[:2] else after[2]}

    def idle(self):
        say(f"  idle for {IDLE_S} s")
        costs = Costs(self.bed)
        before, version = costs.sample(), self.version()
        time.sleep(IDLE_S)
        after = costs.sample()
        return {"idle_percent": costs.percent(before, after),
                "memory_mib": costs.memory(),
                "idle_updates": self.version()[2] - version[2]}

    def kill(self, args):
        """The host dies; the rest is what follows from that."""
        dc = self.cluster.state().dc
        others = [h for h in self.bed.hosts if h != dc]
        victim = dc if args.dc else others[-1]
        left = [h for h in self.bed.hosts if h != victim]
        # The manager has an instance there as well, which nobody restarts.
        lost = [n for n, (_, h) in self.log.started(0).items()
                if h == victim and n in self.vms]
        # Not the first ones alone: of all priorities, of all waves.
        # With a stall, the very last: nothing else is under way then.
        told = [] if not args.fail else lost[-args.fail:] if args.stall \
            else lost[::max(1, len(lost) // args.fail)][:args.fail]
        self.tell_to_fail(told)
        version = self.version()
        costs = Costs(self.bed, left)
        before = costs.sample()
        zero = time.monotonic()
        say(f"  power of {victim} fails: {len(lost)} VMs (coordinator {dc})")
        self.bed.poweroff(victim)
        costs.watch()
        stall = many_watch.Stall(costs, args.stall,
                                 lambda: self.log.failed(zero))
        try:
            again = self.wait_starts(lost, zero, "restart")
            last = max(at for at, _ in again.values())
            time.sleep(max(0, last + 1 - time.monotonic()))
            after = costs.sample()
        finally:
            stall.end()
            peak = costs.end()
        end = self.settle()
        self.check_alone(left)
        waiting = self.tickets_left(left[0])
        if waiting:
            raise Failed(f"{waiting} tickets are not granted at the end")
        fenced = self.log.first(r"fencing result: \S+ " + victim + " OK|"
                                rf"fencing result: {victim} \S+ OK", zero)
        if fenced is None:
            raise Failed("no trace of a fencing that succeeded")
        written = self.log.all(r"tickets: (\d+)", zero)
        return {
            "victim": victim, "was_dc": args.dc, "lost": len(lost),
            "fenced_s": fenced - zero,
            "first_started_s": min(a for a, _ in again.values()) - fenced,
            "last_ticket_s": written[-1][0] - fenced if written else None,
            "last_started_s": last - fenced,
            "ticket_updates": len(written),
            "starts_failed": len(self.log.failed(zero)),
            "kept_back": sum(int(m[1]) for _, m in
                             self.log.all(r"kept back: (\d+)", zero)),
            "updates": end[2] - version[2] if end[:2] == version[:2]
            else end[2],
            "seconds": last - zero,
            "cpu_s": costs.seconds(before, after),
            "peak_percent": peak, "memory_after_mib": costs.memory(),
        }


class Busy:
    """Loops that do nothing, each a process."""

    def __init__(self, count):
        self.count = count
        self.loops = []

    def __enter__(self):
        self.loops = [subprocess.Popen([sys.executable, "-c",
                                        "while True: pass"])
                      for _ in range(self.count)]

    def __exit__(self, *_):
        for loop in self.loops:
            loop.kill()
            loop.wait()


def measure(setup, args, number):
    load = os.getloadavg()[0]
    print(f"\n== {setup}: {SETUPS[setup]}; {args.vms} VMs, run {number}, load "
          f"{load:.1f}", flush=True)
    many = Many(setup, args.vms, f"{setting.ram_folder()}/many-{setup}",
                args.profile)
    try:
        many.up()
        say("  bed is up")
        result = {"setup": setup, "vms": args.vms, "load": [load]}
        result.update(many.start_all(args.old))
        if args.idle:
            result.update(many.idle())
        with Busy(args.busy):
            result.update(many.kill(args))
        result["load"].append(os.getloadavg()[0])
        return result
    finally:
        if many.log:
            many.log.keep(f"{setting.build_dir()}/bench/many-{setup}.log")
        many.bed.down()


def row(text, values):
    print(f"  {text:46}" + "".join(f"{v:>12}" for v in values))


def shown(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


ROWS = (("VMs on the host that died", "lost", 0),
        ("all VMs started the first time, s", "first_start_s", 0),
        ("  versions of the CIB", "first_start_updates", 0),
        ("death to fenced, s", "fenced_s", 1),
        ("fenced to the first VM started, s", "first_started_s", 1),
        ("fenced to the last ticket granted, s", "last_ticket_s", 1),
        ("fenced to the last VM started, s", "last_started_s", 1),
        ("starts that failed, and were tried again", "starts_failed", 0),
        ("updates of the CIB by vmha-fdmd", "ticket_updates", 0),
        ("versions of the CIB until rest", "updates", 0))


def greatest(result, key, daemon):
    """Of all hosts."""
    values = [v for (_, d), v in
              many_watch.unfold(result.get(key, {})) if d == daemon]
    return max(values) if values else None


def report(results):
    """All setups side by side: medians of their runs."""
    chosen = {}
    for one in results:
        chosen.setdefault(one["setup"], []).append(one)
    print(f"\nmedians of {min(map(len, chosen.values()))} to "
          f"{max(map(len, chosen.values()))} runs")
    row("", chosen)

    def median(runs, value):
        found = [v for v in map(value, runs) if v is not None]
        return statistics.median(found) if found else None
    for text, key, digits in ROWS:
        row(text, [shown(median(runs, lambda r, k=key: r[k]), digits)
                   for runs in chosen.values()])
    for text, key in (("idle: CPU of one core, %", "idle_percent"),
                      ("death to last start: CPU, s", "cpu_s"),
                      ("  greatest second, % of one core", "peak_percent"),
                      ("resident memory at rest, MiB", "memory_mib"),
                      ("  after the restart, greatest ever",
                       "memory_after_mib")):
        print(f"  {text} (the host with most)")
        for daemon in many_watch.DAEMONS:
            row(f"    {daemon}",
                [shown(median(runs, lambda r, k=key, d=daemon:
                              greatest(r, k, d)), 2)
                 for runs in chosen.values()])


def end_well(signum, _):
    """The bed is taken down, and the logs are kept."""
    raise Failed(f"ended by signal {signum}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vms", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--dc", action="store_true",
                        help="the coordinator's host is the one that dies")
    parser.add_argument("--fail", type=int, default=0, metavar="N",
                        help="so many starts fail, once")
    parser.add_argument("--old", type=int, default=0, metavar="N",
                        help="so many have failed on two hosts before")
    parser.add_argument("--stall", type=float, default=0, metavar="S",
                        help="the scheduler stands still for so long")
    parser.add_argument("--busy", type=int, default=0, metavar="N",
                        help="so many busy loops beside it")
    parser.add_argument("--no-idle", dest="idle", action="store_false",
                        help="leave the idle minute out")
    parser.add_argument("--json", metavar="FILE", help="figures go here too")
    parser.add_argument("setup", nargs="*", help=", ".join(SETUPS))
    args = parser.parse_args()
    setups = args.setup or ["vmha", "dummy"]
    for setup in setups:
        if setup not in SETUPS:
            parser.error(f"no setup {setup!r}; there are {', '.join(SETUPS)}")
    setting.ram_folder()
    signal.signal(signal.SIGTERM, end_well)
    results, failed = [], 0
    for number in range(1, args.repeat + 1):
        for setup in setups:
            try:
                results.append(measure(setup, args, number))
            except (BedError, Failed) as e:
                print(f"WRONG: {setup}, run {number}: {e}", flush=True)
                failed += 1
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    if results:
        report(results)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
