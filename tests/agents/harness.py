# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs an agent the way Pacemaker's executor does: one action, parameters in
the environment, nothing else inherited. Each run has a deadline, so that an
agent that hangs fails a test in place of the whole run.
"""

import os
import shutil
import subprocess
import tempfile
import unittest
from xml.etree import ElementTree

RUN_TIMEOUT_S = 30
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Outcome:
    """Exit code and output of one run."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr


class Agent:
    """One agent program, copied to where every user may run it."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.folder = tempfile.mkdtemp(prefix="vmha-agent-")
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, self.name)
        shutil.copy(path, self.path)
        os.chmod(self.path, 0o755)

    def remove(self):
        """Removes the copy."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, action, params=None, env=None, wrap=(), **how):
        """One action; `wrap` is put in front of the command line, `how` goes
        to subprocess.run."""
        environment = {"PATH": PATH}
        environment.update(env or {})
        for name, value in (params or {}).items():
            environment["OCF_RESKEY_" + name] = value
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        words = [action] if isinstance(action, str) else list(action)
        done = subprocess.run(
            [*wrap, self.path, *words], env=environment, text=True, cwd="/",
            stdin=subprocess.DEVNULL, timeout=RUN_TIMEOUT_S, check=False,
            **how)
        return Outcome(done)

    def metadata(self):
        """The meta-data as an element tree."""
        return ElementTree.fromstring(self.run("meta-data").out)

    def required(self):
        """Values for the required parameters that are right as text and name
        nothing that exists."""
        return {p.get("name"): "/nonexistent/" + p.get("name")
                for p in self.metadata().iter("parameter")
                if p.get("required") == "1"}

    def enough(self):
        """Values with which it validates: the required ones, and one of
        those of which the agent wants one."""
        return {**self.required(),
                **ONE_OF.get(self.metadata().get("name"), {})}


# Agents that want one of several parameters, which meta-data can't say.
ONE_OF = {"VirtualMachine": {"config": "/nonexistent/config"}}


def needs_root(test):
    """Skips a test that has to become another user or make a namespace."""
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(test)


def needs_file(path, package):
    """Skips a test for want of a file, and says where it comes from."""
    return unittest.skipUnless(os.path.exists(path),
                               f"{path} is missing (package {package})")
