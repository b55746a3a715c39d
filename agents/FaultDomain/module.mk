# SPDX-License-Identifier: GPL-2.0-or-later
# ocf:vmha:FaultDomain, the agent that starts vmha-fdmd and looks after it.
# The daemon is made of everything else in this folder.
FDM_DIR := $(BUILD)/agents/FaultDomain
FDM_AGENT := $(FDM_DIR)/FaultDomain
FDM_AGENT_OBJS := $(FDM_DIR)/agent.o $(FDM_DIR)/agent_daemon.o
FDM_AGENT_ARCHIVES = $(AGENT_RUNTIME) $(HA_PARAMS) $(HA_IO_PROC) $(HA_IO_IPC) \
	$(HA_CODEC) $(HA_IO_CLOCK) $(HA_BASE)

$(FDM_DIR)/man_body.c: agents/FaultDomain/man.roff
	@mkdir -p $(@D)
	{ echo '#include "FaultDomain/agent.h"'; \
	  echo 'const char FDM_MAN_BODY[] ='; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $<; echo ';'; } > $@
$(FDM_DIR)/man_body.o: $(FDM_DIR)/man_body.c
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-overlength-strings -c -o $@ $<

$(FDM_AGENT): $(FDM_AGENT_OBJS) $(FDM_DIR)/man_body.o $(FDM_AGENT_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(FDM_AGENT_ARCHIVES) \
		-lexpat -ljansson
PROGRAMS += $(FDM_AGENT)

$(BUILD)/docs/man/ocf_vmha_FaultDomain.7: $(FDM_AGENT)
	@mkdir -p $(@D)
	$< manpage > $@
PROGRAMS += $(BUILD)/docs/man/ocf_vmha_FaultDomain.7

install-FaultDomain: $(FDM_AGENT) $(BUILD)/docs/man/ocf_vmha_FaultDomain.7
	$(INSTALL) -D -m 755 $(FDM_AGENT) $(DESTDIR)$(OCFDIR)/FaultDomain
	$(INSTALL) -D -m 644 $(BUILD)/docs/man/ocf_vmha_FaultDomain.7 \
		$(DESTDIR)$(MANDIR)/man7/ocf_vmha_FaultDomain.7
INSTALLS += install-FaultDomain

# The isolation responder, an archive so that tests can run it in a program of
# their own. It runs the installed VM agent; who links it adds $(HA_IO_ICMP).
FDM_RESPONDER := $(FDM_DIR)/libfdm-responder.a
FDM_RESPONDER_OBJS := $(patsubst %,$(FDM_DIR)/%.o,isolation respond respond_run)
$(FDM_RESPONDER_OBJS): ALL_CPPFLAGS += -DVMHA_OCFDIR='"$(OCFDIR)"'
$(FDM_RESPONDER): $(FDM_RESPONDER_OBJS)
LIBS += $(FDM_RESPONDER)
