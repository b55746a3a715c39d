# SPDX-License-Identifier: GPL-2.0-or-later
"""Command line of the bed: one verb, answered by the bed's supervisor."""
import argparse
import os
import subprocess
import sys

from . import proc
from .client import Bed, elapsed_printer
from .config import FENCES
from .host import DAEMONS
from .net import NETWORKS
from .proc import BedError

HOST, LINK, DAEMON = "host", "link", "daemon"
# verb: (arguments, help)
SIMPLE = {
    "poweroff": ((HOST,), "pull the plug: everything in the host dies at once"),
    "poweron": ((HOST,), "boot the host and start its daemons"),
    "boot": ((HOST,), "boot the host, start no daemon"),
    "shutdown": ((HOST,), "clean end: pacemaker, libvirtd, corosync, then off"),
    "pause": ((HOST,), "SIGSTOP to everything in the host"),
    "resume": ((HOST,), "let a paused host go on"),
    "cut": ((HOST, LINK), "cut a link of the host"),
    "restore": ((HOST, LINK), "mend a link of the host"),
    "start": ((HOST, DAEMON), "start a daemon, wait until it answers"),
    "stop": ((HOST, DAEMON), "stop a daemon cleanly"),
    "freeze": ((HOST, DAEMON), "SIGSTOP to a daemon (or any program by name)"),
    "thaw": ((HOST, DAEMON), "SIGCONT to a daemon or program"),
    "kill": ((HOST, DAEMON), "SIGKILL to a daemon or program"),
    "unshare": ((HOST, "share"), "take a share under /srv away from the host"),
    "share": ((HOST, "share"), "give it back"),
    "starve": ((HOST, "percent"), "leave a host so much of one CPU, or off"),
    "fence-device": (("mode",), "make fence_bed work: ok, fail or hang"),
}
SHELL_PROMPT = r"\[\e[1m\]{bed}:{host}\[\e[0m\]:\w\$ "


def parser():
    ap = argparse.ArgumentParser(
        prog="vmha-testbed", description=sys.modules["bed"].__doc__)
    ap.add_argument("--name", default="default", help="name of the bed")
    ap.add_argument("--dir", help="folder of its state (build/bed/NAME)")
    sub = ap.add_subparsers(dest="verb", required=True, metavar="VERB")
    up = sub.add_parser("up", help="make the hosts and start the cluster")
    up.add_argument("--hosts", type=int, default=3)
    up.add_argument("--stage", help="install tree to lay over the hosts' /usr")
    up.add_argument("--no-cluster", action="store_true",
                    help="hosts only, no daemon")
    up.add_argument("--token", type=int, default=1000, metavar="MS")
    up.add_argument("--datastores", type=int, default=1)
    up.add_argument("--heartbeat", type=int, default=0, metavar="N",
                    help="heartbeat datastores hb1 to hbN behind faults, and "
                    "a watchdog in each host")
    up.add_argument("--profile", help="of the heartbeat's timing")
    up.add_argument("--fence", choices=FENCES, help="fence devices: the bed's "
                    "switch, fence_vmha (with --heartbeat the default), both")
    up.add_argument("--fault-ds1", action="store_true",
                    help="ds1 behind faults too")
    up.add_argument("--owner", type=int, metavar="PID",
                    help="take the bed down when this process ends")
    sub.add_parser("down", help="end everything, verify that nothing is left")
    sub.add_parser("status", help="what is up, cut, mounted")
    fault = sub.add_parser("fault", help="make a store slow, hang, fail, lie: "
                           "HOST|all STORE|all OP ACTION [ARGUMENT...]")
    fault.add_argument(HOST)
    fault.add_argument("store")
    fault.add_argument("op", choices=("read", "write", "fsync", "open", "meta",
                                      "all"))
    fault.add_argument("action", nargs="+", help="delay MS [JITTER_MS], hang, "
                       "fail ERRNO, enospc, tear BYTES, tearfail BYTES, drop")
    fault.add_argument("--glob", default="*", help="files (all)")
    fault.add_argument("--count", type=int, help="first N operations only")
    heal = sub.add_parser("heal", help="no faults any more; what hangs goes on")
    heal.add_argument(HOST)
    heal.add_argument("store", nargs="?")
    sub.add_parser("faults", help="rules, their hits, who waits"
                   ).add_argument(HOST, nargs="?")
    deaf = sub.add_parser("deafen", help="HOST hears nothing from OTHERS on "
                          "the cluster links")
    deaf.add_argument(HOST)
    deaf.add_argument("others", nargs="*")
    sub.add_parser("split", help="a partition: h1,h2 h3").add_argument(
        "groups", nargs="+")
    sub.add_parser("join", help="the end of split and deafen")
    for verb, (args, text) in SIMPLE.items():
        one = sub.add_parser(verb, help=text)
        for arg in args:
            one.add_argument(arg)
    for verb in ("unshare-config", "share-config"):
        sub.add_parser(verb, help=f"{verb.partition('-')[0]} HOST config"
                       ).add_argument(HOST)
    run = sub.add_parser("run", help="run a command in a host: HOST -- CMD...")
    run.add_argument(HOST)
    run.add_argument("cmd", nargs=argparse.REMAINDER)
    for verb in ("shell", "console"):
        sub.add_parser(verb, help="a shell in the host" if verb == "shell" else
                       "a shell in the first host that is on"
                       ).add_argument(HOST, nargs="?")
    log = sub.add_parser("log", help="show messages, or a daemon's log")
    log.add_argument(HOST)
    log.add_argument(DAEMON, nargs="?", help=f"{', '.join(DAEMONS)} or a file "
                     "below /var/log")
    log.add_argument("-f", "--follow", action="store_true")
    return ap


