# SPDX-License-Identifier: GPL-2.0-or-later
"""A VM that crashes again and again on a host that lives: the first restart is
at once, then it follows the retry schedule, and at last it is left alone."""
import os
import signal

from bed import wait_for

from . import case
from .cutoff import manage, protect, ticket
from .restart import UP_DEADLINE_S, WAIT_DEADLINE_S, wait_why, warm

WAIT_S = 15
SLACK_S = 1  # of the test's own looks


def crash(lab, vm):
    """Its QEMU dies on its own, and where that was."""
    qemu = vm.qemus()[0]
    at = lab.mark(f"SIGKILL to QEMU on {qemu.host}")
    os.kill(qemu.pid, signal.SIGKILL)
    return at


def wait_counted(lab, vm, by, attempt):
    """Until the ticket counts that attempt as one after a crash."""
    wait_for(lambda: (ticket(lab, vm, by).get("vmha-attempt"),
                      ticket(lab, vm, by).get("vmha-cause")) ==
             (str(attempt), "crash"), WAIT_DEADLINE_S,
             f"{vm.name}: attempt {attempt} after a crash")


@case(heartbeat=3)
def crash_again(lab):
    """Restarted at once, then after a wait, then given up; its user's start
    begins the count anew. Nobody is fenced, and its neighbour runs on."""
    vm, other = lab.vm("web1"), lab.vm("app1")
    by = lab.cluster.any_host()
    warm(lab)
    manage(lab, restart_retry_waits=f"{WAIT_S}s", restart_attempts="2")
    protect(lab, vm, other)
    crash(lab, vm)
    vm.wait_write(2, UP_DEADLINE_S)
    wait_counted(lab, vm, by, 1)
    again = crash(lab, vm)
    wait_why(lab, vm, by, "crashed again after attempt 1 of 2")
    found = ticket(lab, vm, by)
    lab.expect((found.get("vmha-state"), found.get("vmha-reason")) ==
               ("waiting", "waits-for-retry"), f"its ticket says {found}")
    lab.expect(not vm.hosts(), f"it waits, and runs on {vm.hosts()}")
    vm.wait_write(3, WAIT_S + UP_DEADLINE_S)
    waited = vm.first_write_mono(3) - again
    lab.expect(waited >= WAIT_S - SLACK_S,
               f"restarted after {waited:.1f} s, not {WAIT_S} s")
    lab.note(f"the second restart came after {waited:.1f} s")
    wait_counted(lab, vm, by, 2)
    crash(lab, vm)
    wait_why(lab, vm, by, "given up: it has crashed again")
    lab.settle()
    lab.expect(not vm.hosts(), f"given up, and runs on {vm.hosts()}")
    lab.bed.run(by, "vmha", "vm", "start", vm.name)
    vm.wait_write(4, UP_DEADLINE_S)
    crash(lab, vm)
    vm.wait_write(5, UP_DEADLINE_S)
    lab.note("its user's start has begun the count anew")
    vm.check(5)
    other.check(1)
