# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha events: log files of both formats, rotation, a real journal."""

import json
import os
import subprocess
import time
import unittest

from case import Case

JOURNALD = "/lib/systemd/systemd-journald"
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../docs/EVENTS.md")
WAIT_S = 20
OLD = ("Nov  1 09:08:07 h1 vmha-heartbeatd[12]: [notice] membership 7: h1, h2"
       " [members]\n")
NEW = ("2026-11-21T20:50:09+0000 h1 vmha-fdmd[13]: [err] this host is "
       "isolated: [no] host [isolated]\n")
NOISE = ("Nov  1 09:08:07 h1 sshd[3]: [notice] hello [members]\n"
         "Nov  1 09:08:07 h1 vmha-heartbeatd[12]: [info] a client was turned "
         "away: x [client]\n"
         "Nov  1 09:08:07 h1 vmha-fdmd[12]: [notice] no such line [members]\n"
         "vmha-fdmd[12]: [err] without a head [isolated]\n"
         "Nov  1 09:08:07 h1 vmha-fdmd[12]: [isolated]\n"
         "Nov  1 09:08:07 h1 vmha-fdmd[12]: \n\n[\n]\n"
         "Nov  1 09:08:07 vmha-fdmd[12]: [err] no host [isolated]\n"
         "Nov  1 09:08:07 h1 my-vmha-fdmd[12]: [err] another [isolated]\n"
         "Nov  1 09:08:07 h1 a b vmha-fdmd[12]: [err] words [isolated]\n"
         "2026-11-22T11 h1 vmha-fdmd[12]: [err] half a time [isolated]\n"
         "Nov  1 09:08:07 h1 pacemaker-execd[7]: notice: fdm_start_0 [ Nov  1 "
         "09:08:06 h1 vmha-fdmd[12]: [err] quoted [isolated] ] [isolated]\n")
# What the syslog of the test bed writes: uptime and severity beside the rest.
BED = ("4711.120934 2026-11-22T11:20:01.345678Z h2 {level} {program}[77]: "
       "[{level}] {text} [{id}]\n")
# A host's death as rsyslog of Debian 12 writes it, with other programs' lines.
DEATH = (
    ("other", "notice", "pacemaker-controld", "Node h1 state is now lost", ""),
    ("members", "notice", "vmha-heartbeatd", "membership 9: h2, h3", "x"),
    ("host-silent", "warning", "vmha-heartbeatd", "h1 has been silent", "x"),
    ("state-dead", "err", "vmha-fdmd", "h1 is dead, it was live (x)", "x"),
    ("other", "info", "systemd", "Started a [thing]", ""),
    ("restarted", "notice", "vmha-fdmd",
     "web1 was restarted on h2: h1, where it ran, has died; attempt 1, 5.2 s "
     "after it was missed", "x"))
STAMPS = {
    "traditional": lambda i: f"Nov 22 11:20:0{i}",
    "RFC3339": lambda i: f"2026-11-22T11:20:0{i}.123456+01:00",
    "UTC": lambda i: f"2026-11-22T11:20:0{i}.123456Z"}
# Its own /run and /var/log; nothing of this machine's journal is touched.
JOURNAL = """
mount -t tmpfs t /run && mount -t tmpfs t /var/log || exit 77
mkdir -p /run/systemd/journal /run/log
{journald} & pid=$!
n=0
until [ -S /run/systemd/journal/dev-log ] || [ $n = 50 ]; do
    sleep 0.1; n=$((n + 1))
done
log() {{ logger -u /run/systemd/journal/dev-log -t "$1" -p daemon.notice "$2"; }}
log vmha-heartbeatd[1] '[notice] membership 7: h1 [members]'
log other[1] '[notice] membership 7: h1 [members]'
n=0
until [ -n "$(journalctl -q -t vmha-heartbeatd)" ] || [ $n = 50 ]; do
    sleep 0.1; n=$((n + 1))
done
{vmha} events --json --follow >{out} & follow=$!
sleep 1
log vmha-fdmd[2] '[notice] this host is master, term 4 [master]'
sleep 3
kill $follow
kill $pid
"""
# Its own /run and /var/log: no journal, and logs that are root's.
FORBIDDEN = """
mount -t tmpfs t /run && mount -t tmpfs t /var/log || exit 77
cp {vmha} /run/vmha-asked && chmod 755 /run /run/vmha-asked
for log in /run/own.log /var/log/messages; do
    touch $log && chmod 600 $log
done
ask() {{ setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }}
ask /run/vmha-asked events --log=/run/own.log
ask /run/vmha-asked events
"""


