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
         "Nov  1 09:08:07 h1 vmha-fdmd[12]: \n\n[\n]\n")
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

    def test_no_log(self):
        done = self.run_vmha("events", "--log=/nowhere/log")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/log can't be read", done.stderr)
        self.write("")
        self.assertEqual(self.told(), [])

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
