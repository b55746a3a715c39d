# SPDX-License-Identifier: GPL-2.0-or-later
"""Host states as the master tells them: in its log, as node attribute, in
status; and what Pacemaker's alerts make of them."""
import json
import time

from bed import wait_for

from . import case
from .cutoff import back, cut, manage, master, mend, shell, wait_open
from .heartbeat import power_on

ALERT = "/usr/share/vmha/alerts/vmha-alert.sh"
FDMD = "/usr/libexec/vmha/vmha-fdmd"
LINES = "/run/alerts.lines"
TAKER = "/run/alerts.take"
TAKE = f"""#!/bin/sh
printf '%s|%s\\n' "$1" "$2" >>{LINES}
"""
# Node attributes are not among Pacemaker's default, and crm's own words for an
# alert name each of them.
ALERT_XML = (f'xml <alert id="vmha-alert" path="{ALERT}"><select>'
             "<select_nodes/><select_fencing/><select_resources/>"
             "<select_attributes/></select>"
             f'<recipient id="vmha-alert-to" value="{TAKER}"/></alert>\n')
STATE_DEADLINE_S = 60
ALERT_DEADLINE_S = 30
CALM_S = 5


def report(lab, host, by):
    """What the manager of `by` says of the host."""
    done = lab.bed.run(by, "vmha", "status", "--json", check=False)
    manager = json.loads(done.stdout)["manager"] if done.stdout else None
    for one in (manager or {}).get("hosts", []):
        if one["name"] == host:
            return one["report"] or {}
    return {}


def attribute(lab, host, by, name="vmha-host-state"):
    """As the CIB has it."""
    done = lab.bed.run(by, "cibadmin", "--query", "--local", "--xpath",
                       f"//node_state[@uname='{host}']//nvpair"
                       f"[@name='{name}']", check=False)
    return done.stdout.partition(' value="')[2].partition('"')[0] or None


def published(lab, host, by):
    """On its own node while it is a member, else on the master's."""
    return attribute(lab, by, by, f"vmha-host-state-{host}") or \
        attribute(lab, host, by)


def wait_state(lab, host, by, state, reporter=None):
    """Told, published, and said by whom."""
    def good():
        found = report(lab, host, by)
        return found if found.get("state") == state else None
    found = wait_for(good, STATE_DEADLINE_S, f"{host}: {state}")
    wait_for(lambda: published(lab, host, by) == state, STATE_DEADLINE_S,
             f"{host}: {state} is published")
    lab.expect(found["reporter"] == (reporter or by), f"{found}")
    lab.note(f"{host} is {state}, says {found['reporter']}: "
             f"{found['evidence']}")


def alerts(lab):
    """All lines that the alert agents of all hosts have written."""
    lines = []
    for host in [h["host"] for h in lab.bed.status() if h["state"] == "on"]:
        done = lab.bed.run(host, "cat", LINES, check=False)
        lines += [line for line in done.stdout.splitlines() if line]
    return lines


def wait_alert(lab, level, needle):
    def good():
        return [line for line in alerts(lab)
                if line.startswith(f"{level}|") and needle in line]
    found = wait_for(good, ALERT_DEADLINE_S, f"alert: {level} {needle}; "
                     f"there are {alerts(lab)}")
    lab.note(f"alert: {found[0]}")


def take_alerts(lab, host):
    """The program that is the alerts' recipient there; they run as
    hacluster."""
    lab.bed.write(host, TAKER, TAKE)
    lab.bed.write(host, LINES, "")
    shell(lab, host, f"chmod 755 {TAKER} && chmod 666 {LINES}")


def told(lab, host, line, about):
    """How often that host's log has the line about the other host."""
    with open(lab.bed.log_path(host), encoding="utf-8", errors="replace") as f:
        return sum(f"] {about} " in row and f"[{line}]" in row for row in f)


@case(heartbeat=3)
def host_states(lab):
    """A host dies, another is cut off and comes back: the master tells each
    state once, publishes it, and Pacemaker's alert agent writes its lines."""
    for host in lab.hosts:
        take_alerts(lab, host)
    manage(lab)
    lab.cluster.configure(lab.cluster.any_host(), ALERT_XML)
    chief = master(lab)
    dying, cut_off = lab.others(chief)
    for host in lab.hosts:
        wait_state(lab, host, chief, "live")
    before = told(lab, chief, "state-dead", dying), \
        told(lab, chief, "state-isolated", cut_off)
    lab.begin()
    lab.mark(f"power of {dying} fails", is_zero=True)
    lab.bed.poweroff(dying)
    wait_state(lab, dying, chief, "dead")
    wait_alert(lab, "err", f"{dying} is dead: Told by the master")
    wait_alert(lab, "warning", f"node {dying} is lost")
    shown = lab.bed.run(chief, "crm_mon", "-1A", check=False).stdout
    lab.note(shown.partition("Node Attributes")[2].strip() or "no attributes")
    power_on(lab, dying)
    take_alerts(lab, dying)
    wait_state(lab, dying, chief, "live")
    wait_alert(lab, "notice", f"{dying} is live: Told by the master")
    wait_open(lab, lab.hosts)

    cut(lab, cut_off, zero=False)
    wait_state(lab, cut_off, chief, "isolated", reporter=cut_off)
    wait_alert(lab, "err", f"{cut_off} is isolated: Told by the master")
    lab.note(lab.bed.run(chief, "vmha", "status", check=False).stdout)
    mend(lab, cut_off)
    back(lab)
    wait_state(lab, cut_off, chief, "live")
    time.sleep(CALM_S)
    after = told(lab, chief, "state-dead", dying), \
        told(lab, chief, "state-isolated", cut_off)
    lab.expect(after == (before[0] + 1, before[1] + 1),
               f"told {after}, before it {before}: each once")
    lab.cluster.crm(chief, "configure delete vmha-alert")


@case(heartbeat=3)
def host_states_join(lab):
    """On one host the fault domain manager can't be started: initialization
    error, until it can. Then the host goes into maintenance, and out."""
    victim = lab.others(lab.cluster.state().dc)[0]
    lab.begin()
    shell(lab, victim, f"mount --bind /bin/false {FDMD}")
    try:
        manage(lab)
        chief = master(lab)
        wait_state(lab, victim, chief, "initialization-error")
        done = lab.bed.run(chief, "vmha", "status", check=False)
        lab.expect(done.returncode == 1 and
                   f"{victim}: initialization error" in done.stdout,
                   f"status: {done.returncode}, {done.stdout}")
    finally:
        shell(lab, victim, f"umount {FDMD}")
    lab.cluster.crm(chief, f"resource cleanup fdm {victim}")
    wait_state(lab, victim, chief, "live")
    lines = ("maintenance-begin", "maintenance", "maintenance-end")
    before = [told(lab, chief, line, victim) for line in lines]
    lab.cluster.crm(chief, f"node standby {victim}")
    wait_for(lambda: told(lab, chief, lines[1], victim) > before[1],
             STATE_DEADLINE_S, "maintenance in the log")
    lab.cluster.crm(chief, f"node online {victim}")
    wait_for(lambda: told(lab, chief, lines[2], victim) > before[2],
             STATE_DEADLINE_S, "the end of maintenance in the log")
    lab.note("maintenance, and its end, are told")
