#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the storage heartbeat costs: vmha-heartbeatd, and fence_vmha.

Three hosts of the test bed beat on three areas with 64 slots and 64 host
names, on the machine's own file system (no FUSE in between). The daemon of h1
is watched from outside for a while, and beside it runs, at the same pace, a
loop that does nothing but write one block and read all slots. fence_vmha and
fence_sbd are then run in turn, as often as given. Prints tables and goals,
writes JSON.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.abspath(f"{HERE}/../cluster")]
import bench  # noqa: E402
import sbd  # noqa: E402
from bed import proc  # noqa: E402
from bed.client import Bed  # noqa: E402

HOSTS = 3
SLOTS = 64
BLOCK_KIB = 4
STORES = [f"/srv/ds1/beat{i}.hb" for i in (1, 2, 3)]
CONF_PATH = "/etc/vmha/vmha.conf"
CONF = f"[heartbeat]\ndatastores={';'.join(STORES)}\nwatchdog=/dev/watchdog\n"
BEAT_MS = {"fast": 500, "standard": 1000}
FLOOR_PATH = "/srv/ds1/floor.bin"
BEAT_FLOOR = "/run/bench-beat-floor"
SETTLE_S = 3
START_MARGIN_S = 20
SBD_DISK_BYTES = 4 << 20

# fence_vmha, its waiting apart: a poll of the daemon costs nothing to speak of.
GOAL_FENCE_CPU_MS = 5.0
OFF_WAITING = "fence_vmha off, waits for the proof"
OFF_PROVEN = "fence_vmha off, proven before"
EMPTY = "empty program, libc"


class Host:
    """One host as bench.Bench wants it."""

    def __init__(self, bed, name):
        self.bed = bed
        self.name = name
        self.pid = bed.ask("pid", host=name)

    def path(self, path):
        return f"/proc/{self.pid}/root{path}"

    def write(self, path, text):
        self.bed.write(self.name, path, text)

    def run(self, *cmd, check=True, deadline_s=60):
        return self.bed.run(self.name, *cmd, check=check,
                            deadline_s=deadline_s)

    def pid_of(self, program):
        inode = proc.namespace(self.pid, "pid")
        return next(p for p in proc.in_namespace("pid", inode)
                    if proc.argv0(p) == program)


def fields(path):
    """"Name: 12 kB" and "Name: 12" lines as numbers."""
    with open(path, encoding="ascii", errors="replace") as f:
        return {m[1]: int(m[2]) for m in
                re.finditer(r"^(\w+):\s+(\d+)", f.read(), re.M)}


class Sample:
    """All that the kernel knows of a daemon, thread by thread."""

    def __init__(self, pid):
        self.at = time.monotonic()
        self.threads = []
        for tid in sorted(int(t) for t in os.listdir(f"/proc/{pid}/task")):
            status = fields(f"/proc/{pid}/task/{tid}/status")
            with open(f"/proc/{pid}/task/{tid}/schedstat",
                      encoding="ascii") as f:
                cpu_ns = int(f.read().split()[0])
            self.threads.append((cpu_ns,
                                 status["voluntary_ctxt_switches"] +
                                 status["nonvoluntary_ctxt_switches"]))
        self.io = fields(f"/proc/{pid}/io")
        self.memory = fields(f"/proc/{pid}/status")


def beats(host):
    """Beats written so far on all datastores."""
    status = json.loads(host.run("vmha", "heartbeat", "status", "--json",
                                 check=False).stdout)
    return sum(s["beats"] for s in status["stores"])


