#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests of ocf:vmha:VirtualMachine on hosts of the test bed.

    run.py --stage DIR --nano FILE [PATTERN...]

PATTERN as unittest's -k. Without one, each file of tests has a process and a
host of its own, all at once: they wait most of the time. Needs root, libvirtd
and QEMU. Prints how long each test took and what was measured on the way.
"""
import argparse
import glob
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bedhost  # noqa: E402
from case import HostCase  # noqa: E402

ALL_DEADLINE_S = 600


class Timed(unittest.TextTestResult):
    """Says how long each test took."""

    def startTest(self, test):
        self.begin = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok  {time.monotonic() - self.begin:.1f} s")


def run_here(args):
    """The tests of some files on one host; the number that went wrong."""
    loader = unittest.TestLoader()
    if args.pattern:
        loader.testNamePatterns = [f"*{p}*" for p in args.pattern]
    with tempfile.TemporaryDirectory(prefix="vm-agent.") as folder:
        HostCase.host = bedhost.open_host("vm-agent", f"{folder}/bed",
                                          args.stage, args.nano)
        try:
            done = unittest.TextTestRunner(
                stream=sys.stdout, verbosity=2, resultclass=Timed,
                failfast=args.failfast).run(loader.discover(HERE, args.files))
        finally:
            HostCase.host.close()
    for what, sentence in HostCase.measured.items():
        print(f"measured: {what}: {sentence}")
    if done.testsRun == 0:
        print("no test of that name")
        return 1
    return 0 if done.wasSuccessful() else 1


def run_all(args):
    """A process for each file; its output is shown when it has ended."""
    end = time.monotonic() + ALL_DEADLINE_S
    children = {}
    for path in sorted(glob.glob(f"{HERE}/test_*.py")):
        name = os.path.basename(path)
        with tempfile.TemporaryFile("w+") as out:
            children[name] = subprocess.Popen(
                [sys.executable, "-B", __file__, "--files", name,
                 "--stage", args.stage, "--nano", args.nano],
                stdout=os.dup(out.fileno()), stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL), os.fdopen(os.dup(out.fileno()),
                                                     "r+")
    failed = []
    for name, (child, out) in children.items():
        try:
            child.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()  # its bed goes with it
            child.wait()
        out.seek(0)
        print(f"== {name}\n{out.read()}")
        out.close()
        if child.returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {' '.join(failed)}")
    return 1 if failed else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--stage", required=True)
    ap.add_argument("--nano", required=True)
    ap.add_argument("--files", help="only these files, on one host")
    ap.add_argument("--failfast", action="store_true")
    ap.add_argument("pattern", nargs="*")
    args = ap.parse_args()
    if os.geteuid() != 0:
        print("check-vm-agent: skipped, it needs root for namespaces")
        return 0
    if args.files or args.pattern:
        args.files = args.files or "test_*.py"
        return run_here(args)
    begin = time.monotonic()
    status = run_all(args)
    print(f"check-vm-agent: {'FAILED' if status else 'ok'}, "
          f"{time.monotonic() - begin:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
