# SPDX-License-Identifier: GPL-2.0-or-later
# What ocf:vmha:FaultDomain promises about its daemon, with the real vmha-fdmd
# in namespaces of the test's own, without a cluster. Needs root.

.PHONY: check-fdm-agent
check-fdm-agent: $(FDM_AGENT) $(FDM_DIR)/vmha-fdmd
	$(PYTHON) -B tests/agents/fault_domain/run.py \
		--agent $(abspath $(FDM_AGENT)) \
		--daemon $(abspath $(FDM_DIR)/vmha-fdmd)

CHECKS += check-fdm-agent
HELP += "make check-fdm-agent: the FaultDomain agent and its daemon (needs root)"
