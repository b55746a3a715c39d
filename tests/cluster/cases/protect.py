# SPDX-License-Identifier: GPL-2.0-or-later
"""The protected list: what its user has powered off stays off, and a full power
loss brings back exactly what was protected, in order."""
import json
import os
import shutil
import time

from bed import wait_for

from . import case
from .cutoff import (RESPONSE_DEADLINE_S, WATCH_S, manage, master, ticket,
                     wait_ticket)
from .heartbeat import power_on
from .maintenance import told, vmha
from .restart import DELAY_S, SLACK_S, in_order, kill, warm

WORD_DEADLINE_S = 20
START_DEADLINE_S = 8  # of a powered off VM, to its guest's first write
OFF_DEADLINE_S = 20
UP_DEADLINE_S = 120


def word(lab, vm, by):
    """PROTECTION of vmha vm list."""
    rows = {row["vm"]: row for row in told(lab, "vm", "list", by=by)["vms"]}
    return rows[vm.name]["protection"]


def wait_word(lab, wanted, by, *vms):
    for vm in vms:
        wait_for(lambda v=vm: word(lab, v, by) == wanted, WORD_DEADLINE_S,
                 f"{vm.name} {wanted}")


def on_disk(lab, by, store="hb1"):
    """{VM: state} of the newest sound copy on a datastore."""
    done = lab.bed.run(by, "vmha", "heartbeat", "dump", "--json",
                       f"/srv/{store}/vmha.hb", check=False)
    copies = json.loads(done.stdout)["protected"]
    best = max((c for c in copies if c["verdict"] == "ok"),
               key=lambda c: (c["term"], c["generation"]))
    return {vm["resource"]: vm["state"] for vm in best["vms"]}


def wait_off(lab, vm, by, reason="powered-off"):
    """Until its ticket is taken away because it is off."""
    found = wait_ticket(lab, vm, by, "false", OFF_DEADLINE_S)
    lab.expect((found.get("vmha-state"), found.get("vmha-reason")) ==
               ("off", reason), f"its ticket says {found}")


def stays_off(lab, *vms):
    time.sleep(WATCH_S)
    for vm in vms:
        lab.expect(not vm.qemus(), f"{vm.name} runs: {vm.qemus()}")


@case(heartbeat=3)
def protect_power_off(lab):
    """A VM that its user powers off is unprotected, its ticket taken away: a
    host's death does not start it, its user does, within seconds."""
    vm, other = lab.vm("web1"), lab.vm("db1")
    boss = lab.cluster.state().dc
    victim, by = lab.others(boss)
    warm(lab)
    manage(lab, vm, on=victim)
    lab.cluster.configure(by, other.primitive(victim))
    lab.cluster.wait_started(other.name, on=victim)
    lab.bed.run(by, "vmha", "vm", "add", other.name)
    wait_word(lab, "protected", by, vm, other)
    lab.begin()
    lab.cluster.crm(by, f"resource stop {vm.name}")
    vm.wait_gone(OFF_DEADLINE_S)
    wait_off(lab, vm, by)
    lab.note("its ticket is taken away")
    lab.expect(on_disk(lab, by) == {"web1": "off", "db1": "protected"},
               f"on disk: {on_disk(lab, by)}")
    lab.expect(word(lab, vm, by) == "unprotected", "it is not unprotected")
    for way in ("crm", "vmha"):
        begun = time.monotonic()
        if way == "crm":
            lab.cluster.crm(by, f"resource start {vm.name}")
        else:
            vmha(lab, "vm", "start", vm.name, by=by)
        vm.wait_write(2 if way == "crm" else 3, START_DEADLINE_S)
        lab.note(f"{way}: writes {time.monotonic() - begun:.2f} s after start")
        wait_word(lab, "protected", by, vm)
        vmha(lab, "vm", "stop", vm.name, by=by)
        wait_off(lab, vm, by)
    kill(lab, victim)
    other.wait_write(2, RESPONSE_DEADLINE_S)
    stays_off(lab, vm)
    wait_off(lab, vm, by)
    power_on(lab, victim)
    vmha(lab, "vm", "start", vm.name, by=by)
    vm.check(ordinal=4)
    other.check(ordinal=2)


def power_fails(lab, *vms):
    """Everywhere at once."""
    lab.mark("all power fails", is_zero=True)
    for host in lab.hosts:
        lab.bed.poweroff(host)
    for vm in vms:
        vm.wait_gone()


def power_is_back(lab):
    lab.mark("power is back")
    for host in lab.hosts:
        lab.bed.poweron(host)


def cib_folder(lab, host):
    return f"{lab.bed.dir}/hosts/{host}/lib-pacemaker/cib"


