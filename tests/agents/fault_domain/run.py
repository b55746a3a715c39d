#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The FaultDomain agent as Pacemaker's executor calls it, and the daemon that
it starts, ends and finds hanging. Runs itself again in pid, mount and network
namespaces, where the daemon is installed and /run is empty: no cluster, no
heartbeat. run.py --agent PATH --daemon PATH; the last line counts.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ET

INSIDE = "VMHA_FDM_TEST_INSIDE"
INSTALLED_AT = "/usr/libexec/vmha"
DAEMON = INSTALLED_AT + "/vmha-fdmd"
SOCKET = "/run/vmha/fdmd.sock"
RUN_TIMEOUT_S = 40
WAIT_S = 10
POLL_S = 0.02
OK, GENERIC, INSTALLED, CONFIGURED, OFF, PROMOTED = 0, 1, 5, 6, 7, 8


class Paths:
    """Where agent and daemon were built."""

    agent = ""
    daemon = ""


def run(action, timeout_s=20, params=None, level=0):
    """One action; exit code and standard error. Waits for the end of the
    pipes too, as the executor does: a daemon that kept one would show."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
           "OCF_RESOURCE_INSTANCE": "fd",
           "OCF_CHECK_LEVEL": str(level),
           "OCF_RESKEY_CRM_meta_timeout": str(timeout_s * 1000)}
    env.update({"OCF_RESKEY_" + k: v for k, v in (params or {}).items()})
    done = subprocess.run([Paths.agent, action], env=env, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=RUN_TIMEOUT_S,
                          check=False)
    return done.returncode, done.stderr


def daemons():
    """Process ids that run the daemon's program, zombies left out."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            target = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if target.split(" ")[0] == DAEMON:
            found.append(int(pid))
    return found


