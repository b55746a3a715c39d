# SPDX-License-Identifier: GPL-2.0-or-later
# fence_vmha as a process: FenceAgentAPI.md, without a daemon and with one
# that says what the test wants it to say. Verdicts are the core's tests, the
# real thing is in check-cluster.
check-fence: $(FENCE_VMHA)
	cd tests/fence && FENCE_VMHA=$(abspath $(FENCE_VMHA)) \
		$(PYTHON) -m unittest -q test_fence_vmha
CHECKS += check-fence
HELP += "make check-fence: fence_vmha's manners as a fence agent"

# Holds, as three real daemons keep them. Needs root: hosts are namespaces.
check-holds: cluster-stage
	BUILD=$(abspath $(BUILD)) STAGE=$(abspath $(CLUSTER_STAGE)) \
		PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/cluster:tests/fence \
		$(PYTHON) -m unittest -v test_holds
CHECKS += check-holds
HELP += "make check-holds: holds on the datastores, with real daemons (root)"

# A migration's two entries, likewise.
check-incoming: cluster-stage
	BUILD=$(abspath $(BUILD)) STAGE=$(abspath $(CLUSTER_STAGE)) \
		PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/cluster:tests/fence \
		$(PYTHON) -m unittest -v test_incoming
CHECKS += check-incoming
HELP += "make check-incoming: VM lists in a migration, with real daemons (root)"

# A VM that ended where its list can't be written, likewise.
check-released: cluster-stage
	BUILD=$(abspath $(BUILD)) STAGE=$(abspath $(CLUSTER_STAGE)) \
		PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/cluster:tests/fence \
		$(PYTHON) -m unittest -v test_released
CHECKS += check-released
HELP += "make check-released: VM lists of a host that lost its storage, with" \
	"           real daemons (root)"

# The VM agent against the list, with libvirt and QEMU.
check-agent-list: cluster-stage $(NANO_ELF)
	BUILD=$(abspath $(BUILD)) STAGE=$(abspath $(CLUSTER_STAGE)) \
		NANO=$(abspath $(NANO_ELF)) PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH=tests/cluster:tests/agents/virtual_machine:tests/fence \
		$(PYTHON) -m unittest -v test_agent_list
CHECKS += check-agent-list
HELP += "make check-agent-list: the VM agent and the VM list, with real" \
	"           daemons, libvirt and QEMU (root)"
