# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the product and the guest of a run are, and what the machine can do.

Shared by the cluster tests, the demo and the row of kills: each needs the
installed tree, the guest and the accelerator before it can make a bed.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(f"{HERE}/../..")
ACCEL_DEADLINE_S = 20
COMMAND_DEADLINE_S = 30
RAM_SIZE = "2g"
RAM_MARK = "VMHA_RAM_FOLDER"


class SettingError(Exception):
    """Something is missing, with the command that provides it."""


def build_dir():
    return os.path.abspath(os.environ.get("BUILD", f"{ROOT}/build"))


def stage_dir():
    return os.environ.get("VMHA_STAGE", f"{build_dir()}/tests/cluster/stage")


def guest_elf():
    return os.environ.get("NANO_ELF", f"{build_dir()}/tests/guest/nano.elf")


def accelerator():
    """"kvm" only where a guest was seen to run under it, else "qemu"."""
    done = subprocess.run([f"{HERE}/guest/accel", guest_elf()], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=ACCEL_DEADLINE_S, check=True)
    return done.stdout.strip()


def ram_folder():
    """A folder in memory for beds whose times are measured: the machine's one
    disk may stand still for seconds when somebody else writes. It lies in a
    mount namespace of this program's own, which is begun anew for that, and
    ends with it."""
    path = f"{build_dir()}/tests/cluster/ram"
    if os.environ.get(RAM_MARK) != path:
        os.makedirs(path, exist_ok=True)
        os.environ[RAM_MARK] = path
        os.execvp("unshare", ["unshare", "--mount", "--propagation",
                              "private", sys.executable, *sys.argv])
    if not os.path.ismount(path):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={RAM_SIZE}",
                        "vmha-ram", path], check=True,
                       stdin=subprocess.DEVNULL, timeout=COMMAND_DEADLINE_S)
    return path


def require():
    """Says what is missing before minutes are spent."""
    if os.geteuid() != 0:
        raise SettingError("needs root: hosts are made of namespaces, mounts "
                           "and veth pairs")
    agent = f"{stage_dir()}/usr/lib/ocf/resource.d/vmha/VirtualMachine"
    for path in (agent, guest_elf()):
        if not os.path.exists(path):
            raise SettingError(f"{path} is missing; run: make cluster-stage")
