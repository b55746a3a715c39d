#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What monitor costs: ocf:vmha:VirtualMachine beside ocf:heartbeat:VirtualDomain.

Both watch the same running domain on a host of the test bed that runs a real
cluster, since VirtualDomain asks and writes the CIB in its defaults. All
commands are run interleaved, so that a busy moment of the machine hits each of
them. Prints a table and the goals, and writes everything as JSON.
"""
import argparse
import collections
import datetime
import json
import os
import platform
import re
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.abspath(f"{HERE}/../agents/virtual_machine"))
import bedhost  # noqa: E402
from bed.client import Bed  # noqa: E402
from bed.cluster import Cluster  # noqa: E402

HEARTBEAT = "/usr/lib/ocf/resource.d/heartbeat/VirtualDomain"
PLAN = "/run/bench-plan"
RUNNER, FLOOR, FLOOR_LIBS = ("/run/bench-runner", "/run/bench-floor",
                             "/run/bench-floor-libs")
RUN_DEADLINE_S = 1200
TIMEOUT_CODE = -1000
DAEMONS = ("libvirtd", "pacemaker-based", "pacemaker-controld",
           "pacemaker-schedulerd", "pacemaker-attrd")
# The three attributes that VirtualDomain keeps in the CIB unless told not to.
NO_AUTOSET = {f"autoset_utilization_{what}": "false"
              for what in ("cpu", "host_memory", "hv_memory")}
TUNED = {**NO_AUTOSET, "hypervisor": "qemu:///system"}

# What must hold: how many times less CPU, and how much above an empty program.
GOAL_DEFAULTS_RATIO = 100
GOAL_NO_AUTOSET_RATIO = 30
GOAL_ABOVE_LIBC_MS = 0.5

OURS, OURS_META = "vmha VirtualMachine", "vmha VirtualMachine meta-data"
VD, VD_OFF = "VirtualDomain, defaults", "VirtualDomain, autoset off"
VD_TUNED = "VirtualDomain, autoset off, hypervisor set"
VD_META = "VirtualDomain meta-data"
LIBC, LIBS = "empty program, libc", "empty program, libc+expat+jansson"

Run = collections.namedtuple("Run", "code wall_ms cpu_ms daemons_ms")
Command = collections.namedtuple("Command", "label runs timeout_s env argv")


class Bench:
    def __init__(self, host, vm, args):
        self.host = host
        self.vm = vm
        self.args = args
        for source, target in ((args.runner, RUNNER), (args.floor, FLOOR),
                               (args.floor_libs, FLOOR_LIBS)):
            with open(source, "rb") as f:
                data = f.read()
            with open(host.path(target), "wb") as f:
                os.fchmod(f.fileno(), 0o755)
                f.write(data)

    # -- commands ------------------------------------------------------------

    def ours(self, label, runs, action="monitor"):
        env = self.vm.env(action, interval_ms=10000, timeout_ms=30000)
        return Command(label, runs, self.args.timeout, env,
                       [bedhost.AGENT, action])

    def heartbeat(self, label, runs, params=None, action="monitor"):
        env = self.vm.env(action, interval_ms=10000, timeout_ms=30000,
                          instance="vd", params=params)
        env.update(OCF_RESOURCE_TYPE="VirtualDomain",
                   OCF_RESOURCE_PROVIDER="heartbeat")
        return Command(label, runs, self.args.timeout, env,
                       [HEARTBEAT, action])

    def floor(self, label, runs, path):
        return Command(label, runs, self.args.timeout, {}, [path])

    # -- measuring -------------------------------------------------------------

    def measure(self, commands):
        """Runs them interleaved: {label: [Run]}."""
        fields = []
        for c in commands:
            env = [f"{k}={v}" for k, v in sorted(c.env.items())]
            fields += [c.label, c.runs, int(c.timeout_s * 1000), len(env),
                       *env, len(c.argv), *c.argv]
        self.host.write(PLAN, "".join(f"{f}\0" for f in fields))
        pids = []
        for name in DAEMONS:
            pids += self.host.run("pidof", name, check=False).stdout.split()
        done = self.host.run(RUNNER, PLAN, *pids, deadline_s=RUN_DEADLINE_S)
        runs = collections.defaultdict(list)
        for line in done.stdout.splitlines():
            label, code, wall, cpu, daemons = line.split("\t")
            runs[label].append(Run(int(code), int(wall) / 1000,
                                   int(cpu) / 1000, int(daemons) / 1000))
        return runs

    def count(self, command):
        """Programs and processes that one run starts, by strace."""
        trace = "/run/bench-trace"
        self.host.run("strace", "-f", "-qq", "-o", trace, "-e",
                      "trace=execve,fork,vfork,clone,clone3", *command.argv,
                      env=command.env, check=False)
        execs = forks = 0
        threads = set()  # processes with a clone() of a thread under way
        for line in self.host.read(trace).splitlines():
            pid = line.split()[0]
            if "CLONE_THREAD" in line:
                threads.add(pid)
            if not re.search(r" = \d+$", line):
                continue
            if "execve" in line:
                execs += line.endswith(" = 0")
            elif pid in threads:
                threads.discard(pid)
            else:
                forks += 1
        return {"execs": execs, "forks": forks}


def figures(runs, counts=None):
    """What is kept of all runs of a command."""
    def middle(what):
        return statistics.median(getattr(r, what) for r in runs)
    codes = collections.Counter(r.code for r in runs)
    wall = sorted(r.wall_ms for r in runs)
    return {"runs": len(runs), "cpu_ms": round(middle("cpu_ms"), 3),
            "wall_ms": round(middle("wall_ms"), 3),
            "wall_p95_ms": round(wall[int(0.95 * (len(wall) - 1))], 3),
            "daemons_ms": round(middle("daemons_ms"), 3),
            "codes": {str(c): n for c, n in sorted(codes.items())},
            **(counts or {})}


def measure_running(bench):
    fast, slow = bench.args.runs, bench.args.slow_runs
    commands = [bench.ours(OURS, fast), bench.heartbeat(VD, slow),
                bench.heartbeat(VD_OFF, slow, NO_AUTOSET),
                bench.heartbeat(VD_TUNED, slow, TUNED),
                bench.floor(LIBC, fast, FLOOR),
                bench.floor(LIBS, fast, FLOOR_LIBS)]
    # The first run writes attributes and state files; that is not steady.
    bench.measure([c._replace(runs=1) for c in commands])
    counts = {c.label: bench.count(c) for c in commands}
    runs = bench.measure(commands)
    return {c.label: figures(runs[c.label], counts[c.label])
            for c in commands}


def measure_trouble(bench):
    """libvirtd dead, or stopped: VirtualDomain is ended at its timeout."""
    few = bench.args.trouble_runs
    commands = [bench.ours(OURS, bench.args.slow_runs),
                bench.heartbeat(VD, few),
                bench.heartbeat(VD_OFF, few, NO_AUTOSET)]
    runs = bench.measure(commands)
    return {label: figures(r) for label, r in runs.items()}


def measure_all(bench):
    result = {"running": measure_running(bench)}
    commands = [bench.ours(OURS_META, bench.args.slow_runs, "meta-data"),
                bench.heartbeat(VD_META, bench.args.slow_runs,
                                action="meta-data")]
    runs = bench.measure(commands)
    result["meta-data"] = {label: figures(r) for label, r in runs.items()}
    host = bench.host
    host.kill_libvirtd()
    result["libvirtd dead"] = measure_trouble(bench)
    host.heal_libvirtd()
    host.freeze_libvirtd()
    result["libvirtd stopped by SIGSTOP"] = measure_trouble(bench)
    host.thaw_libvirtd()
    return result


def judge(result):
    """[(goal, measured, is met)]."""
    run = result["running"]
    ours = run[OURS]["cpu_ms"]
    rows = []
    for label, goal in ((VD, GOAL_DEFAULTS_RATIO),
                        (VD_OFF, GOAL_NO_AUTOSET_RATIO)):
        ratio = run[label]["cpu_ms"] / ours
        rows.append((f"at least {goal} times less CPU than {label}",
                     f"{ratio:.0f} times", ratio >= goal))
    above = ours - run[LIBC]["cpu_ms"]
    rows.append((f"at most {GOAL_ABOVE_LIBC_MS} ms CPU above an empty program",
                 f"{above:.2f} ms", above <= GOAL_ABOVE_LIBC_MS))
    return rows


def machine(host):
    def first(*cmd):
        done = host.run(*cmd, check=False)
        return (done.stdout or done.stderr).splitlines()[0].strip()
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return {
        "date": datetime.datetime.now().astimezone().isoformat("T", "seconds"),
        "machine": f"{model.group(1) if model else platform.machine()}, "
                   f"{os.cpu_count()} CPUs, Linux {platform.release()}, "
                   f"load {os.getloadavg()[0]:.1f}",
        "libvirt": first("libvirtd", "--version"),
        "qemu": first("qemu-system-x86_64", "--version"),
        "pacemaker": first("pacemakerd", "--version"),
        "resource-agents": first("sh", "-c",
                                 "dpkg-query -W -f '${Version}\\n' "
                                 "resource-agents 2>/dev/null || "
                                 "rpm -q resource-agents"),
    }


def show(report):
    for key, value in report["machine"].items():
        print(f"{key + ':':17}{value}")
    for case, rows in report["cases"].items():
        print(f"\nmonitor, {case}" if case != "meta-data" else "\nmeta-data")
        print(f"  {'':44}{'runs':>5}{'CPU ms':>9}{'ratio':>7}{'wall ms':>10}"
              f"{'p95':>9}{'daemons':>9}{'execs':>6}{'forks':>6}  exit codes")
        base = next(iter(rows.values()))["cpu_ms"]
        for label, row in rows.items():
            codes = ", ".join(
                ("timeout" if int(code) == TIMEOUT_CODE else code)
                + (f" ({n}x)" if len(row["codes"]) > 1 else "")
                for code, n in row["codes"].items())
            print(f"  {label:44}{row['runs']:>5}{row['cpu_ms']:>9.2f}"
                  f"{row['cpu_ms'] / base:>7.1f}{row['wall_ms']:>10.2f}"
                  f"{row['wall_p95_ms']:>9.2f}{row['daemons_ms']:>9.2f}"
                  f"{row.get('execs', ''):>6}{row.get('forks', ''):>6}"
                  f"  {codes}")
    print("\nCPU: user + system of the whole process tree; daemons: what "
          "libvirtd and Pacemaker's\ndaemons spend on it meanwhile; medians. "
          "ratio: CPU, to the first line.")
    for goal, measured, is_met in report["goals"]:
        print(f"{'met   ' if is_met else 'MISSED'}  {goal}: {measured}")


def prepare(bed, args):
    host = bedhost.BedHost(bed, args.nano)
    cluster = Cluster(bed)
    vm = bedhost.VM(host, "bench")
    vm.start(timeout_ms=60000)
    vm.wait_boots(1)
    # Known to the CIB, or crm_resource has nothing to ask about; unmanaged,
    # so that the cluster looks once and leaves the machine to the bench.
    cluster.configure(bedhost.HOST,
                      "primitive vd ocf:heartbeat:VirtualDomain params "
                      f"config={vm.config} meta is-managed=false\n")
    cluster.wait(lambda s: s.node_of("vd"), 60, "the probe of vd")
    return host, vm


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--stage", required=True)
    ap.add_argument("--nano", required=True)
    ap.add_argument("--runner", required=True)
    ap.add_argument("--floor", required=True)
    ap.add_argument("--floor-libs", required=True)
    ap.add_argument("--json", required=True)
    ap.add_argument("--hosts", type=int, default=1)
    ap.add_argument("--runs", type=int, default=200,
                    help="of what takes a millisecond")
    ap.add_argument("--slow-runs", type=int, default=20,
                    help="of what takes a tenth of a second")
    ap.add_argument("--trouble-runs", type=int, default=1,
                    help="of what may last until the timeout")
    ap.add_argument("--timeout", type=float, default=30, metavar="S")
    return ap.parse_args()


def main():
    args = parse_args()
    if os.geteuid() != 0:
        print("bench: needs root for the test bed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="vmha-bench.") as folder:
        bed = Bed("bench", hosts=args.hosts, folder=f"{folder}/bed",
                  stage=args.stage)
        try:
            host, vm = prepare(bed, args)
            result = measure_all(Bench(host, vm, args))
            report = {"machine": machine(host), "cases": result,
                      "goals": judge(result)}
        finally:
            bed.down()
    os.makedirs(os.path.dirname(os.path.abspath(args.json)), exist_ok=True)
    with open(args.json, "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1)
    show(report)
    return 0 if all(is_met for *_, is_met in report["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
