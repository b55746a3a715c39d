# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster tests: what an administrator would try, on real daemons.

Each case is a function that gets a Lab (a bed with the product installed) and
raises when the cluster did not do what it should. Its name is what `run
--only` looks for, its docstring the line that is printed. Cases leave no
trace: the lab is put right between them, or thrown away.
"""
import collections
import importlib

Case = collections.namedtuple("Case", "name hosts text function")

CASES = []
MODULES = ("stop", "config", "failover", "libvirtd", "migration", "stale")


def case(hosts=3):
    """Registers a test that needs at least so many hosts."""
    def register(function):
        text = " ".join(function.__doc__.split())
        CASES.append(Case(function.__name__, hosts, text, function))
        return function
    return register


def load_all():
    """Imports the modules for what they register; the order is the run's."""
    for name in MODULES:
        importlib.import_module(f".{name}", __name__)
    return CASES
