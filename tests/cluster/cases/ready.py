# SPDX-License-Identifier: GPL-2.0-or-later
"""Heartbeats as ready conditions: who follows a VM starts once its guest agent
answers, or its application says that it is well, and after the timeout where
neither ever happens. Proven from the guests' own disks: when each wrote first."""
from bed import wait_for

from . import case
from .cutoff import manage
from .restart import all_up, in_order, kill, wait_why, warm

AGENT = "org.qemu.guest_agent.0"
HEARTBEAT = "org.vmha.heartbeat.0"
AGENT_S = 6     # from the guest's start until its agent is there
HEARTBEAT_S = 4  # until its application says that it is well
TIMEOUT_S = 30  # the longest that lower priorities wait
START_S = 8     # from the turn of a VM to its first write, at most
LOG_DEADLINE_S = 40


def is_logged(lab, hosts, words):
    for host in hosts:
        with open(lab.bed.log_path(host), encoding="utf-8",
                  errors="replace") as f:
            if any(words in line for line in f):
                return True
    return False


def wait_log(lab, hosts, words):
    wait_for(lambda: is_logged(lab, hosts, words), LOG_DEADLINE_S,
             f"\"{words}\" in a log")
    lab.mark(words)


@case(heartbeat=3)
def ready_heartbeats(lab):
    """Four priorities on a host that dies: one with a guest agent, one with an
    application's heartbeat, one whose agent hangs, and the last one."""
    vms = [
        lab.vm("db1", options=f"agent={AGENT_S}", channels=[AGENT], params={
            "restart_priority": "highest",
            "ready_condition": "guest-heartbeat"}),
        lab.vm("app1", options=f"heartbeat={HEARTBEAT_S}",
               channels=[AGENT, HEARTBEAT], params={
                   "restart_priority": "high",
                   "ready_condition": "application-heartbeat"}),
        lab.vm("hung1", options="agent=1 agent_dumb=1", channels=[AGENT],
               params={"ready_condition": "guest-heartbeat"}),
        lab.vm("last1", params={"restart_priority": "low"})]
    db, app, hung, last = vms
    victim, by = lab.others(lab.cluster.state().dc)
    warm(lab)
    manage(lab, *vms, on=victim, restart_priority_timeout=f"{TIMEOUT_S}s")
    wait_log(lab, [victim], "db1: its guest agent is well")
    kill(lab, victim)
    others = lab.others(victim)
    wait_why(lab, app, by, "db1 is not ready: its guest agent does not answer")
    wait_log(lab, others, "db1: its guest agent is well")
    wait_log(lab, others, "app1: its application is well")
    wait_why(lab, last, by, "hung1 is not ready: its guest agent")
    all_up(lab, vms)
    in_order(lab, [db], [app], AGENT_S)
    in_order(lab, [app], [hung], HEARTBEAT_S)
    in_order(lab, [hung], [last], TIMEOUT_S - START_S)
    lab.expect(not is_logged(lab, lab.hosts, "hung1: its guest agent is well"),
               "an agent that never answers is taken for one that is well")
