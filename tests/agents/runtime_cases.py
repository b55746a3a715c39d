# SPDX-License-Identifier: GPL-2.0-or-later
"""The promises of agents/runtime/agent.h, seen on the agent Sample: exit
codes, deadline, guard, log lines and where they go.
"""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from harness import needs_file, needs_root
from in_time import InTimeCase

RECURRING = {"OCF_RESKEY_CRM_meta_interval": "10000"}
NAMED = {"OCF_RESOURCE_INSTANCE": "s1"}
# In a mount namespace of its own: $0/dev, with a log socket, as /dev.
PRIVATE_DEV = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
               'touch "$0/dev/null" && mount --bind /dev/null "$0/dev/null" '
               '&& mount --rbind "$0/dev" /dev && exec "$@"')
LINE = re.compile(r"^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
                  r"Sample\(s1\)\[\d+\]: ([A-Z]+): (.*)$")


class Sample(InTimeCase):
    """Sample "runs" while its state file exists. Helpers, no tests."""

    agent = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.state = os.path.join(self.folder.name, "state")

    def run_agent(self, action, params=None, env=None, **how):
        """An action with the required parameter set."""
        return self.agent.run(action, {"state": self.state, **(params or {})},
                              {**NAMED, **(env or {})}, **how)

    def timed(self, *args, **how):
        """Outcome and seconds taken."""
        start = time.monotonic()
        got = self.run_agent(*args, **how)
        return got, time.monotonic() - start


