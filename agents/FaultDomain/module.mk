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

# The daemon: everything of this folder that is not the agent's or the
# responder's. It alone links Pacemaker's libraries.
FDM_DAEMON := $(FDM_DIR)/vmha-fdmd
FDM_PKGS := gio-2.0 gio-unix-2.0 libxml-2.0 pacemaker-cib
FDM_FACTS := $(FDM_DIR)/libfdm-facts.a
FDM_FACTS_OBJS := $(patsubst %,$(FDM_DIR)/%.o, \
	admit_rows capacity_xml facts facts_config facts_history facts_host \
	facts_migration facts_ready facts_xml found_facts guest_cib \
	project protect restart restart_crash restart_nodes restart_policy \
	restart_ready restart_room restart_text restart_track shapes snap \
	snap_json stock stock_digest tickets)
FDM_DAEMON_OBJS := $(filter-out $(FDM_AGENT_OBJS) $(FDM_RESPONDER_OBJS) \
	$(FDM_FACTS_OBJS),$(call objs,agents/FaultDomain))
FDM_DAEMON_ARCHIVES = $(FDM_FACTS) $(FDM_RESPONDER) $(HA_IO_CIB) $(HA_IO_ICMP) \
	$(HA_IO_VMLIST) $(HA_IO_WORKER) $(HA_IO_RECORD) $(HA_IO_HOSTCONF) \
	$(HA_IO_HOSTCAP) $(HA_IO_QMP) $(HA_IO_PROC) $(HA_IO_IPC) $(HA_PARAMS) \
	$(HA_CODEC) $(HA_CORE) $(HA_IO_CLOCK) $(HA_BASE)

$(FDM_DAEMON_OBJS) $(FDM_FACTS_OBJS): ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))
# What reads the CIB and heartbeatd's answers, for tests too.
$(FDM_FACTS): $(FDM_FACTS_OBJS)
LIBS += $(FDM_FACTS)
$(FDM_DAEMON): $(FDM_DAEMON_OBJS) $(FDM_DAEMON_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(FDM_DAEMON_ARCHIVES) \
		$(shell $(PKG_CONFIG) --libs $(FDM_PKGS)) -lexpat -ljansson \
		-pthread
PROGRAMS += $(FDM_DAEMON)

install-fdmd: $(FDM_DAEMON)
	$(INSTALL) -D -m 755 $(FDM_DAEMON) $(DESTDIR)$(LIBEXECDIR)/vmha-fdmd
INSTALLS += install-fdmd
