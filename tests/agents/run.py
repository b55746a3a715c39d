#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the agent tests: contract.py on each agent, runtime_cases.py on
Sample. run.py --sample SAMPLE [AGENT...]; the last line counts.
"""

import argparse
import os
import sys
import unittest

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")
import contract  # noqa: E402
import runtime_cases  # noqa: E402
from harness import Agent  # noqa: E402


def suite_of(base, agent):
    """The tests of a class, bound to one agent."""
    bound = type(f"{base.__name__}_{agent.name}", (base,), {"agent": agent})
    return unittest.defaultTestLoader.loadTestsFromTestCase(bound)


def main():
    """0 when nothing failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", required=True)
    parser.add_argument("--only", help="part of a test's name")
    parser.add_argument("agents", nargs="*")
    options = parser.parse_args()
    agents = [Agent(path) for path in [options.sample, *options.agents]]
    suite = unittest.TestSuite()
    try:
        for agent in agents:
            suite.addTest(suite_of(contract.Contract, agent))
        for base in (runtime_cases.Runtime, runtime_cases.Syslog):
            suite.addTest(suite_of(base, agents[0]))
        if options.only:
            suite = unittest.TestSuite(
                t for part in suite for t in part if options.only in t.id())
        result = unittest.TextTestRunner(stream=sys.stdout).run(suite)
    finally:
        for agent in agents:
            agent.remove()
    bad = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{result.testsRun - bad - skipped} passed, {bad} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if bad or not result.wasSuccessful() else 0


if __name__ == "__main__":
    sys.exit(main())