@case(heartbeat=3)
def protect_cold_start(lab):
    """All power fails. Exactly the protected VMs come back, in order; one that
    was powered off stays off, and so does one whose target-role of an older
    CIB says otherwise, until its user starts it."""
    high = [lab.vm(f"high{i}", params={
        "restart_priority": "high", "ready_condition": "powered-on",
        "ready_delay": f"{DELAY_S}s"}) for i in (1, 2)]
    low = [lab.vm(f"low{i}", params={"restart_priority": "low"})
           for i in (1, 2)]
    off, was = lab.vm("off1"), lab.vm("was1")
    every = [*high, *low, off, was]
    warm(lab)
    manage(lab, *every)
    by = lab.hosts[0]
    vmha(lab, "vm", "stop", off.name, by=by)
    wait_off(lab, off, by)
    wait_word(lab, "protected", by, *high, *low, was)
    for host in lab.hosts:
        shutil.copytree(cib_folder(lab, host), f"{cib_folder(lab, host)}.old")
    vmha(lab, "vm", "stop", was.name, by=by)
    wait_off(lab, was, by)
    lab.expect(on_disk(lab, by)[was.name] == "off", f"{on_disk(lab, by)}")
    lab.begin()
    power_fails(lab, *every)
    for host in lab.hosts:
        old = f"{cib_folder(lab, host)}.old"
        lab.bed.poweroff(host)
        restore(old, cib_folder(lab, host))
    power_is_back(lab)
    for vm in (*high, *low):
        vm.wait_write(2, UP_DEADLINE_S)
    in_order(lab, high, low, DELAY_S - SLACK_S)
    wait_off(lab, was, by, "was-off")
    wait_off(lab, off, by)
    stays_off(lab, off, was)
    wait_word(lab, "protected", by, *high, *low)
    lab.expect(word(lab, was, by) == "unprotected", "was1 is not unprotected")
    why = vmha(lab, "why", was.name, by=by, code=None).stdout
    lab.expect("powered off when the cluster lost its power" in why, why)
    vmha(lab, "vm", "start", was.name, by=by)
    was.check(ordinal=2)
    lab.cluster.crm(by, f"resource start {off.name}")
    off.wait_write(2, UP_DEADLINE_S)
    for vm in (*high, *low):
        vm.check(ordinal=2)


def restore(old, new):
    """The folder as it was, of its owner."""
    stat = os.stat(new)
    shutil.rmtree(new)
    os.rename(old, new)
    for folder, _, names in os.walk(new):
        os.chown(folder, stat.st_uid, stat.st_gid)
        for name in names:
            os.chown(f"{folder}/{name}", stat.st_uid, stat.st_gid)


@case(heartbeat=3)
def protect_master_dies(lab):
    """The master's host dies with a VM powered off: the next master reads the
    list, starts what was protected, and leaves off what was off."""
    vm, off = lab.vm("web1"), lab.vm("off1")
    warm(lab)
    boss = max(lab.hosts)  # by the rule of the election
    by = lab.others(boss)[0]
    manage(lab, vm, off, on=boss)
    wait_for(lambda: master(lab, by) == boss, WORD_DEADLINE_S, "the master")
    vmha(lab, "vm", "stop", off.name, by=by)
    wait_off(lab, off, by)
    wait_word(lab, "protected", by, vm)
    kill(lab, boss)
    vm.wait_write(2, RESPONSE_DEADLINE_S)
    wait_word(lab, "protected", by, vm)
    lab.expect(on_disk(lab, by) == {"web1": "protected", "off1": "off"},
               f"on disk: {on_disk(lab, by)}")
    stays_off(lab, off)
    wait_off(lab, off, by)
    lab.cluster.crm(by, f"resource start {off.name}")
    off.wait_write(2, START_DEADLINE_S)
    power_on(lab, boss)
    for one in (vm, off):
        one.check(ordinal=2)


@case(heartbeat=3)
def protect_storage_back(lab):
    """One heartbeat datastore fails on all hosts while a VM is powered off:
    the others take the word, and it is written there when it is back."""
    vm = lab.vm("web1")
    by = lab.hosts[0]
    warm(lab)
    manage(lab, vm)
    wait_word(lab, "protected", by, vm)
    lab.mark("hb1 fails everywhere")
    lab.bed.fault("all", "hb1", "all", "fail EIO")
    vmha(lab, "vm", "stop", vm.name, by=by)
    wait_off(lab, vm, by)
    lab.expect(on_disk(lab, by, "hb2") == {"web1": "off"},
               f"on hb2: {on_disk(lab, by, 'hb2')}")
    lab.bed.heal()
    lab.mark("hb1 is back")
    wait_for(lambda: on_disk(lab, by) == {"web1": "off"}, WORD_DEADLINE_S,
             "the list on hb1")
    vmha(lab, "vm", "start", vm.name, by=by)
    wait_word(lab, "protected", by, vm)
    text = vmha(lab, "heartbeat", "dump", "/srv/hb1/vmha.hb", by=by).stdout
    lab.expect("protected list" in text and "web1" in text, text)
    vm.check(ordinal=2)


@case(heartbeat=3)
def protect_managers_stopped(lab):
    """All managers are stopped: a VM that is powered off can be started with
    crm all the same; with the managers back it is off again when stopped."""
    vm = lab.vm("web1")
    by = lab.hosts[0]
    warm(lab)
    manage(lab, vm)
    vmha(lab, "vm", "stop", vm.name, by=by)
    wait_off(lab, vm, by)
    lab.mark("all managers are stopped")
    lab.cluster.crm(by, "--wait resource stop fault-domain")
    wait_ticket(lab, vm, by, "true")
    lab.expect(not vm.qemus(), "it was started")
    lab.cluster.crm(by, f"resource start {vm.name}")
    vm.wait_write(2, START_DEADLINE_S)
    lab.expect(word(lab, vm, by) == "unprotected", "nobody is master")
    lab.cluster.crm(by, "--wait resource start fault-domain")
    wait_word(lab, "protected", by, vm)
    lab.cluster.crm(by, f"resource stop {vm.name}")
    wait_off(lab, vm, by)
    lab.expect(ticket(lab, vm, by)["granted"] == "false", "it is granted")
    vmha(lab, "vm", "start", vm.name, by=by)
    vm.check(ordinal=3)