def table(rows):
    widths = [max(len(str(row[i])) for row in rows)
              for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(str(c).ljust(w) for c, w in zip(row, widths)).rstrip())


def show_status(bed):
    rows = [["HOST", "STATE", *(d.upper() for d in DAEMONS),
             *(n.upper() for n in NETWORKS), "MOUNTS"]]
    for h in bed.status():
        state = f"off: {h['why']}" if h["why"] else h["state"]
        rows.append([h["host"], state, *h["daemons"].values(),
                     *("cut" if n in h["cut"] else "ok" for n in NETWORKS),
                     " ".join(h["mounts"]) or "-"])
    table(rows)


def run_in(bed, host, cmd):
    """Becomes the command, so that terminal, signals and status are its own."""
    cmd = cmd[1:] if cmd[:1] == ["--"] else cmd
    if not cmd:
        raise BedError("run: HOST -- CMD...")
    argv = bed.argv(host, *cmd)
    term = os.environ.get("TERM", "dumb")
    os.execvpe(argv[0], argv, proc.host_env(TERM=term))


def shell(bed, host):
    host = host or next((h["host"] for h in bed.status()
                         if h["state"] == "on"), None)
    if host is None:
        raise BedError("no host is on")
    prompt = SHELL_PROMPT.format(bed=bed.name, host=host)
    # script(1) gives it a terminal of the host's own: job control works.
    argv = bed.argv(host, "script", "-qc", "bash --norc -i", "/dev/null")
    os.execvpe(argv[0], argv,
               proc.host_env(TERM=os.environ.get("TERM", "dumb"), PS1=prompt))


def bring_up(args):
    show = elapsed_printer()
    bed = Bed(args.name, hosts=args.hosts, folder=args.dir, stage=args.stage,
              token=args.token, cluster=not args.no_cluster,
              datastores=args.datastores, owner=args.owner or 0,
              heartbeat=args.heartbeat, profile=args.profile,
              fence=args.fence, fault_ds1=args.fault_ds1, progress=show)
    bed.up()
    show(f"bed {bed.name} is up in {bed.dir}")


def main():
    args = parser().parse_args()
    bed = Bed.attach(args.name, args.dir)
    if args.verb == "up":
        bring_up(args)
    elif args.verb == "down":
        print(bed.down())
    elif args.verb == "status":
        show_status(bed)
    elif args.verb == "fault":
        bed.fault(args.host, args.store, args.op, " ".join(args.action),
                  args.glob, args.count)
    elif args.verb == "heal":
        bed.heal(args.host, args.store)
    elif args.verb == "deafen":
        bed.deafen(args.host, *args.others)
    elif args.verb == "split":
        bed.split(*(group.split(",") for group in args.groups))
    elif args.verb == "join":
        bed.join()
    elif args.verb == "faults":
        print("\n".join(bed.faults(args.host)))
    elif args.verb == "run":
        run_in(bed, args.host, args.cmd)
    elif args.verb in ("shell", "console"):
        shell(bed, args.host)
    elif args.verb == "log":
        path = bed.log_path(args.host, args.daemon)
        return subprocess.call(["tail", "-F", path] if args.follow else
                               ["cat", path])
    elif args.verb in ("unshare-config", "share-config"):
        bed.ask(args.verb.partition("-")[0], host=args.host, share="config")
    else:
        bed.ask(args.verb, **{arg: getattr(args, arg)
                              for arg in SIMPLE[args.verb][0]})
    return 0


def guarded():
    try:
        return main()
    except BedError as e:
        print(f"vmha-testbed: {e}", file=sys.stderr)
        return 1
