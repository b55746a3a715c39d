# SPDX-License-Identifier: GPL-2.0-or-later
# vmha-guest-ask, which vmha-fdmd runs to ask guests whether they are well.
GUEST_ASK := $(BUILD)/agents/GuestAsk/vmha-guest-ask
GUEST_ASK_ARCHIVES = $(HA_IO_HYPERVISOR) $(HA_IO_CLOCK) $(HA_BASE)

$(GUEST_ASK): $(call objs,agents/GuestAsk) $(GUEST_ASK_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(GUEST_ASK_ARCHIVES) \
		-pthread
PROGRAMS += $(GUEST_ASK)

install-guest-ask: $(GUEST_ASK)
	$(INSTALL) -D -m 755 $(GUEST_ASK) $(DESTDIR)$(LIBEXECDIR)/vmha-guest-ask
INSTALLS += install-guest-ask
