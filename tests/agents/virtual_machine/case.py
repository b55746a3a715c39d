# SPDX-License-Identifier: GPL-2.0-or-later
"""Base of the test cases: one host for all of them, VMs of their own.

A host costs a second and a VM a third of one, so the host is shared and heals
after each test; a VM never is.
"""
from bedhost import OK, VM
from in_time import InTimeCase


class HostCase(InTimeCase):
    host = None  # set by run.py before the first test
    measured = {}  # what -> sentence, printed at the end

    def setUp(self):
        self.addCleanup(self.host.heal_libvirtd)

    def vm(self, name, options="", **how):
        vm = VM(self.host, name, options, **how)
        self.addCleanup(vm.forget)
        return vm

    def running(self, name, options="", start=None, **how):
        """Started, and the guest is up: a power button pressed before that
        would be lost."""
        vm = self.vm(name, options, **how)
        vm.start(**(start or {}))
        vm.wait_boots(1)
        return vm

    def assert_rc(self, result, rc, *words):
        """The exit code, and words that the operator must find in the
        sentence."""
        self.assertEqual(result.rc, rc, result)
        for word in words:
            self.assertIn(word, result.reason, result)
        return result

    def assert_stops(self, vm, **how):
        """stop says stopped, the process is gone, and stays so said."""
        result = self.assert_rc(vm.call("stop", **how), OK)
        self.assertEqual(vm.pids(), [])
        self.assertEqual(vm.record(), {})
        return result

    def note(self, what, sentence):
        self.measured[what] = sentence
