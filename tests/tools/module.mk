# SPDX-License-Identifier: GPL-2.0-or-later
# The vmha command on real files: areas, refusals, damaged blocks, check.

TOOLS_TRY := $(BUILD)/tests/tools

check-tools: $(VMHA) $(VMHA_COMPLETION) $(VMHA_MAN) $(VM_AGENT) $(FDM_AGENT)
	@mkdir -p $(TOOLS_TRY)
	VMHA=$(abspath $(VMHA)) VMHA_TRY=$(abspath $(TOOLS_TRY)) \
	VMHA_COMPLETION=$(abspath $(VMHA_COMPLETION)) \
	VMHA_MAN="$(abspath $(VMHA_MAN))" \
	VMHA_AGENTS=$(abspath $(BUILD)/agents) \
		$(PYTHON) -B -m unittest discover -s tests/tools -p 'test_*.py'

CHECKS += check-tools
HELP += "make check-tools: the vmha command on real files"