def end_all():
    """Ends every process of this pid namespace but this one, and reaps."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) != os.getpid():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def install():
    """The daemon where a package puts it."""
    os.makedirs(INSTALLED_AT, exist_ok=True)
    shutil.copy(Paths.daemon, DAEMON + ".new")
    os.rename(DAEMON + ".new", DAEMON)


class FaultDomain(unittest.TestCase):
    """Each test begins with the daemon installed and not running."""

    def setUp(self):
        install()
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)

    def tearDown(self):
        end_all()

    def start(self):
        """Starts it and returns its process id."""
        code, said = run("start")
        self.assertEqual(code, OK, said)
        self.assertEqual(len(daemons()), 1)
        return daemons()[0]

    def test_its_life(self):
        self.assertEqual(run("monitor")[0], OFF)
        self.assertEqual(run("stop")[0], OK)
        self.start()
        self.assertEqual(run("monitor"), (OK, ""))
        self.assertEqual(run("reload-agent")[0], OK)
        self.assertEqual(run("stop")[0], OK)
        self.assertEqual(daemons(), [])
        self.assertEqual(run("monitor")[0], OFF)
        self.assertEqual(run("stop")[0], OK)

    def test_second_start_is_none(self):
        pid = self.start()
        self.assertEqual(run("start")[0], OK)
        self.assertEqual(daemons(), [pid])

    def test_promotion(self):
        for action in ("promote", "demote"):
            self.assertEqual(run(action)[0], OFF, action)
        self.start()
        self.assertEqual(run("demote"), (OK, ""))
        self.assertEqual(run("monitor")[0], OK)
        for _ in range(2):
            self.assertEqual(run("promote"), (OK, ""))
            self.assertEqual(run("monitor"), (PROMOTED, ""))
        self.assertEqual(run("reload-agent")[0], OK)
        for _ in range(2):
            self.assertEqual(run("demote"), (OK, ""))
            self.assertEqual(run("monitor"), (OK, ""))

    def test_new_daemon_is_not_promoted(self):
        pid = self.start()
        self.assertEqual(run("promote")[0], OK)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + WAIT_S
        while daemons() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self.assertEqual(run("monitor")[0], OFF)
        self.assertEqual(run("demote")[0], OFF)
        self.start()
        self.assertEqual(run("monitor")[0], OK)

    def test_start_means_not_promoted(self):
        pid = self.start()
        self.assertEqual(run("promote")[0], OK)
        self.assertEqual(run("start")[0], OK)
        self.assertEqual(daemons(), [pid])
        self.assertEqual(run("monitor")[0], OK)

    def test_hanging_is_not_promoted(self):
        os.kill(self.start(), signal.SIGSTOP)
        for action in ("promote", "demote"):
            code, said = run(action)
            self.assertEqual(code, GENERIC, action)
            self.assertIn("hangs", said)

    def test_roles(self):
        done = subprocess.run([Paths.agent, "meta-data"], text=True,
                              stdout=subprocess.PIPE, check=True)
        monitors = [(a.get("role"), a.get("interval")) for a in
                    ET.fromstring(done.stdout).iter("action")
                    if a.get("name") == "monitor"]
        self.assertEqual([role for role, _ in monitors],
                         ["Promoted", "Unpromoted"])
        self.assertEqual(len({interval for _, interval in monitors}), 2)

    def test_it_is_a_daemon(self):
        pid = self.start()
        self.assertEqual(os.getsid(pid), os.getpgid(pid))
        self.assertNotEqual(os.getsid(pid), os.getsid(0))
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null")
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        self.assertEqual(fields["PPid"].strip(), "1")
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")

    def test_killed(self):
        os.kill(self.start(), signal.SIGKILL)
        deadline = time.monotonic() + WAIT_S
        while daemons() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self.assertTrue(os.path.exists(SOCKET))
        self.assertEqual(run("monitor")[0], OFF)
        self.start()
        self.assertEqual(run("monitor")[0], OK)

    def test_hanging(self):
        os.kill(self.start(), signal.SIGSTOP)
        code, said = run("monitor")
        self.assertEqual(code, GENERIC)
        self.assertIn("hangs", said)
        code, said = run("stop", timeout_s=6)
        self.assertEqual(code, OK, said)
        self.assertIn("was killed", said)
        self.assertEqual(daemons(), [])

    def test_updated_while_it_runs(self):
        self.start()
        install()
        self.assertEqual(run("monitor")[0], OK)
        self.assertEqual(run("stop")[0], OK)
        self.assertEqual(run("monitor")[0], OFF)

    def test_others_of_its_name_are_left_alone(self):
        other = "/tmp/vmha-fdmd"
        shutil.copy("/bin/sleep", other)
        with subprocess.Popen([other, "100"]) as process:
            self.assertEqual(run("monitor")[0], OFF)
            self.assertEqual(run("stop")[0], OK)
            self.assertIsNone(process.poll())
            process.kill()

    def test_not_installed(self):
        os.unlink(DAEMON)
        self.assertEqual(run("monitor")[0], OFF)
        self.assertEqual(run("stop")[0], OK)
        for action in ("start", "validate-all"):
            code, said = run(action, level=10)
            self.assertEqual(code, INSTALLED, action)
            self.assertIn(DAEMON, said)

    def test_one_that_does_not_begin(self):
        shutil.copy("/bin/false", DAEMON)
        code, said = run("start")
        self.assertEqual(code, GENERIC)
        self.assertIn("ended right after its start", said)
        with open(DAEMON, "w", encoding="ascii") as text:
            text.write("no program\n")
        code, said = run("start")
        self.assertEqual(code, GENERIC)
        self.assertIn("can't be started", said)

    def test_bad_policy_does_not_keep_it_from_running(self):
        bad = {"isolation_delay": "soon", "isolation_response": "panic"}
        self.assertEqual(run("validate-all", params=bad)[0], CONFIGURED)
        self.assertEqual(run("start", params=bad)[0], OK)
        self.assertEqual(run("monitor", params=bad)[0], OK)
        self.assertEqual(run("stop", params=bad)[0], OK)


def enter():
    """Runs this program again where nothing of the machine can be touched."""
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--net", "--ipc",
                          "--fork", "--kill-child", "--mount-proc",
                          sys.executable, "-B", *sys.argv])


def prepare(options):
    """Empty folders where the daemon keeps its things, and copies of agent
    and daemon that do not lie below one of them."""
    programs = {}
    for path in (options.agent, options.daemon):
        with open(path, "rb") as program:
            programs[os.path.basename(path)] = program.read()
    for folder in ("/run", "/tmp", "/usr/libexec"):
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    for name, program in programs.items():
        with open("/run/" + name, "wb") as copy:
            copy.write(program)
        os.chmod("/run/" + name, 0o755)
    Paths.agent = "/run/" + os.path.basename(options.agent)
    Paths.daemon = "/run/" + os.path.basename(options.daemon)


def main():
    """0 when nothing failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--daemon", required=True)
    parser.add_argument("--only", default="", help="part of a test's name")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("0 passed, 0 failed, 1 skipped (needs root)")
        return 0
    if INSIDE not in os.environ:
        enter()
    prepare(options)
    suite = unittest.TestSuite(
        t for t in
        unittest.defaultTestLoader.loadTestsFromTestCase(FaultDomain)
        if options.only in t.id())
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
