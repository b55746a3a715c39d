# SPDX-License-Identifier: LGPL-2.1-or-later
# libha: one archive per layer, so that a program links only what it uses.
# base < core, codec, params < io (DESIGN in docs/ARCHITECTURE.md, "Layers").

objs = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

HA_BASE := $(BUILD)/libha/libha-base.a
HA_CORE := $(BUILD)/libha/libha-core.a
HA_CODEC := $(BUILD)/libha/libha-codec.a
HA_PARAMS := $(BUILD)/libha/libha-params.a
HA_IO_CLOCK := $(BUILD)/libha/libha-io-clock.a

$(HA_BASE): $(call objs,libha/base)
$(HA_CORE): $(call objs,libha/core)
$(HA_CODEC): $(call objs,libha/codec)
$(HA_PARAMS): $(call objs,libha/params)
$(HA_IO_CLOCK): $(call objs,libha/io/clock)

# GLib's key file for vmha.conf; who links hbconf.o adds -lglib-2.0.
$(BUILD)/libha/codec/hbconf.o: ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags glib-2.0))

LIBS += $(HA_BASE) $(HA_CORE) $(HA_CODEC) $(HA_PARAMS) $(HA_IO_CLOCK)

include $(wildcard libha/io/module.mk libha/io/*/module.mk)
