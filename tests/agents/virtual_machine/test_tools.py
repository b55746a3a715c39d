# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent as other people's tools see it: ocf-tester, crm shell, pcs.

Each tool is the distribution's and is skipped where it is not installed. None
needs a running cluster.
"""
import re
import unittest

from bedhost import AGENT, HOST, OK
from case import HostCase

NAME = "ocf:vmha:VirtualMachine"
OCF_RNG = "/usr/share/pcs/data/ocf-1.1.rng"
CIB = "/tmp/cib.xml"
OCF_TESTER_TIMEOUT = "shutdown_timeout=5s"


class TestTools(HostCase):
    def need(self, *programs):
        for program in programs:
            if self.host.run("sh", "-c", f"command -v {program}",
                             check=False).returncode != 0:
                self.skipTest(f"{program} is not installed")

    def test_ocf_tester(self):
        self.need("ocf-tester")
        vm = self.vm("tester")
        done = self.host.run(
            "ocf-tester", "-n", vm.name, "-o", f"config={vm.config}",
            "-o", OCF_TESTER_TIMEOUT, AGENT, check=False)
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
        self.assertIn("passed all tests", done.stdout)
        self.assertNotRegex(done.stdout, "(?i)warning|error|fail")
        self.assertEqual(vm.pids(), [])
        self.assertGreaterEqual(vm.boots(), 1)

    def test_meta_data_against_ocf_1_1(self):
        """The schema by which pcs judges agents."""
        self.need("xmllint", "pcs")
        done = self.host.run("sh", "-c", f"{AGENT} meta-data | xmllint "
                             f"--noout --relaxng {OCF_RNG} -", check=False)
        self.assertEqual(done.returncode, OK, done.stderr)

    def test_crm_ra_info(self):
        self.need("crm")
        text = self.host.run("crm", "ra", "info", NAME).stdout
        for word in (f"({NAME})", "Parameters (*: required, []: default):",
                     "config (string): ", "shutdown_mode (select, "
                     "[agent-acpi]): ", "Operations' defaults",
                     "migrate_to    timeout=300s"):
            self.assertIn(word, text)
        for name in re.findall(r"^([a-z_]+) \(", text, re.M):
            self.assertRegex(text, rf"(?m)^{name} \([^)]*\): [A-Z]")

    def test_crm_configure(self):
        """crm shell accepts it, timeouts and all, without a warning."""
        self.need("crm")
        self.host.run("sh", "-c", f"cibadmin --empty >{CIB}")
        done = self.host.run(
            "sh", "-c", f"crm -F configure primitive web1 {NAME} params "
            "config=/srv/config/web1.xml meta allow-migrate=true op start "
            "timeout=90s op stop timeout=180s op monitor interval=10s "
            "timeout=30s && crm configure show web1",
            env={"CIB_file": CIB}, check=False)
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
        about = [line for line in (done.stdout + done.stderr).splitlines()
                 if "web1" in line and re.search("(?i)warning|error", line)]
        self.assertEqual(about, [])
        self.assertIn("allow-migrate=true", done.stdout)

    def pcs(self, *cmd, check=True):
        return self.host.run("pcs", "-f", CIB, *cmd, check=check)

    def test_pcs(self):
        self.need("pcs")
        self.host.run("sh", "-c", f"cibadmin --empty >{CIB}")
        self.pcs("resource", "create", "web1", NAME,
                 "config=/srv/config/web1.xml", "shutdown_mode=acpi",
                 "meta", "allow-migrate=true")
        shown = self.pcs("resource", "config", "web1").stdout
        for word in ("config=/srv/config/web1.xml", "allow-migrate=true",
                     "timeout=180s", "interval=10s"):
            self.assertIn(word, shown)
        self.assertEqual(self.pcs("resource", "create", "web2", NAME,
                                  "konfig=/x", check=False).returncode, 1)

    def test_pcs_asks_the_agent(self):
        """agent_validation runs validate-all: wrong values are refused."""
        self.need("pcs")
        self.host.run("sh", "-c", f"cibadmin --empty >{CIB}")
        done = self.pcs("resource", "create", "web3", NAME,
                        "config=/srv/config/web1.xml", "shutdown_mode=gently",
                        "--agent-validation", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("shutdown_mode", done.stdout + done.stderr)

    def test_host_is_what_the_agent_thinks(self):
        self.assertEqual(self.host.run("hostname").stdout.strip(), HOST)


if __name__ == "__main__":
    unittest.main()
