# SPDX-License-Identifier: GPL-2.0-or-later
"""The contract of OCF Resource Agent API 1.1, with a real VM behind it."""
import os
import unittest

from bedhost import (ARGS, CONFIGURED, GENERIC, INSTALLED, MODULE_DIR, OFF, OK,
                     UNIMPLEMENTED)
from case import HostCase

# Values that nothing can be started with.
FATAL = {
    "path": ({"config": "web1.xml"}, "config"),
    "uuid": ({"uuid": "1234"}, "uuid"),
    "nothing to start": ({"config": None}, "config"),
    "another hypervisor": ({"hypervisor": "xen:///system"}, "xen:///system"),
    "another host": ({"hypervisor": "qemu+ssh://h2/system"}, "qemu+ssh"),
}
# Values of what the VM can run without: start goes on and says so, since a
# typing error must not keep it down after a host failure.
FORGIVEN = {
    "enum": ({"shutdown_mode": "gently"}, "shutdown_mode"),
    "duration": ({"shutdown_timeout": "soon"}, "shutdown_timeout"),
    "duration below its range": ({"shutdown_timeout": "10ms"},
                                 "shutdown_timeout"),
    "integer": ({"migration_bandwidth": "fast"}, "migration_bandwidth"),
    "integer above its range": ({"migration_parallel_connections": "65"},
                                "migration_parallel_connections"),
    "boolean": ({"migration_tls": "perhaps"}, "migration_tls"),
}
# A rule between parameters of that kind: no business of start.
RULES = {
    "rule": ({"migration_timeout_action": "postcopy"}, "migration_postcopy"),
}


class TestOcf(HostCase):
    def test_life(self):
        vm = self.vm("life")
        self.assert_rc(vm.call("monitor"), OFF)
        self.assert_rc(vm.call("start"), OK)
        first = vm.pid()
        self.assert_rc(vm.call("monitor", interval_ms=10000), OK)
        self.assert_rc(vm.call("start"), OK)
        self.assertEqual(vm.pid(), first)
        vm.wait_boots(1)
        self.assert_stops(vm)
        self.assertTrue(vm.ended_cleanly())
        self.assert_stops(vm)
        self.assert_rc(vm.call("monitor", interval_ms=10000), OFF)
        self.assertEqual(vm.boots(), 1)

    def test_probe_of_nothing_is_quiet(self):
        result = self.assert_rc(self.vm("quiet").call("monitor"), OFF)
        self.assertEqual((result.out, result.err, result.log), ("", "", ""))

    def test_monitor_that_finds_it_well_is_quiet(self):
        vm = self.running("well")
        result = self.assert_rc(vm.call("monitor", interval_ms=10000), OK)
        self.assertEqual((result.out, result.err, result.log), ("", "", ""))

    def test_wrong_parameter(self):
        vm = self.vm("wrong")
        for what, (params, word) in {**FATAL, **FORGIVEN,
                                      **RULES}.items():
            with self.subTest(what):
                self.assert_rc(vm.call("validate-all", params=params),
                               CONFIGURED, word)
        for what, (params, word) in FATAL.items():
            with self.subTest(what, action="start"):
                self.assert_rc(vm.call("start", params=params), CONFIGURED,
                               word)
        self.assertEqual(vm.pids(), [])

    def test_wrong_parameter_that_start_forgives(self):
        vm = self.vm("forgiven")
        for what, (params, word) in FORGIVEN.items():
            with self.subTest(what):
                result = self.assert_rc(vm.call("start", params=params), OK)
                self.assertIn(word, result.log)
        vm.wait_boots(1)

    def test_wrong_parameter_of_a_running_vm(self):
        """Its state stays true, and it can be stopped."""
        vm = self.running("broken")
        bad = {"shutdown_mode": "gently", "uuid": "1234"}
        self.assert_rc(vm.call("monitor", params=bad), OK)
        self.assert_stops(vm, params=bad)

    def test_config_missing(self):
        vm = self.vm("missing")
        os.unlink(self.host.path(vm.config))
        # Not 5: the share may come back, and the host be good again.
        self.assert_rc(vm.call("start"), GENERIC, vm.config)
        self.assert_rc(vm.call("validate-all"), OK)
        self.assert_rc(vm.call("validate-all", OCF_CHECK_LEVEL="10"), ARGS,
                       vm.config)
        self.assert_rc(vm.call("monitor"), OFF)
        self.assert_rc(vm.call("stop"), OK)

    def test_config_is_no_domain(self):
        vm = self.vm("nodomain")
        self.host.write(vm.config, "<domain><name>x</name>")
        self.assert_rc(vm.call("start"), GENERIC, vm.config)
        self.assert_rc(vm.call("validate-all", OCF_CHECK_LEVEL="10"), ARGS,
                       vm.config)

    def test_uuid_that_config_does_not_have(self):
        vm = self.vm("disagree")
        params = {"uuid": "00000000-0000-4000-8000-000000000001"}
        self.assert_rc(vm.call("start", params=params), GENERIC, vm.uuid,
                       params["uuid"])
        self.assertEqual(vm.pids(), [])

    def test_without_config_the_defined_domain_is_started(self):
        vm = self.vm("defined", config=False)
        vm.define()
        vm.params = {"name": "defined"}
        self.assert_rc(vm.call("start"), OK)
        vm.wait_boots(1)
        self.assert_rc(vm.call("monitor"), OK)
        self.assert_stops(vm)
        self.assertIn("defined", self.host.virsh("list", "--all", "--name"))

    def test_without_config_and_definition(self):
        vm = self.vm("undefined", config=False)
        vm.params = {"name": "undefined"}
        self.assert_rc(vm.call("start"), INSTALLED, "undefined")

    def test_libvirt_module_missing(self):
        """Start needs it and says so; the rest does not."""
        hide = ("unshare", "-m", "--propagation", "private", "sh", "-c",
                f"mount -t tmpfs hide {MODULE_DIR} && exec \"$@\"", "sh")
        vm = self.vm("nomodule")
        self.assert_rc(vm.call("start", prefix=hide), INSTALLED, "module")
        self.assertEqual(vm.pids(), [])
        self.assert_rc(vm.call("monitor", prefix=hide), OFF)
        vm.start()
        vm.wait_boots(1)
        self.assert_rc(vm.call("monitor", prefix=hide), OK)
        self.assert_stops(vm, prefix=hide)

    def test_unknown_action(self):
        self.assertEqual(self.vm("action").call("promote").rc, UNIMPLEMENTED)

    def test_validate_in_depth(self):
        vm = self.vm("deep")
        result = vm.call("validate-all", OCF_CHECK_LEVEL="10")
        self.assertIn(result.rc, (OK, ARGS), result)
        for line in result.out.splitlines():
            self.assertRegex(line, "^(note|warning|error): ")
        self.assertEqual(vm.pids(), [])

    def test_reload(self):
        vm = self.running("reload")
        first = vm.pid()
        self.assert_rc(vm.call("reload-agent"), OK)
        self.assertEqual(vm.pid(), first)
        result = vm.call("reload-agent", params={"shutdown_mode": "gently"})
        self.assertIn("shutdown_mode", result.reason + result.log)
        self.assertEqual(vm.pid(), first)

    def test_name_that_is_hard_on_files(self):
        """A clone's instance and a long name: records and sockets differ."""
        vm = self.running("hard")
        for instance in ("web:0", "w" * 60 + "eb"):
            with self.subTest(instance):
                self.assert_rc(vm.call("start", instance=instance), OK)
                self.assert_rc(vm.call("monitor", instance=instance), OK)


if __name__ == "__main__":
    unittest.main()
