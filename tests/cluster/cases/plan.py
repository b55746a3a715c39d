# SPDX-License-Identifier: GPL-2.0-or-later
"""The failure plan in Pacemaker: what it says is what happens."""
import re

from bed import wait_for

from . import case
from .cutoff import manage, wait_promoted

PLAN_DEADLINE_S = 60
HOLD_S = 12


def planned(lab, *vms):
    """{VM: (host, score)} as the constraints say; None where one is missing."""
    by = lab.cluster.any_host()
    text = lab.bed.run(by, "cibadmin", "--query", "--scope", "constraints",
                       check=False).stdout
    found = {}
    for vm in vms:
        one = re.search(rf'<rsc_location id="vmha-plan-{vm.name}" '
                        rf'rsc="{vm.name}" node="(\w+)" score="(\d+)"', text)
        if not one:
            return None
        found[vm] = (one.group(1), int(one.group(2)))
    return found


@case(heartbeat=3)
def plan_reaches_pacemaker(lab):
    """Each VM gets a target, nothing moves for it, and that is where it goes
    when its host dies; then it gets another one."""
    vms = [lab.vm(f"vm{i}") for i in (1, 2, 3, 4)]
    manage(lab)
    wait_promoted(lab)
    lab.protect(*vms, meta="resource-stickiness=1000")
    lab.bed.run(lab.cluster.any_host(), "vmha", "vm", "add",
                *(vm.name for vm in vms))
    at = {vm: lab.where(vm) for vm in vms}
    plan = wait_for(lambda: planned(lab, *vms), PLAN_DEADLINE_S,
                    "each VM has a constraint of the plan")
    lab.note(f"planned: {[(vm.name, *to) for vm, to in plan.items()]}")
    for vm, (host, score) in plan.items():
        lab.expect(host != at[vm] and score == 90,
                   f"{vm.name} on {at[vm]}: {host}, {score}")
    lab.hold(HOLD_S, vms[0], [at[vms[0]]], "moved for its target")
    lab.expect({vm: lab.where(vm) for vm in vms} == at, "VMs have moved")
    victim = at[vms[0]]
    lab.mark(f"power of {victim} fails", is_zero=True)
    lab.bed.poweroff(victim)
    for vm in vms:
        to = plan[vm][0] if at[vm] == victim else at[vm]
        there = lab.where(vm, not_on=victim, deadline_s=PLAN_DEADLINE_S)
        lab.expect(there == to, f"{vm.name} is on {there}, not {to}")
    (other,) = lab.others(victim, plan[vms[0]][0])
    wait_for(lambda: planned(lab, vms[0])[vms[0]] == (other, 90),
             2 * PLAN_DEADLINE_S, f"{vms[0].name} has {other} as target")
