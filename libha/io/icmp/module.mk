# SPDX-License-Identifier: LGPL-2.1-or-later
# Pings and default gateways; links libc only.
HA_IO_ICMP := $(BUILD)/libha/libha-io-icmp.a
$(HA_IO_ICMP): $(call objs,libha/io/icmp)
LIBS += $(HA_IO_ICMP)
