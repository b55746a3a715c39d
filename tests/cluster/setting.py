# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the product and the guest of a run are, and what the machine can do.

Shared by the cluster tests, the demo and the row of kills: each needs the
installed tree, the guest and the accelerator before it can make a bed.
"""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(f"{HERE}/../..")
ACCEL_DEADLINE_S = 20


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


def require():
    """Says what is missing before minutes are spent."""
    if os.geteuid() != 0:
        raise SettingError("needs root: hosts are made of namespaces, mounts "
                           "and veth pairs")
    agent = f"{stage_dir()}/usr/lib/ocf/resource.d/vmha/VirtualMachine"
    for path in (agent, guest_elf()):
        if not os.path.exists(path):
            raise SettingError(f"{path} is missing; run: make cluster-stage")
