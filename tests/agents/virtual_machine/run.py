#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests of ocf:vmha:VirtualMachine on a host of the test bed.

    run.py --stage DIR --nano FILE [--keep] [PATTERN...]

PATTERN as unittest's -k. Needs root, libvirtd and QEMU. Prints how long each
test took and what was measured on the way.
"""
import argparse
import os
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bedhost  # noqa: E402
from case import HostCase  # noqa: E402


class Timed(unittest.TextTestResult):
    def startTest(self, test):
        self.begin = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok  {time.monotonic() - self.begin:.1f} s")


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--stage", required=True)
    ap.add_argument("--nano", required=True)
    ap.add_argument("--dir", help="folder of the bed; a temporary one")
    ap.add_argument("--failfast", action="store_true")
    ap.add_argument("pattern", nargs="*")
    args = ap.parse_args()
    if os.geteuid() != 0:
        print("check-vm-agent: skipped, it needs root for namespaces")
        return 0
    loader = unittest.TestLoader()
    if args.pattern:
        loader.testNamePatterns = [f"*{p}*" for p in args.pattern]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vm-agent.") as folder:
        HostCase.host = bedhost.open_host("vm-agent",
                                          args.dir or f"{folder}/bed",
                                          args.stage, args.nano)
        try:
            suite = loader.discover(HERE, "test_*.py")
            done = unittest.TextTestRunner(
                verbosity=2, resultclass=Timed,
                failfast=args.failfast).run(suite)
        finally:
            HostCase.host.close()
    for what, sentence in HostCase.measured.items():
        print(f"{what}: {sentence}")
    print(f"check-vm-agent: {done.testsRun} tests, "
          f"{time.monotonic() - begin:.0f} s")
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
