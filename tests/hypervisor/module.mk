# SPDX-License-Identifier: GPL-2.0-or-later
# The libvirt module against a real libvirtd and QEMU in private namespaces.

HV_DRIVER := $(BUILD)/tests/hypervisor/hv-driver

$(HV_DRIVER): $(BUILD)/tests/hypervisor/driver.o $(HA_IO_CLOCK) $(HA_BASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) -ldl

HV_ENV = HV_DRIVER=$(abspath $(HV_DRIVER)) HV_MODULE=$(abspath $(HV_MODULE)) \
	NANO_ELF=$(abspath $(NANO_ELF))

check-hypervisor: $(HV_DRIVER) $(HV_MODULE) guest
	$(HV_ENV) $(PYTHON) tests/hypervisor/test_hypervisor.py
	$(HV_ENV) $(PYTHON) tests/hypervisor/test_channels.py

CHECKS += check-hypervisor
HELP += "make check-hypervisor: the libvirt module against a real libvirtd (needs root)"
