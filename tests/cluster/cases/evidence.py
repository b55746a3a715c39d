# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept of a failed test: the cluster's own view and every log that a
person would ask for, in one folder per test."""
import glob
import os
import re
import shutil

import setting
from bed import BedError

LOGS = ("messages", "boot.log", "corosync/corosync.log",
        "pacemaker/pacemaker.log", "libvirt/libvirtd.log", "libvirt/qemu/*",
        "vmha/heartbeatd.log", "watchdog.log", "faultfs.log")
AGENT_LINE = re.compile(r"VirtualMachine\(|_(start|stop|migrate_\w+|monitor)"
                        r"_\d+:\d+|Result of")
MON_DEADLINE_S = 15


def _view(lab, folder):
    for name, argv in (("crm_mon", ["crm_mon", "-1", "-r", "-f", "-o"]),
                       ("cib.xml", ["cibadmin", "-Q"])):
        try:
            text = lab.bed.run(lab.cluster.any_host(), *argv, check=False,
                               deadline_s=MON_DEADLINE_S).stdout
        except BedError as e:
            text = f"{e}\n"
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text)


def _host_logs(source, target):
    os.makedirs(target, exist_ok=True)
    for pattern in LOGS:
        for path in glob.glob(f"{source}/{pattern}"):
            shutil.copy(path, f"{target}/{os.path.basename(path)}")
    log = f"{source}/pacemaker/pacemaker.log"
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as f, \
                open(f"{target}/agent.log", "w", encoding="utf-8") as out:
            out.writelines(line for line in f if AGENT_LINE.search(line))


def collect(lab, name, table, why):
    """The folder, or a sentence why there is none; never raises for logs."""
    folder = f"{setting.build_dir()}/tests/cluster/{name}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(f"{folder}/timeline", "w", encoding="utf-8") as f:
            f.write(f"{table}\n\n{why}\n")
        if lab is None:
            return folder
        if lab.bed.is_up():
            _view(lab, folder)
        for source in glob.glob(f"{lab.bed.dir}/hosts/h*/log"):
            host = os.path.basename(os.path.dirname(source))
            _host_logs(source, f"{folder}/{host}")
        with open(f"{folder}/qemus", "w", encoding="utf-8") as f:
            f.writelines(f"{vm.name}: {vm.qemus()}\n" for vm in lab.vms)
    except OSError as e:
        return f"none ({e})"
    return folder
