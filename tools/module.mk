# SPDX-License-Identifier: GPL-2.0-or-later
# The vmha command; its man pages and the tables of its bash completion come
# out of the program.
SBINDIR ?= $(PREFIX)/sbin
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
VMHA := $(BUILD)/tools/vmha/vmha
VMHA_ARCHIVES = $(HA_IO_DISK) $(HA_IO_WATCHDOG) $(HA_IO_COROSYNC) \
	$(HA_IO_IPC) $(HA_IO_WORKER) $(HA_IO_CLOCK) $(HA_IO_PROC) \
	$(HA_IO_HOSTCONF) $(HA_IO_RECORD) $(HA_PARAMS) $(HA_CODEC) $(HA_CORE) \
	$(HA_BASE)
VMHA_MAN := $(BUILD)/docs/man/vmha.8 $(BUILD)/docs/man/vmha-heartbeat.8 \
	$(BUILD)/docs/man/vmha.conf.5
VMHA_COMPLETION := $(BUILD)/packaging/completion/vmha

# The fault domain manager's lines for the catalogue of events, as it tells
# them.
VMHA_FDM_LINES := $(BUILD)/tools/vmha/fdm_lines
$(VMHA_FDM_LINES).c: tools/vmha/fdm_lines.awk $(FDM_DAEMON)
	@mkdir -p $(@D)
	$(FDM_DAEMON) --log-lines | awk -f $< > $@.new && mv $@.new $@
$(VMHA_FDM_LINES).o: $(VMHA_FDM_LINES).c
	$(CC) $(ALL_CPPFLAGS) -Itools/vmha $(ALL_CFLAGS) -c -o $@ $<

$(VMHA): $(call objs,tools/vmha) $(VMHA_FDM_LINES).o $(VMHA_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(VMHA_ARCHIVES) -Wl,--end-group \
		-laio -lcpg -lquorum -lvotequorum -lcmap -ljansson -lexpat \
		-lglib-2.0

$(VMHA_MAN): $(BUILD)/docs/man/%: $(VMHA)
	@mkdir -p $(@D)
	$< --man $(basename $*) > $@
$(VMHA_COMPLETION): packaging/completion/vmha.bash $(VMHA)
	@mkdir -p $(@D)
	{ head -n 1 $<; $(VMHA) --completion; tail -n +2 $<; } > $@
PROGRAMS += $(VMHA) $(VMHA_MAN) $(VMHA_COMPLETION)

install-vmha: $(VMHA) $(VMHA_MAN) $(VMHA_COMPLETION)
	$(INSTALL) -D -m 755 $(VMHA) $(DESTDIR)$(SBINDIR)/vmha
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 $(filter %.5,$(VMHA_MAN)) $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 $(filter %.8,$(VMHA_MAN)) $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -D -m 644 $(VMHA_COMPLETION) \
		$(DESTDIR)$(COMPLETIONDIR)/vmha
INSTALLS += install-vmha