class Events(Case):
    """The last ones, and those that come."""

    def setUp(self):
        super().setUp()
        self.log = self.path("log")

    def write(self, text, mode="w"):
        """Into the log."""
        with open(self.log, mode, encoding="utf-8") as f:
            f.write(text)

    def told(self, *words):
        """The events."""
        done = self.run_vmha("events", f"--log={self.log}", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["events"]

    def test_both_formats(self):
        self.write(NOISE + OLD + NOISE + NEW + NOISE)
        first, second = self.told()
        self.assertEqual(first["time"], "Nov  1 09:08:07")
        self.assertEqual((first["program"], first["level"], first["text"]),
                         ("vmha-heartbeatd", "notice", "membership 7: h1, h2"))
        self.assertEqual(first["vsphere"], "HA.HostStateChangedEvent")
        self.assertEqual((second["time"], second["host"], second["id"]),
                         ("2026-11-21T20:50:09+0000", "h1", "isolated"))
        self.assertEqual(second["text"],
                         "this host is isolated: [no] host")
        self.assertEqual(second["vsphere"], "HA.DasHostIsolatedEvent")

    def test_death(self):
        """The story of a host's death, in order, from all kinds of stamps."""
        for kind, stamp in STAMPS.items():
            lines, want = [], []
            for i, (word, level, program, text, told) in enumerate(DEATH):
                end = f"[{level}] {text} [{word}]" if told else text
                lines.append(f"{stamp(i)} h2.example.org {program}[{i + 7}]: "
                             f"{end}\n")
                if told:
                    want.append((stamp(i), "h2.example.org", word, text))
            self.write("".join(lines))
            self.assertEqual([(e["time"], e["host"], e["id"], e["text"])
                              for e in self.told()], want, kind)
        restarted = self.told()[-1]
        self.assertEqual(restarted["vsphere"],
                         "VmRestartedOnAlternateHostEvent, "
                         "ha.VmRestartedByHAEvent")

    def test_bed(self):
        """Words that a template has beside time, host and program."""
        self.write(BED.format(program="vmha-fdmd", level="err", id="state-dead",
                              text="h1 is dead, it was live (x)") +
                   BED.format(program="pacemakerd", level="err", text="x",
                              id="state-dead") +
                   "<30> Nov 22 11:00:00 h3 vmha-fdmd[12]: [notice] x [master]"
                   "\n")
        self.assertEqual([(e["time"], e["host"], e["id"]) for e in self.told()],
                         [("2026-11-22T11:20:01.345678Z", "h2", "state-dead"),
                          ("Nov 22 11:00:00", "h3", "master")])

    def test_new_year(self):
        """A log's own order counts: traditional stamps have no year."""
        times = ["Dec 31 23:59:59", "Jan  1 00:00:00", "Jan  1 00:00:01"]
        self.write("".join(OLD.replace("Nov  1 09:08:07", t) for t in times))
        self.assertEqual([e["time"] for e in self.told()], times)

    def test_reset(self):
        """A host that was reset leaves zero bytes, half a line, and goes on."""
        self.write(OLD + OLD[:50] + "\0" * 4096 + NEW)
        self.assertEqual([e["id"] for e in self.told()],
                         ["members", "isolated"])

    def test_last_ones(self):
        self.write("".join(OLD.replace("7:", f"{i}:") for i in range(60)))
        self.assertEqual(len(self.told()), 50)
        self.assertEqual([e["text"] for e in self.told("--lines=2")],
                         ["membership 58: h1, h2", "membership 59: h1, h2"])

    def test_text(self):
        """What is wrong has what to do below it."""
        self.write(OLD + NEW)
        lines = self.run_vmha("events", f"--log={self.log}",
                              ).stdout.splitlines()
        self.assertIn("[members]", lines[0])
        self.assertIn("err     this host is isolated", lines[1])
        self.assertTrue(lines[2].startswith("    -> "), lines)

    def test_follow(self):
        """Half a line is none; a rotated log begins anew."""
        self.write(OLD)
        with subprocess.Popen(
                [os.environ["VMHA"], "events", "--follow", "--json",
                 f"--log={self.log}"], stdout=subprocess.PIPE,
                text=True) as process:
            try:
                def next_id():
                    return json.loads(process.stdout.readline())["id"]
                self.assertEqual(next_id(), "members")
                self.write(NEW[:40], "a")
                time.sleep(2)
                self.write(NEW[40:], "a")
                self.assertEqual(next_id(), "isolated")
                os.rename(self.log, self.log + ".1")
                self.write(OLD.replace("[members]", "[sealed]"))
                self.assertEqual(next_id(), "sealed")
            finally:
                process.kill()

    def test_follow_emptied(self):
        """What was written to a log before it was rotated is told, and one
        that is emptied in place (copytruncate) begins anew."""
        def line(number):
            return OLD.replace("7:", f"{number}:")
        self.write(line(1) + line(2))
        with subprocess.Popen(
                [os.environ["VMHA"], "events", "--follow", "--json",
                 f"--log={self.log}"], stdout=subprocess.PIPE,
                text=True) as process:
            try:
                def text():
                    return json.loads(process.stdout.readline())["text"]
                self.assertEqual([text(), text()], ["membership 1: h1, h2",
                                                    "membership 2: h1, h2"])
                self.write(line(3), "a")
                os.rename(self.log, self.log + ".1")
                with open(self.log + ".1", "a", encoding="utf-8") as f:
                    f.write(line(4))
                self.write("")
                self.write(line(5))
                self.assertEqual([text(), text(), text()],
                                 [f"membership {i}: h1, h2"
                                  for i in (3, 4, 5)])
                time.sleep(2)
                self.write("")
                time.sleep(2)
                self.write(line(6), "a")
                self.assertEqual(text(), "membership 6: h1, h2")
            finally:
                process.kill()

    def test_no_log(self):
        done = self.run_vmha("events", "--log=/nowhere/log")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/log can't be read: No such file or directory: "
                      "--log wants the file that syslog writes", done.stderr)
        done = self.run_vmha("events", f"--log={os.path.dirname(self.log)}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't be read: Is a directory", done.stderr)
        self.write("")
        self.assertEqual(self.told(), [])
        done = self.run_vmha("events", f"--log={self.log}")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", f"vmha: no events in {self.log}\n"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_forbidden(self):
        """A log that this user may not read is named, with what to do."""
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             FORBIDDEN.format(vmha=os.environ["VMHA"])],
            capture_output=True, text=True, timeout=WAIT_S, check=False)
        for log in "/run/own.log", "/var/log/messages":
            self.assertIn(f"{log} can't be read: Permission denied: ask as "
                          "root, or as a member of its group", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(JOURNALD),
                         "needs root and systemd-journald")
    def test_journal(self):
        """The journal's own programs, in a namespace of their own."""
        out = self.path("out")
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             JOURNAL.format(journald=JOURNALD, vmha=os.environ["VMHA"],
                            out=out)], capture_output=True, text=True,
            timeout=WAIT_S, check=False)
        with open(out, encoding="utf-8") as f:
            told = [json.loads(line) for line in f]
        self.assertEqual([e["id"] for e in told], ["members", "master"],
                         done.stdout + done.stderr)
        self.assertRegex(told[0]["time"], r"^\d{4}-\d\d-\d\dT")

    def test_severities(self):
        """Each event says its severity, what to do and vSphere's name."""
        self.write("".join(
            f"2026-11-21T20:50:09+0000 h1 vmha-fdmd[13]: [x] h2 x [{id}]\n"
            for id in ("state-dead", "state-live", "waits", "given-up",
                       "held", "maintenance")))
        self.assertEqual(
            [(e["level"], e["vsphere"]) for e in self.told()],
            [("err", "HA.DasHostFailedEvent"),
             ("notice", "HA.HostStateChangedEvent"),
             ("notice", "HA.ClusterFailoverInProgressEvent"),
             ("err", "VmMaxRestartCountReached"), ("warning", ""),
             ("notice", "EnteredMaintenanceModeEvent")])
        for event in self.told():
            self.assertTrue(event["todo"], event)

    def test_page(self):
        """docs/EVENTS.md is what the command prints; every row names a line
        that a daemon has."""
        done = self.run_vmha("--events")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(PAGE, encoding="utf-8") as f:
            self.assertEqual(done.stdout, f.read())


if __name__ == "__main__":
    unittest.main()
