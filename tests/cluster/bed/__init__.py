# SPDX-License-Identifier: GPL-2.0-or-later
"""Test bed: real hosts (corosync, Pacemaker, libvirtd) on one machine.

For tests: `from bed import Bed, BedError`. Nothing of it is installed.
"""
from .client import Bed
from .proc import BedError, wait_for

__all__ = ["Bed", "BedError", "wait_for"]
