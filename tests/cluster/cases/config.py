# SPDX-License-Identifier: GPL-2.0-or-later
"""The config share is gone: only a start on that host needs it."""
import time

from . import case
from .stop import stop_it

MONITORS_S = 7
ELSEWHERE_DEADLINE_S = 40
PROBE = (r"Result of probe operation for (\S+) on (\S+): (.*)",
         "probe: {0} on {1}: {2}")


@case()
def config_gone_where_it_runs(lab):
    """Config is gone on the VM's host: monitor and stop go on working."""
    vm = lab.vm("web1")
    lab.protect(vm)
    host = lab.where(vm)
    lab.mark(f"config share of {host} is gone")
    lab.bed.unshare_config(host)
    time.sleep(MONITORS_S)
    state = lab.cluster.state()
    lab.expect(not state.failures, f"failures: {state.failures}")
    lab.expect(state.node_of(vm.name) == host, "the VM was moved")
    vm.check(ordinal=1)
    stop_it(lab, vm)


@case()
def config_gone_elsewhere(lab):
    """Config is gone on another host, which then probes: it says rightly
    that the VM does not run there; no second copy, no failed resource."""
    known, unknown = lab.vm("web1"), lab.vm("web2")
    lab.protect(known)
    host = lab.where(known)
    other = lab.others(host)[0]
    lab.look_for(PROBE)
    lab.mark(f"config share of {other} is gone")
    lab.bed.unshare_config(other)
    # web2 is new: that host has never been able to read its config.
    lab.protect(unknown, on=host)
    lab.cluster.crm(host, "resource refresh")
    for vm in (known, unknown):
        lab.where(vm, on=host)
    lab.mark(f"Pacemaker restarts on {other}")
    lab.bed.stop(other, "pacemaker")
    lab.bed.start(other, "pacemaker")
    lab.cluster.wait_online()
    time.sleep(MONITORS_S)
    for vm in (known, unknown):
        lab.expect(lab.where(vm) == host, f"{vm.name} was moved")
        lab.expect(lab.line.first(
            f"probe: {vm.name} on {other}: not running") is not None,
            f"no probe of {vm.name} on {other} that says 7")
        vm.check(ordinal=1)
    failures = lab.cluster.state().failures
    lab.expect(not failures, f"failures: {failures}")


@case()
def config_gone_at_start(lab):
    """Start on a host without config: a sentence, and the VM starts on
    another host."""
    vm = lab.vm("web1")
    lab.bed.unshare_config("h1")
    lab.mark("config share of h1 is gone")
    lab.protect(vm, on="h1", wait=False)
    lab.where(vm, not_on="h1", deadline_s=ELSEWHERE_DEADLINE_S)
    vm.check(ordinal=1)
    reasons = [f.get("exitreason", "") for f in lab.cluster.state().failures]
    lab.mark(f"crm_mon says: {reasons}")
    lab.expect(any("/srv/config/web1.xml" in r for r in reasons),
               f"no sentence names the file: {reasons}")
