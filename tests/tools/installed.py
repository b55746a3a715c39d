# SPDX-License-Identifier: GPL-2.0-or-later
"""crm shell on a CIB file, with this build's agents and command where it and
Pacemaker look for them."""

import os
import subprocess

from simulated import SimulatedCase

AGENT_FOLDER = "/usr/lib/ocf/resource.d"
SCRIPTS = os.path.abspath(f"{os.path.dirname(__file__)}/../../packaging/crm")
CRM_S = 60
AS_INSTALLED = f'mount --bind "$0" {AGENT_FOLDER} && exec "$@"'


class InstalledCase(SimulatedCase):
    """Programs with a folder of our agents in the place of the usual one."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("agents/vmha"))
        for name in ("VirtualMachine", "FaultDomain"):
            os.symlink(f"{os.environ['VMHA_AGENTS']}/{name}/{name}",
                       self.path(f"agents/vmha/{name}"))

    def env(self):
        tools = os.path.dirname(os.environ["VMHA"])
        env = super().env()
        return {**env, "PATH": f"{tools}:{env['PATH']}:/sbin:/bin",
                "HOME": self.folder, "TERM": "dumb"}

    def installed(self, *words, code=0, stdin=None):
        """A program that finds them; its exit code is looked at."""
        if os.geteuid() != 0:
            self.skipTest("needs root for a mount namespace")
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             AS_INSTALLED, self.path("agents"), *words],
            capture_output=True, text=True, timeout=CRM_S, check=False,
            env=self.env(), input=stdin, cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def crm(self, *words, **more):
        """crm shell, with the project's scripts; it complains of nothing."""
        done = self.installed("crm", "--scriptdir", SCRIPTS, *words, **more)
        if done.returncode == 0:
            self.assertNotIn("ERROR", done.stdout + done.stderr)
        return done