def daemon_cost(host, profile, seconds):
    """The daemon of a host, beside the floor, over so many seconds."""
    pid = host.pid_of("vmha-heartbeatd")
    rounds = seconds * 1000 // BEAT_MS[profile]
    with subprocess.Popen(
            host.bed.argv(host.name, BEAT_FLOOR, FLOOR_PATH, str(SLOTS),
                          str(BEAT_MS[profile]), str(rounds)),
            env=proc.host_env(), stdout=subprocess.PIPE, text=True) as floor:
        # Between two questions, which cost the daemon something as well.
        begin = beats(host)
        before = Sample(pid)
        time.sleep(seconds)
        after = Sample(pid)
        end = beats(host)
        text = floor.communicate(timeout=seconds + START_MARGIN_S)[0]
    _, cpu_us, write_us, read_us, switches = map(float, text.split())
    count = (after.at - before.at) * 1000 / BEAT_MS[profile]
    each = [((b[0] - a[0]) / 1000 / count, (b[1] - a[1]) / count)
            for a, b in zip(before.threads, after.threads)]
    stores = each[1:1 + len(STORES)]
    took_s = after.at - before.at
    return {
        "beats": round(count), "beats_written": end - begin,
        "main_us": each[0][0], "pet_us": each[-1][0],
        "store_us": sum(u for u, _ in stores) / len(stores),
        "all_us": sum(u for u, _ in each),
        "switches": sum(s for _, s in each),
        "store_switches": sum(s for _, s in stores) / len(stores),
        "cpu_percent": sum(u for u, _ in each) * count / took_s / 1e4,
        "written_kib_s":
            (after.io["write_bytes"] - before.io["write_bytes"]) / 1024 /
            took_s,
        "read_kib_s":
            (after.io["read_bytes"] - before.io["read_bytes"]) / 1024 /
            took_s,
        "locked_kib": after.memory["VmLck"], "rss_kib": after.memory["VmRSS"],
        "floor_us": cpu_us, "floor_switches": switches,
        "floor_write_us": write_us, "floor_read_us": read_us,
        "ratio": sum(u for u, _ in stores) / len(stores) / cpu_us,
        "load": os.getloadavg()[0],
    }


class BeatBed(Bed):
    """Three hosts with corosync, a watchdog and the daemon; no Pacemaker."""

    def __init__(self, profile, folder, stage):
        super().__init__(f"beats-{profile}", hosts=HOSTS, folder=folder,
                         stage=stage, heartbeat=1, profile=profile,
                         fence="bed", cluster=False)

    def up(self):
        super().up()
        for host in self.hosts:
            self.start(host, "corosync")
        names = self.hosts + [f"x{i}" for i in range(HOSTS + 1, SLOTS + 1)]
        self.run("h1", "vmha", "heartbeat", "create", "--profile",
                 self.profile, "--slots", str(SLOTS), "--hosts",
                 ",".join(names), "--force", *STORES)
        for host in self.hosts:
            self.write(host, CONF_PATH, CONF)
            self.start(host, "heartbeatd")
        time.sleep(SETTLE_S)


def fence_commands(tool, disk, args):
    """What is compared, as commands of bench.py."""
    def command(label, runs, *argv):
        return bench.Command(label, runs, args.timeout, {}, argv)
    many, few = args.runs, args.slow_runs
    rows = [command("fence_vmha monitor", many, tool, "-o", "monitor"),
            command("fence_vmha status of a live host", many, tool, "-o",
                    "status", "-n", "h2"),
            command(OFF_PROVEN, many, tool, "-o", "off", "-n", "h3"),
            command("fence_vmha metadata", many, tool, "-o", "metadata")]
    if disk:
        rows += [command(f"fence_sbd {what}", few, "/usr/sbin/fence_sbd", "-o",
                         what, f"--devices={disk}")
                 for what in ("monitor", "metadata")]
    return rows + [command(EMPTY, many, bench.FLOOR)]


def fence_cost(bed, host, args, disk):
    """h3 dies; the fence agent waits for the proof once, then knows."""
    tool = "/usr/sbin/fence_vmha"
    meter = bench.Bench(host, None, args)
    found = {}
    bed.poweroff("h3")
    waiting = [bench.Command(OFF_WAITING, 1, args.timeout, {},
                             [tool, "-o", "off", "-n", "h3"])]
    if disk:
        waiting.append(bench.Command(
            "fence_sbd off, waits msgwait", 1, args.timeout, {},
            ["/usr/sbin/fence_sbd", "-o", "off", "-n", "h3",
             f"--devices={disk}"]))
    for commands in (waiting, fence_commands(tool, disk, args)):
        for label, runs in meter.measure(commands).items():
            found[label] = bench.figures(runs)
    return found


def with_sbd_disk(function):
    """A loop device with sbd's header and a slot of h3, None without sbd."""
    if not sbd.is_there():
        return function(None)
    with tempfile.NamedTemporaryFile(prefix="vmha-bench-sbd.") as f:
        f.truncate(SBD_DISK_BYTES)
        disk = sbd.losetup("--find", "--show", f.name)
        try:
            for words in (["create"], ["allocate", "h3"]):
                proc.command("sbd", "-d", disk, *words)
            return function(disk)
        finally:
            sbd.losetup("--detach", disk)


def measure(profile, folder, args, is_last):
    """One bed: the daemon's cost, and once the fence agents'."""
    bed = BeatBed(profile, f"{folder}/{profile}", args.stage)
    with bed:
        host = Host(bed, "h1")
        with open(args.beat_floor, "rb") as f:
            data = f.read()
        with open(host.path(BEAT_FLOOR), "wb") as f:
            os.fchmod(f.fileno(), 0o755)
            f.write(data)
        daemon = daemon_cost(host, profile, args.seconds)
        fences = with_sbd_disk(
            lambda disk: fence_cost(bed, host, args, disk)) \
            if is_last else None
    return daemon, fences


