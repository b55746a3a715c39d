# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts of two versions in one cluster, as in every update: one runs the
daemon of a version to come, whose blocks and messages carry newer minor
numbers and another program version."""
import json

from bed import wait_for

from . import case
from .cutoff import (LINKS, back, cut, manage, mend, quiet, stays, wait_held,
                     wait_sealed)
from .heartbeat import (ONLINE_DEADLINE_S, SEEN_DEADLINE_S, is_off, moved,
                        power_on, seen, status)

DAEMON = "/usr/sbin/vmha-heartbeatd"
NEXT = "/usr/libexec/vmha-next/vmha-heartbeatd"
NEXT_VERSION = "0.99"
DAEMONS = ("corosync", "heartbeatd", "libvirtd", "pacemaker")


def update(lab, host):
    """The host boots with the daemon of the version to come."""
    if is_off(lab, host) is None:
        lab.bed.shutdown(host)
    lab.bed.boot(host)
    lab.bed.run(host, "mount", "--bind", NEXT, DAEMON)
    for daemon in DAEMONS:
        lab.bed.start(host, daemon)
    lab.cluster.wait_online(ONLINE_DEADLINE_S)
    for by in lab.others(host):
        wait_for(lambda b=by: seen(lab, host, b)["state"] == "live",
                 SEEN_DEADLINE_S, f"{host} live as {by} sees it")
    version = status(lab, host)["self"]["version"]
    lab.note(f"{host} runs {version}")
    lab.expect(version.startswith(NEXT_VERSION), f"{host} runs {version}")


def programs(lab, by):
    """{host: version}, as the datastores say."""
    text = lab.bed.run(by, "vmha", "heartbeat", "dump", "--json",
                       "/srv/hb1/vmha.hb").stdout
    return {beat["host"]: beat["program"] for beat in beats(json.loads(text))}


def beats(value):
    """Every object with a program in it, wherever it stands."""
    if isinstance(value, dict):
        if "program" in value and "host" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from beats(one)


@case(heartbeat=3)
def versions_death(lab):
    """One host of three runs the next version: each finds the other's death
    proven, and its VM restarts."""
    update(lab, "h3")
    found = programs(lab, "h1")
    lab.note(f"programs: {found}")
    lab.expect(found["h3"] == NEXT_VERSION and found["h1"] != NEXT_VERSION,
               f"programs: {found}")
    vm = lab.vm("web1")
    lab.protect(vm, on="h3")
    lab.begin()
    lab.mark("power of h3 (the next version) fails", is_zero=True)
    lab.bed.poweroff("h3")
    there = moved(lab, vm, "h3", 2, "silent")
    update(lab, "h3")
    lab.begin()
    lab.mark(f"power of {there} fails, h3 is left with another", is_zero=True)
    lab.bed.poweroff(there)
    moved(lab, vm, there, 3, "silent")
    power_on(lab, there)


@case(heartbeat=3)
def versions_cut(lab):
    """One host of three runs the next version and is cut off: sealed, held,
    and back, as among equals."""
    update(lab, "h3")
    vm = lab.vm("web1")
    manage(lab, vm, on="h3")
    cut(lab, "h3")
    wait_sealed(lab, "h3")
    wait_held(lab, "h1", "h3", vm)
    stays(lab, "held", web1=["h3"])
    mend(lab, "h3")
    back(lab, vm)
    vm.check(ordinal=1)
    quiet(lab, f"cut {' and '.join(LINKS)}")
