# SPDX-License-Identifier: GPL-2.0-or-later
# vmha-heartbeatd. The beating half is an archive of its own, so that tests
# can run several hosts' daemons in one process.
SBINDIR ?= $(PREFIX)/sbin
HB_DIR := $(BUILD)/fencing/heartbeat
HB_DAEMON := $(HB_DIR)/vmha-heartbeatd
HB_BEATING := $(HB_DIR)/libhb-beating.a
HB_BEATING_OBJS := $(patsubst %,$(HB_DIR)/%.o,beat boot boot_agree boot_slot \
	event hold_list job list pet seen stop store store_open)
HB_ARCHIVES = $(HB_BEATING) $(HA_IO_DISK) $(HA_IO_WATCHDOG) \
	$(HA_IO_COROSYNC) $(HA_IO_IPC) $(HA_CODEC) $(HA_CORE) \
	$(HA_IO_CLOCK) $(HA_BASE)

$(HB_BEATING): $(HB_BEATING_OBJS)
LIBS += $(HB_BEATING)

# The serving half but for main(), so that tests can put questions to parts.
HB_SERVING := $(HB_DIR)/libhb-serving.a
$(HB_SERVING): $(filter-out $(HB_BEATING_OBJS) $(HB_DIR)/main.o, \
	$(call objs,fencing/heartbeat))
LIBS += $(HB_SERVING)

$(HB_DAEMON): $(filter-out $(HB_BEATING_OBJS),$(call objs,fencing/heartbeat)) \
		$(HB_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(HB_ARCHIVES) \
		-laio -lcpg -lquorum -lvotequorum -lcmap -lqb -ljansson \
		$(shell $(PKG_CONFIG) --libs glib-2.0) -pthread
PROGRAMS += $(HB_DAEMON)

HB_MAN := $(BUILD)/docs/man/vmha-heartbeatd.8
$(HB_MAN): fencing/heartbeat/man.8.roff VERSION
	@mkdir -p $(@D)
	sed 's/@VERSION@/$(VERSION)/' $< > $@
PROGRAMS += $(HB_MAN)

install-heartbeatd: $(HB_DAEMON) $(HB_MAN)
	$(INSTALL) -D -m 755 $(HB_DAEMON) $(DESTDIR)$(SBINDIR)/vmha-heartbeatd
	$(INSTALL) -D -m 644 $(HB_MAN) \
		$(DESTDIR)$(MANDIR)/man8/vmha-heartbeatd.8
INSTALLS += install-heartbeatd
