# SPDX-License-Identifier: GPL-2.0-or-later
# Evidence and fencing: the heartbeat daemon and the fence agent.
include $(wildcard fencing/*/module.mk)