def judge(fences):
    """[(goal, measured, is met)]."""
    rows = []
    for label in (OFF_WAITING, OFF_PROVEN):
        value = fences[label]["cpu_ms"]
        rows.append((f"{label}: at most {GOAL_FENCE_CPU_MS:.0f} ms CPU",
                     f"{value:.2f} ms", value <= GOAL_FENCE_CPU_MS))
    return rows


DAEMON_ROWS = (
    ("beats watched", "beats", ".0f"),
    ("CPU of a store thread, us a beat", "store_us", ".0f"),
    ("  the floor beside it, us a beat", "floor_us", ".0f"),
    ("  ratio", "ratio", ".2f"),
    ("CPU of the pet thread, us a beat", "pet_us", ".0f"),
    ("CPU of main (ring, clients), us a beat", "main_us", ".0f"),
    ("CPU of the daemon, us a beat", "all_us", ".0f"),
    ("CPU of the daemon, % of one core", "cpu_percent", ".3f"),
    ("context switches a beat, a store thread", "store_switches", ".1f"),
    ("  the floor", "floor_switches", ".1f"),
    ("context switches a beat, the daemon", "switches", ".1f"),
    ("written, KiB/s", "written_kib_s", ".1f"),
    ("read, KiB/s", "read_kib_s", ".1f"),
    ("locked memory, KiB", "locked_kib", ".0f"),
    ("resident memory, KiB", "rss_kib", ".0f"),
    ("floor: a write takes, us", "floor_write_us", ".0f"),
    ("floor: reading all slots takes, us", "floor_read_us", ".0f"),
    ("load", "load", ".1f"),
)


def show(report):
    for key in ("date", "machine"):
        print(f"{key + ':':17}{report['machine'][key]}")
    print(f"\nvmha-heartbeatd of h1: {len(STORES)} datastores, {SLOTS} slots "
          f"of {BLOCK_KIB} KiB with {SLOTS} host names, {HOSTS} hosts "
          "alive;\nevery beat writes one block and reads all slots on each "
          "datastore")
    profiles = report["daemon"]
    print(f"  {'':44}" + "".join(f"{p:>12}" for p in profiles))
    for text, key, form in DAEMON_ROWS:
        print(f"  {text:44}" + "".join(f"{d[key]:>12{form}}"
                                       for d in profiles.values()))
    print(f"\n  {'fence agents':44}{'runs':>5}{'CPU ms':>9}{'wall ms':>10}"
          f"{'p95':>10}  exit codes")
    for label, row in report["fences"].items():
        print(f"  {label:44}{row['runs']:>5}{row['cpu_ms']:>9.2f}"
              f"{row['wall_ms']:>10.2f}{row['wall_p95_ms']:>10.2f}  "
              f"{', '.join(row['codes'])}")
    for goal, measured, is_met in report["goals"]:
        print(f"{'met   ' if is_met else 'MISSED'}  {goal}: {measured}")


def machine():
    class Here:
        """bench.machine() asks a host; this one is as good."""
        @staticmethod
        def run(*cmd, check=True):
            return subprocess.run(cmd, text=True, capture_output=True,
                                  check=check)
    return bench.machine(Here)


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("stage", "runner", "floor", "beat-floor", "json"):
        ap.add_argument(f"--{name}", required=True)
    ap.add_argument("--seconds", type=int, default=60,
                    help="that each daemon is watched (60)")
    ap.add_argument("--runs", type=int, default=100)
    ap.add_argument("--slow-runs", type=int, default=20)
    ap.add_argument("--timeout", type=float, default=30, metavar="S")
    args = ap.parse_args()
    args.floor_libs = args.floor
    return args


def main():
    args = parse_args()
    if os.geteuid() != 0:
        print("beats: needs root for the test bed", file=sys.stderr)
        return 1
    daemon, fences = {}, None
    with tempfile.TemporaryDirectory(prefix="vmha-bench.") as folder:
        for profile in BEAT_MS:
            is_last = profile == list(BEAT_MS)[-1]
            daemon[profile], fences = measure(profile, folder, args, is_last)
    report = {"machine": machine(), "daemon": daemon, "fences": fences,
              "goals": judge(fences)}
    with open(args.json, "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1)
    show(report)
    return 0 if all(is_met for *_, is_met in report["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
