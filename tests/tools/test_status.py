# SPDX-License-Identifier: GPL-2.0-or-later
"""vmha status on a terminal and elsewhere: the states that the manager tells,
--watch, colours, and lines that are cut at the screen's edge alone there."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import unittest

from cib import vm
from daemon import host
from test_why import Known

SCREEN_ON = "\x1b[?1049h"
SCREEN_OFF = "\x1b[?1049l"
END_S = 20
LONG = "no member; beats on the datastores; says that it is isolated; sealed"
REPORT = {"state": "isolated", "since_age_ms": 65000, "reporter": "h1",
          "evidence": LONG, "maintenance": False}


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, words, env, width=80, height=40):
        self.text = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", height, width, 0, 0))
        self.process = subprocess.Popen(  # pylint: disable=R1732
            [os.environ["VMHA"], *words], stdin=subprocess.DEVNULL,
            stdout=slave, stderr=subprocess.DEVNULL, env=env)
        os.close(slave)

    def read(self, until, times=1):
        """Until the text has come so often."""
        end = time.monotonic() + END_S
        while self.text.count(until) < times and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    part = os.read(self.master, 65536)
                except OSError:
                    break
                self.text += part.decode()
        return self.text

    def end(self, signo=signal.SIGINT):
        """As Ctrl-C; its exit code."""
        self.process.send_signal(signo)
        self.read(SCREEN_OFF)
        code = self.process.wait(END_S)
        os.close(self.master)
        return code


class Watch(Known):
    """A cluster with a host that is isolated."""

    def setUp(self):
        super().setUp()
        self.cib(vm("web1"))
        self.daemon([host("h1", 0, "isolated"), host("h2", 1)],
                    lists={"h1": {"web1": "running"}})
        self.manager(status={
            "state": "master", "is_master": True, "term": 4, "vms": [],
            "hosts": [{"name": "h1", "report": REPORT},
                      {"name": "h2", "report": {
                          **REPORT, "state": "live", "reporter": "h2",
                          "evidence": "member", "maintenance": True}},
                      {"name": "h3", "report": None}]})

    def screen(self, *words, env=None, **size):
        """vmha status on a terminal."""
        screen = Screen(
            ["status", f"--socket={self.path('heartbeatd.sock')}",
             f"--manager-socket={self.path('fdmd.sock')}", *words],
            {**os.environ, "CIB_file": self.cib_path, "TERM": "xterm",
             "LC_ALL": "C.UTF-8", **(env or {})}, **size)
        self.addCleanup(screen.process.kill)
        return screen

    def test_reports(self):
        """State, since when, by whose word, and why; whole in a pipe."""
        text = self.vmha("status", code=1).stdout
        self.assertRegex(text, f"h1 +isolated +65 s +h1 +{LONG}\n")
        self.assertRegex(text, "h2 +live, maintenance +65 s +h2 +member\n")
        self.assertRegex(text, "h3 +not settled")
        self.assertNotIn("\x1b", text)

    def test_init_error(self):
        self.manager_states("initialization-error")
        told = self.told("status", code=1)
        self.assertTrue(any("initialization error" in p
                            for p in told["problems"]), told["problems"])

    def manager_states(self, state):
        """Another manager, that says so of h1."""
        os.unlink(self.path("fdmd.sock"))
        self.manager(status={"state": "master", "vms": [], "hosts": [
            {"name": "h1", "report": {**REPORT, "state": state}}]})

    def test_watch(self):
        """In place, again and again; Ctrl-C brings the old screen back."""
        screen = self.screen("--watch", "--interval=200ms")
        text = screen.read("REPORTED", times=3)
        self.assertTrue(text.startswith(SCREEN_ON), text[:50])
        self.assertIn("\x1b[1;31misolated", text)
        self.assertNotIn("\x1b[2J", text)
        self.assertEqual(screen.end(), 0)
        self.assertTrue(screen.text.endswith(SCREEN_OFF), screen.text[-50:])
        self.assertIn("\x1b[?25h", screen.text)

    def test_terminated(self):
        screen = self.screen("--watch")
        screen.read("REPORTED")
        self.assertEqual(screen.end(signal.SIGTERM), 0)
        self.assertTrue(screen.text.endswith(SCREEN_OFF))

    def test_cut(self):
        """At the terminal's edge, with an ellipsis; no line is longer, and
        none is below the last line of the screen."""
        screen = self.screen("--watch", width=60, height=12,
                             env={"NO_COLOR": "1"})
        text = screen.read("too low", times=1)
        screen.end()
        picture = text.partition("\x1b[H")[2].partition("\x1b[J")[0]
        lines = picture.replace("\x1b[K", "").replace("\r", "").split("\n")
        self.assertEqual(len(lines), 12)
        self.assertLessEqual(max(map(len, lines)), 60)
        self.assertTrue(any(line.endswith("…") for line in lines), lines)
        self.assertNotIn("\x1b[1", picture)

    def test_terminal_once(self):
        """Without --watch the table is cut as well, and nothing is moved."""
        screen = self.screen(env={"LC_ALL": "C"})
        screen.process.wait(END_S)
        text = screen.read("problem that never comes")
        os.close(screen.master)
        self.assertNotIn(SCREEN_ON, text)
        (row,) = [line for line in text.splitlines()
                  if "no member; beats" in line]
        self.assertIn("~", row)

    def test_no_terminal(self):
        """Shown once."""
        done = self.vmha("status", "--watch", "--interval=200ms", code=1)
        self.assertEqual(done.stdout.count("REPORTED"), 1)
        self.assertNotIn("\x1b", done.stdout)

    def test_refused(self):
        for words in (["--interval=1"], ["--watch", "--json"]):
            done = self.vmha("status", *words, code=64)
            self.assertIn("--watch", done.stderr)


del Known  # its own module runs it

if __name__ == "__main__":
    unittest.main()
