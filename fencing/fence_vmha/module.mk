# SPDX-License-Identifier: GPL-2.0-or-later
# fence_vmha: the fence agent, and the man page that it prints itself.
SBINDIR ?= $(PREFIX)/sbin
FENCE_VMHA := $(BUILD)/fencing/fence_vmha/fence_vmha
FENCE_VMHA_ARCHIVES = $(HA_IO_IPC) $(HA_CODEC) $(HA_CORE) $(HA_IO_CLOCK) \
	$(HA_BASE)
$(FENCE_VMHA): $(call objs,fencing/fence_vmha) $(FENCE_VMHA_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(FENCE_VMHA_ARCHIVES) \
		-ljansson
$(BUILD)/docs/man/fence_vmha.8: $(FENCE_VMHA)
	@mkdir -p $(@D)
	$< -o manpage > $@
PROGRAMS += $(FENCE_VMHA) $(BUILD)/docs/man/fence_vmha.8

install-fence_vmha: $(FENCE_VMHA) $(BUILD)/docs/man/fence_vmha.8
	$(INSTALL) -D -m 755 $(FENCE_VMHA) $(DESTDIR)$(SBINDIR)/fence_vmha
	$(INSTALL) -D -m 644 $(BUILD)/docs/man/fence_vmha.8 \
		$(DESTDIR)$(MANDIR)/man8/fence_vmha.8
INSTALLS += install-fence_vmha
