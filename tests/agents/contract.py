# SPDX-License-Identifier: GPL-2.0-or-later
"""What OCF Resource Agent API 1.1 asks of any agent, and what the tools that
read meta-data (pcs, crmsh, Pacemaker, ocf-tester) make of it. Runs on every
agent; knows nothing about what an agent does.
"""

import os
import subprocess
import tempfile
import unittest

from harness import PATH, RUN_TIMEOUT_S, needs_file, needs_root

PCS_SCHEMA = "/usr/share/pcs/data/ocf-1.1.rng"
DTD_FOLDER = "/usr/share/resource-agents"
AGENT_FOLDER = "/usr/lib/ocf/resource.d"
BAD_VALUES = {"integer": "12x", "time": "soon", "boolean": "maybe",
              "select": "no such choice"}
MANDATORY = {"start", "stop", "monitor", "meta-data", "validate-all"}
SUCCESS, ERR_ARGS, UNIMPLEMENTED, CONFIGURED = 0, 2, 3, 6


def filter_through(command, text, **how):
    """Exit code and all output of a checker that reads stdin."""
    done = subprocess.run(command, input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=RUN_TIMEOUT_S, **how)
    return done.returncode, done.stdout


class Contract(unittest.TestCase):
    """Subclassed by run.py, once for each agent."""

    agent = None

    @needs_root
    def test_explains_itself_to_anybody(self):
        for action in ("meta-data", "usage", "help", "manpage"):
            got = self.agent.run(action, user=65534, group=65534,
                                 extra_groups=[])
            self.assertEqual((got.code, got.err), (SUCCESS, ""), action)
            self.assertGreater(len(got.out), 100, action)

    @needs_file(PCS_SCHEMA, "pcs")
    def test_metadata_fits_schema_of_pcs(self):
        code, said = filter_through(
            ["xmllint", "--noout", "--relaxng", PCS_SCHEMA, "-"],
            self.agent.run("meta-data").out)
        self.assertEqual(code, 0, said)

    @needs_file(DTD_FOLDER, "resource-agents")
    def test_metadata_is_valid_for_ocf_tester(self):
        code, said = filter_through(["xmllint", "--noout", "--valid", "-"],
                                    self.agent.run("meta-data").out,
                                    cwd=DTD_FOLDER)
        self.assertEqual((code, said), (0, ""))

    def test_metadata_says_what_ocf_wants(self):
        root = self.agent.metadata()
        self.assertEqual(root.get("name"), self.agent.name)
        self.assertEqual(root.findtext("version"), "1.1")
        for element in root.iter():
            if element.tag in ("longdesc", "shortdesc"):
                self.assertEqual(element.get("lang"), "en")
                self.assertTrue(element.text.strip())
        for parameter in root.iter("parameter"):
            self.check_parameter(parameter)

    def check_parameter(self, parameter):
        """A parameter whose default its own agent would refuse is a trap."""
        name = parameter.get("name")
        content = parameter.find("content")
        options = [o.get("value") for o in content.iter("option")]
        default = content.get("default")
        self.assertEqual(content.get("type") == "select", bool(options), name)
        if default is None:
            return
        self.assertEqual(parameter.get("required"), "0", name)
        if options:
            self.assertIn(default, options, name)
        got = self.agent.run("validate-all",
                             {**self.agent.enough(), name: default})
        self.assertEqual(got.code, SUCCESS, got.err)

    def test_actions_have_times_with_units(self):
        actions = {a.get("name"): a
                   for a in self.agent.metadata().iter("action")}
        self.assertLessEqual(MANDATORY, set(actions))
        for action in actions.values():
            self.assertRegex(action.get("timeout"), r"^[1-9][0-9]*s$")
        self.assertRegex(actions["monitor"].get("interval"), r"^[1-9][0-9]*s$")
        self.assertEqual(actions["monitor"].get("depth"), "0")

    def test_unknown_action(self):
        for action in ("dance", "", "Start", "start "):
            got = self.agent.run(action)
            self.assertEqual((got.code, got.out), (UNIMPLEMENTED, ""), action)
            self.assertIn("usage: " + self.agent.name, got.err)

    def test_no_action(self):
        got = self.agent.run(())
        self.assertEqual((got.code, got.out), (ERR_ARGS, ""))
        self.assertIn("usage: " + self.agent.name, got.err)

    def test_only_first_argument_counts(self):
        got = self.agent.run(("meta-data", "start", "--help"))
        self.assertEqual((got.code, got.out),
                         (SUCCESS, self.agent.run("meta-data").out))

    def test_output_that_cant_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            got = self.agent.run("meta-data", stdout=full)
        self.assertEqual(got.code, 1)

    def test_required_parameter_missing(self):
        for name in self.agent.required():
            got = self.agent.run("validate-all", {
                k: v for k, v in self.agent.required().items() if k != name})
            self.assertEqual(got.code, CONFIGURED)
            self.assertIn(f"ocf-exit-reason:parameter {name} is required",
                          got.err)

    def test_wrong_value_is_named(self):
        for parameter in self.agent.metadata().iter("parameter"):
            kind = parameter.find("content").get("type")
            if kind not in BAD_VALUES:
                continue
            name = parameter.get("name")
            got = self.agent.run(
                "validate-all",
                {**self.agent.required(), name: BAD_VALUES[kind]})
            self.assertEqual(got.code, CONFIGURED, name)
            self.assertIn(f'parameter {name}: "{BAD_VALUES[kind]}" is not',
                          got.err)
            self.assertIn("; give ", got.err)

    def test_validation_without_a_look_at_the_host(self):
        got = self.agent.run("validate-all", self.agent.enough(),
                             {"OCF_CHECK_LEVEL": "0"})
        self.assertEqual((got.code, got.err), (SUCCESS, ""))

    @needs_file("/usr/bin/man", "man-db")
    def test_man_page_has_no_warnings(self):
        with tempfile.NamedTemporaryFile("w", suffix=".7") as page:
            page.write(self.agent.run("manpage").out)
            page.flush()
            done = subprocess.run(
                ["man", "--warnings", "-l", page.name], text=True,
                env={"PATH": PATH, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
                capture_output=True, timeout=RUN_TIMEOUT_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for heading in ("NAME", "SYNOPSIS", "DESCRIPTION",
                        "SUPPORTED PARAMETERS", "SUPPORTED ACTIONS",
                        "EXIT STATUS"):
            self.assertIn("\n" + heading + "\n", "\n" + done.stdout)
        for parameter in self.agent.metadata().iter("parameter"):
            self.assertIn(parameter.get("name"), done.stdout)

    def as_installed(self, *command):
        """Runs a tool that looks for agents in their usual folder, with a
        folder in its place that holds this agent alone."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            os.mkdir(os.path.join(folder, "vmha"))
            os.symlink(self.agent.path,
                       os.path.join(folder, "vmha", self.agent.name))
            return subprocess.run(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                 'mount --bind "$0" ' + AGENT_FOLDER + ' && exec "$@"',
                 folder, *command],
                env={"PATH": PATH, "HOME": folder, "LC_ALL": "C.UTF-8",
                     "TERM": "dumb"}, text=True, capture_output=True,
                timeout=RUN_TIMEOUT_S, check=False)

    @needs_root
    @needs_file("/usr/sbin/crm_resource", "pacemaker-cli-utils")
    @needs_file(AGENT_FOLDER, "resource-agents")
    def test_pacemaker_reads_it(self):
        got = self.as_installed("crm_resource", "--show-metadata",
                                "ocf:vmha:" + self.agent.name)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertIn(f'<resource-agent name="{self.agent.name}"', got.stdout)

    @needs_root
    @needs_file("/usr/sbin/crm", "crmsh")
    @needs_file(AGENT_FOLDER, "resource-agents")
    def test_crm_shell_shows_it(self):
        got = self.as_installed("crm", "ra", "info",
                                "ocf:vmha:" + self.agent.name)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertNotIn("ERROR", got.stderr)
        for parameter in self.agent.metadata().iter("parameter"):
            self.assertIn(parameter.get("name"), got.stdout)
        self.assertRegex(got.stdout, r"monitor +timeout=")