class Runtime(Sample):
    """Exit codes, deadlines, files."""

    @needs_root
    @needs_file("/usr/sbin/ocf-tester", "resource-agents")
    def test_ocf_tester(self):
        done = subprocess.run(
            ["ocf-tester", "-n", "s1", "-o", "state=" + self.state,
             self.agent.path], capture_output=True, text=True, timeout=60,
            check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @needs_root
    def test_life(self):
        steps = (("monitor", 7), ("stop", 0), ("start", 0), ("start", 0),
                 ("monitor", 0), ("stop", 0), ("stop", 0), ("monitor", 7))
        for action, code in steps:
            self.assertEqual(self.run_agent(action).code, code, action)

    @needs_root
    def test_wrong_parameter_stops_a_start_only(self):
        wrong = {"migration_bandwidth": "12x"}
        got = self.run_agent("start", wrong)
        self.assertEqual(got.code, 6)
        self.assertEqual(
            got.err.splitlines()[0],
            'ocf-exit-reason:parameter migration_bandwidth: "12x" is not an '
            "integer; give MiB/s from 1 to 100000")
        self.assertFalse(os.path.exists(self.state))
        self.run_agent("start")
        self.assertEqual(self.run_agent("monitor", wrong).code, 0)
        got = self.run_agent("stop", wrong)
        self.assertEqual(got.code, 0)
        self.assertIn("stop goes on without it", got.err)
        self.assertFalse(os.path.exists(self.state))

    @needs_root
    def test_monitor_learns_of_a_missing_parameter(self):
        self.assertEqual(self.run_agent("monitor", {"state": ""}).code, 6)

    @needs_root
    def test_action_knows_its_deadline(self):
        got, took = self.timed(
            "start", {"delay": "60s"},
            {"OCF_RESKEY_CRM_meta_timeout": "3000"})
        self.assertEqual(got.code, 1)
        self.assertIn("ocf-exit-reason:start of s1: not done in 3000 ms",
                      got.err)
        self.assertTrue(2.7 <= took < 3.0, took)

    @needs_root
    def test_guard_ends_what_hangs(self):
        def block_alarm():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])

        for prepare in (None, block_alarm):
            got, took = self.timed(
                "reload-agent", None, {"OCF_RESKEY_CRM_meta_timeout": "3000"},
                preexec_fn=prepare)
            self.assertEqual(got.code, 1)
            self.assertIn("ocf-exit-reason:reload-agent of s1 was still not "
                          "done when its deadline had passed", got.err)
            self.assertTrue(2.8 <= took < 3.0, took)

    @needs_root
    def test_probe_is_quiet(self):
        loud = {"loud": "true"}
        for env in ({}, {"OCF_RESKEY_CRM_meta_interval": "0"}):
            got = self.run_agent("monitor", loud, env)
            self.assertEqual((got.code, got.err), (7, ""))
        got = self.run_agent("monitor", loud, RECURRING)
        self.assertEqual(got.code, 7)
        self.assertRegex(got.err,
                         r"^Sample\(s1\)\[\d+\]: ERROR: not running\n$")

    @needs_root
    def test_prefix_of_exit_reasons(self):
        for prefix in ("reason=", "%s%n"):
            got = self.run_agent("start", {"loud": "x"},
                                 {"OCF_EXIT_REASON_PREFIX": prefix})
            self.assertTrue(got.err.startswith(prefix + "parameter loud"))

    @needs_root
    def test_other_users_are_told(self):
        how = {"user": 65534, "group": 65534, "extra_groups": []}
        got = self.run_agent("start", **how)
        self.assertEqual(got.code, 4)
        self.assertIn("start needs root", got.err)
        self.assertEqual(self.run_agent("validate-all", **how).code, 0)

    @needs_root
    def test_level_of_validation(self):
        for env, code in (({}, 0), ({"OCF_CHECK_LEVEL": "0"}, 0),
                          ({"OCF_CHECK_LEVEL": "10"}, 5),
                          ({"OCF_RESKEY_OCF_CHECK_LEVEL": "10"}, 5)):
            self.assertEqual(self.run_agent("validate-all", None, env).code,
                             code, env)

    @needs_root
    def test_unknown_parameters_are_named_by_validation_alone(self):
        extra = {"migration_bandwith": "5", "zzz": "1", "crm_feature_set": "3",
                 "CRM_meta_timeout": "20000", "trace_dir": "/nowhere"}
        got = self.run_agent("validate-all", extra)
        self.assertEqual(got.code, 0)
        self.assertIn("unknown parameter migration_bandwith: has no effect; "
                      "did you mean migration_bandwidth?", got.err)
        self.assertIn("unknown parameter zzz: has no effect\n", got.err)
        self.assertEqual(got.err.count("unknown parameter"), 2)
        self.assertNotIn("unknown", self.run_agent("start", extra).err)

    @needs_root
    def test_log_file(self):
        path = os.path.join(self.folder.name, "log")
        got = self.run_agent("start", None, {"HA_LOGFILE": path})
        self.assertEqual((got.code, got.err), (0, ""))
        with open(path, encoding="utf-8") as log:
            self.assertRegex(
                log.read(), r"^[A-Z][a-z]{2} [ \d]\d [\d:]{8} "
                r"Sample\(s1\)\[\d+\]:    INFO: started, a < b & \"c\" "
                r"second line\n$")

    @needs_root
    def test_trace(self):
        for env, folder in (
                ({"OCF_RESKEY_trace_ra": "1",
                  "HA_VARLIB": self.folder.name},
                 os.path.join(self.folder.name, "trace_ra", "Sample")),
                ({"OCF_TRACE_RA": "yes",
                  "OCF_RESKEY_trace_dir": self.folder.name + "/t",
                  "OCF_RESOURCE_TYPE": "Other"},
                 os.path.join(self.folder.name, "t", "Other"))):
            self.assertEqual(self.run_agent("start", None, env).code, 0)
            [name] = os.listdir(folder)
            self.assertRegex(name, r"^s1\.start\.\d{4}-\d\d-\d\d\.[\d:]{8}$")
            path = os.path.join(folder, name)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with open(path, encoding="utf-8") as trace:
                text = trace.read()
            self.assertIn("env: OCF_RESOURCE_INSTANCE=s1\n", text)
            self.assertIn("INFO: started", text)
            self.assertTrue(text.endswith("exit 0 OCF_SUCCESS\n"), text)

    @needs_root
    def test_reader_that_does_not_read(self):
        """A full pipe as stderr must not hold up an action."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        got, took = self.timed("start", {"loud": "x"}, stderr=writer)
        os.close(reader)
        os.close(writer)
        self.assertEqual(got.code, 6)
        self.assert_in_time(took, 1.0)


class Syslog(Sample):
    """The same agent with a /dev/log of the test's own."""

    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.folder.name, "dev"))
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.log.close)
        self.log.bind(os.path.join(self.folder.name, "dev", "log"))
        self.log.settimeout(5)

    def run_logged(self, action, params=None, env=None):
        """An action that sees this test's /dev/log."""
        return self.timed(action, params,
                          {"HA_LOGFACILITY": "daemon", **(env or {})},
                          wrap=(*PRIVATE_DEV, self.folder.name))

    def received(self):
        """(priority, level, text) of each line that has arrived."""
        lines = []
        self.log.setblocking(False)
        try:
            while True:
                match = LINE.match(self.log.recv(4096).decode())
                self.assertIsNotNone(match)
                lines.append((int(match[1]), match[2], match[3]))
        except BlockingIOError:
            return lines

    @needs_root
    def test_lines(self):
        got, _ = self.run_logged("start")
        self.assertEqual((got.code, got.err), (0, ""))
        self.assertEqual(self.received(), [
            (30, "INFO", 'started, a < b & "c" second line')])
        got, _ = self.run_logged("start", {"loud": "x"},
                                 {"HA_LOGFACILITY": "local3"})
        self.assertEqual(got.code, 6)
        self.assertEqual(got.err.count("\n"), 1)
        [(priority, level, text)] = self.received()
        self.assertEqual((priority, level), (19 * 8 + 3, "ERROR"))
        self.assertTrue(text.startswith("parameter loud"))

    @needs_root
    def test_quiet_probe_and_debug(self):
        self.run_logged("monitor", {"loud": "1"})
        self.run_logged("start", None, {"HA_LOGFACILITY": "none"})
        self.assertEqual(self.received(), [])
        self.run_agent("stop")
        self.run_logged("monitor", {"loud": "1"}, {"HA_debug": "1"})
        self.assertEqual(self.received(), [(31, "DEBUG", "not running")])

    @needs_root
    def test_daemon_that_does_not_read(self):
        filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(filler.close)
        filler.connect(os.path.join(self.folder.name, "dev", "log"))
        filler.setblocking(False)
        try:
            while True:
                filler.send(b"x" * 100)
        except BlockingIOError:
            pass
        got, took = self.run_logged("start")
        self.assertEqual(got.code, 0)
        self.assert_in_time(took, 1.0)
