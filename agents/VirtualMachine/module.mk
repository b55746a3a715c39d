# SPDX-License-Identifier: GPL-2.0-or-later
# ocf:vmha:VirtualMachine. The roff part of its man page becomes a C string,
# so that the page comes whole out of the program.
VM_DIR := $(BUILD)/agents/VirtualMachine
VM_AGENT := $(VM_DIR)/VirtualMachine
VM_ARCHIVES = $(AGENT_RUNTIME) $(HA_CORE) $(HA_PARAMS) $(HA_IO_RECORD) \
	$(HA_IO_HYPERVISOR) $(HA_IO_HOSTCONF) $(HA_IO_PROC) $(HA_IO_QMP) \
	$(HA_IO_VMLIST) $(HA_IO_IPC) $(HA_IO_WORKER) $(HA_CODEC) \
	$(HA_IO_CLOCK) $(HA_BASE)

$(VM_DIR)/man_body.c: agents/VirtualMachine/man.roff
	@mkdir -p $(@D)
	{ echo '#include "VirtualMachine/vm.h"'; \
	  echo 'const char VM_MAN_BODY[] ='; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $<; echo ';'; } > $@
$(VM_DIR)/man_body.o: $(VM_DIR)/man_body.c
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-overlength-strings -c -o $@ $<

$(VM_AGENT): $(call objs,agents/VirtualMachine) $(VM_DIR)/man_body.o \
		$(VM_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(VM_ARCHIVES) \
		-lexpat -ljansson
PROGRAMS += $(VM_AGENT)

$(BUILD)/docs/man/ocf_vmha_VirtualMachine.7: $(VM_AGENT)
	@mkdir -p $(@D)
	$< manpage > $@
PROGRAMS += $(BUILD)/docs/man/ocf_vmha_VirtualMachine.7

install-VirtualMachine: $(VM_AGENT) $(BUILD)/docs/man/ocf_vmha_VirtualMachine.7
	$(INSTALL) -D -m 755 $(VM_AGENT) $(DESTDIR)$(OCFDIR)/VirtualMachine
	$(INSTALL) -D -m 644 $(BUILD)/docs/man/ocf_vmha_VirtualMachine.7 \
		$(DESTDIR)$(MANDIR)/man7/ocf_vmha_VirtualMachine.7
INSTALLS += install-VirtualMachine
