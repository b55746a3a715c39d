# SPDX-License-Identifier: GPL-2.0-or-later
"""Test bed: real hosts (corosync, Pacemaker, libvirtd) on one machine.

For tests: Bed makes and ends the hosts, Cluster asks Pacemaker, Timeline says
what happened when. Nothing of it is installed.
"""
from .client import Bed
from .cluster import Cluster, State
from .proc import BedError, wait_for
from .timeline import Timeline

__all__ = ["Bed", "BedError", "Cluster", "State", "Timeline", "wait_for"]
