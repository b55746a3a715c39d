# SPDX-License-Identifier: GPL-2.0-or-later
# What OCF and agents/runtime/agent.h promise, checked from outside on every
# agent there is and on Sample, which exists for these tests only.

SAMPLE_AGENT := $(BUILD)/tests/agents/Sample
# Daemons of agents are called vmha-NAME.
OCF_AGENTS = $(foreach p,$(filter $(BUILD)/agents/%,$(PROGRAMS)),$(if \
	$(filter vmha-%,$(notdir $(p))),,$(p)))

$(SAMPLE_AGENT): $(BUILD)/tests/agents/sample.o $(AGENT_RUNTIME) \
		$(HA_PARAMS) $(HA_IO_CLOCK) $(HA_BASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^)

check-agents: $(SAMPLE_AGENT) $(OCF_AGENTS)
	$(PYTHON) -B tests/agents/run.py --sample $(SAMPLE_AGENT) \
		$(OCF_AGENTS)

CHECKS += check-agents
HELP += "make check-agents: OCF conformance of each agent, promises of the" \
	"           runtime (best as root)"
