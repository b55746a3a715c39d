# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster tests: what an administrator would try, on real daemons.

Each case is a function that gets a Lab (a bed with the product installed) and
raises when the cluster did not do what it should. Its name is what `run
--only` looks for, its docstring the line that is printed. Cases leave no
trace: the lab is put right between them, or thrown away.
"""
import collections
import importlib

# bed: (argument, value) pairs of class Bed beyond the usual ones; a case runs
# in a bed that was made with exactly these.
Case = collections.namedtuple("Case", "name hosts text function bed")

CASES = []
MODULES = ("stop", "config", "failover", "libvirtd", "migration",
           "migration_lock", "stale",
           "heartbeat_power", "heartbeat_halt", "heartbeat_leave",
           "heartbeat_storage", "heartbeat_storage_harm", "heartbeat_input",
           "heartbeat_input_admin", "heartbeat_seal", "released", "isolation",
           "partition", "restart", "ready", "election", "protect", "guest_off",
           "versions", "maintenance", "orphans", "vm_add", "alerts",
           "crash", "admission", "plan")


def case(hosts=3, **bed):
    """Registers a test that needs so many hosts, and a bed made with these
    arguments (heartbeat=3)."""
    def register(function):
        text = " ".join(function.__doc__.split())
        CASES.append(Case(function.__name__, hosts, text, function,
                          tuple(sorted(bed.items()))))
        return function
    return register


def load_all():
    """Imports the modules for what they register; the order is the run's."""
    for name in MODULES:
        importlib.import_module(f".{name}", __name__)
    return CASES
