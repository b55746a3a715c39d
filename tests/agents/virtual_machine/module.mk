# SPDX-License-Identifier: GPL-2.0-or-later
# What ocf:vmha:VirtualMachine promises, with real processes: a libvirtd, QEMU
# and guests on one host of the test bed, the agent called as the executor
# calls it. Needs root.

VM_CHECK_STAGE := $(BUILD)/tests/vm-agent/stage
VM_CHECK_WHICH ?=

.PHONY: check-vm-agent
check-vm-agent: build guest bed
	rm -rf $(VM_CHECK_STAGE)
	$(MAKE) --no-print-directory -s install PREFIX=/usr \
		DESTDIR=$(abspath $(VM_CHECK_STAGE))
	BUILD=$(abspath $(BUILD)) $(PYTHON) -B \
		tests/agents/virtual_machine/run.py \
		--stage $(abspath $(VM_CHECK_STAGE)) \
		--nano $(abspath $(NANO_ELF)) $(VM_CHECK_WHICH)

CHECKS += check-vm-agent
HELP += "make check-vm-agent: the VirtualMachine agent on a real host with" \
	"           libvirtd and QEMU (needs root; VM_CHECK_WHICH=PATTERN)"
