# SPDX-License-Identifier: LGPL-2.1-or-later
# Pacemaker's CIB by libcib. Only the fault domain manager links it.
CIB_PKGS := pacemaker-cib libxml-2.0 glib-2.0
HA_IO_CIB := $(BUILD)/libha/libha-io-cib.a
CIB_OBJS := $(call objs,libha/io/cib)
CIB_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(CIB_PKGS)))

$(CIB_OBJS): ALL_CPPFLAGS += $(CIB_CFLAGS)
$(HA_IO_CIB): $(CIB_OBJS)
LIBS += $(HA_IO_CIB)
