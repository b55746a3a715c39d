# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time goes from a host's death to the guest's first disk write.

Stamps come from what each step leaves behind on one clock: the daemons' log
lines, the start time of the QEMU process (to 10 ms), the disk witness (to the
interval that it is sampled with).
"""
from bed import BedError

# key, what has happened by then, who did it
STEPS = (
    ("token", "the token is lost", "corosync"),
    ("membership", "the new membership", "corosync"),
    ("fenced", "fencing is done", "Pacemaker"),
    ("start", "the start action begins", "Pacemaker"),
    ("qemu", "the QEMU process", "agent, libvirt"),
    ("agent", "the agent is done", "agent"),
    ("write", "the guest's first disk write", "guest"),
)
KEYS = [key for key, _, _ in STEPS]


def measure(lab, vm, victim, ordinal):
    """{key: seconds since the timeline's zero}, the victim's death."""
    line = lab.line
    (qemu,) = vm.qemus()
    found = {
        "token": line.first("corosync: a processor failed"),
        "membership": line.first(f"membership: {victim} lost"),
        "fenced": line.first(f"fencing result: off {victim} OK"),
        "start": line.first(f"op begin: start {vm.name} "),
        "qemu": qemu.born_mono - line.t0,
        "agent": line.first(f"op end: start {vm.name} "),
        "write": vm.first_write_mono(ordinal) - line.t0,
    }
    missing = [key for key in KEYS if found[key] is None]
    if missing:
        raise BedError(f"no trace of: {', '.join(missing)}\n{lab.table()}")
    return found


def durations(times):
    """Seconds that each step took after the one before it."""
    before = [0.0] + [times[key] for key in KEYS[:-1]]
    return {key: times[key] - at for key, at in zip(KEYS, before)}
