# SPDX-License-Identifier: GPL-2.0-or-later
"""packaging/alerts/vmha-alert.sh as Pacemaker runs it, into a program; with
real alerts it is tried in the cluster tests."""

import os
import subprocess
import unittest

from case import TIMEOUT_S, Case

AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../packaging/alerts/vmha-alert.sh")
# libha/core/hostreport.c
LEVELS = {"live": "notice", "isolated": "err", "partitioned": "warning",
          "dead": "err", "agent-unreachable": "err",
          "initialization-error": "err", "stopped": "notice",
          "never": "notice", "disarmed": "notice", "unguarded": "notice",
          "unknown": "notice"}


class Alert(Case):
    """One line, or none, for each alert."""

    def setUp(self):
        super().setUp()
        self.lines = self.path("lines")
        self.taker = self.path("take")
        with open(self.taker, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nprintf '%s|%s\\n' \"$1\" \"$2\" "
                    f">>'{self.lines}'\n")
        os.chmod(self.taker, 0o755)

    def alert(self, kind, version="2.1.5", recipient=None, **more):
        """(level, sentence) of what the agent says; None: nothing."""
        env = {"PATH": os.path.dirname(os.environ["VMHA"]),
               "CRM_alert_version": version, "CRM_alert_kind": kind,
               "CRM_alert_recipient": recipient or self.taker,
               **{f"CRM_alert_{k}": v for k, v in more.items()}}
        done = subprocess.run(["/bin/sh", AGENT], env=env, text=True,
                              capture_output=True, timeout=TIMEOUT_S,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        if not os.path.exists(self.lines):
            return None
        with open(self.lines, encoding="utf-8") as f:
            (line,) = f.read().splitlines()
        os.unlink(self.lines)
        return tuple(line.split("|", 1))

    def attribute(self, name, value, node="h2"):
        """An attribute of that node."""
        return self.alert("attribute", node=node, attribute_name=name,
                          attribute_value=value)

    def test_states(self):
        """Each word of the master is in the catalogue, by its severity."""
        for word, level in LEVELS.items():
            told = self.attribute("vmha-host-state-h1.lan", word)
            self.assertEqual(told[0], level, told)
            self.assertTrue(told[1].startswith(
                f"h1.lan is {word}: Told by the master"), told)
        self.assertIn("(HA.DasHostFailedEvent)",
                      self.attribute("vmha-host-state-h1", "dead")[1])
        self.assertIn("VMs may be started there",
                      self.attribute("vmha-host-state-h1", "live")[1])

    def test_attributes(self):
        for name, value in (("vmha-host-state", "dead"),
                            ("vmha-host-state-h1", ""),
                            ("vmha-use", "900 2000"), ("vmha-use", ""),
                            ("standby", "on"), ("#uname", "h1")):
            self.assertIsNone(self.attribute(name, value), name)
        self.assertEqual(self.attribute("vmha-other", "3"),
                         ("notice", "h2: vmha-other is 3"))
        self.assertEqual(self.attribute("vmha-other", ""),
                         ("notice", "h2: vmha-other is empty"))

    def test_nodes(self):
        self.assertEqual(self.alert("node", node="h1", desc="lost"),
                         ("warning", "node h1 is lost"))
        self.assertEqual(self.alert("node", node="h1", desc="member"),
                         ("notice", "node h1 is member"))

    def test_fencing(self):
        self.assertEqual(
            self.alert("fencing", node="h1", task="off", rc="0",
                       desc="Operation off of h1 by h2: OK"),
            ("warning", "fencing: Operation off of h1 by h2: OK"))
        level, sentence = self.alert("fencing", node="h1", rc="1",
                                     desc="Operation off of h1 by h2: bad")
        self.assertEqual(level, "err")
        self.assertIn("tries the next level", sentence)

    def test_resources(self):
        start = {"rsc": "web1", "node": "h1", "target_rc": "0"}
        self.assertEqual(self.alert("resource", task="start", rc="0",
                                    desc="ok", **start),
                         ("notice", "start of web1 on h1: ok"))
        self.assertEqual(self.alert("resource", task="monitor", rc="7",
                                    desc="not running", **start),
                         ("err", "monitor of web1 on h1: not running"))
        self.assertIsNone(self.alert("resource", task="monitor", rc="0",
                                     desc="ok", **start))

    def test_old_or_by_hand(self):
        self.assertIsNone(self.alert("node", version="", node="h1"))
        self.assertIsNone(self.alert("of a version to come"))

    def test_nothing_is_run_by_a_name(self):
        """Words from the cluster are words."""
        mark = self.path("mark")
        told = self.alert("node", node=f"$(touch {mark})`touch {mark}`",
                          desc=f"lost; touch {mark}")
        self.assertIn("touch", told[1])
        self.assertFalse(os.path.exists(mark))


if __name__ == "__main__":
    unittest.main()
