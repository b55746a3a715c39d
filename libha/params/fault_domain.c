/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of ocf:vmha:FaultDomain's parameters: what the cluster does about
 * hosts that are cut off and live, in which order VMs are restarted, and what it
 * admits. Every one of them can change while the cluster works; vmha-fdmd reads
 * them from the CIB. The rules that no row can say are in fault_domain_rules.c
 * and fault_domain_admission.c.
 */
#include <stddef.h>

#include "ha/fdmparams.h"

#define AT(field) offsetof(struct ha_fdm_params, field)
#define RELOAD HA_PARAM_RELOADABLE
#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)

#define COUNT_MAX INT64_C(1000000000) /* MHz or MiB: above any real one */

static const char *const RESPONSES[] = { "none", "poweroff", "shutdown", NULL };
/* In the order of enum ha_admission_type and ha_admission_guarantee. */
static const char *const POLICIES[] = { "percentage", "slot", "dedicated",
					"disabled", NULL };
static const char *const GUARANTEES[] = { "plan", "arithmetic", NULL };

/* clang-format off: a table reads by its columns */
const struct ha_param HA_FDM_PARAMS[] = {
	{ .name = "isolation_response",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "none",
	  .choices = RESPONSES,
	  .offset = AT(isolation_response),
	  .shortdesc = "What an isolated host does with its VMs",
	  .longdesc = "A host is isolated when it hears no other host and no "
		      "isolation address answers. none: its VMs run on (they "
		      "are held, and started nowhere else). poweroff: they "
		      "are powered off and restarted on the other hosts. "
		      "shutdown: the same with a shutdown of the guest first. "
		      "A VM is touched only while another host lives that "
		      "can start it. A VM may differ: isolation_response of "
		      "its own. Choose poweroff where VMs need the network "
		      "that has failed, none where storage and VM network "
		      "are separate from the cluster's." },
	{ .name = "partition_response",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "none",
	  .choices = RESPONSES,
	  .offset = AT(partition_response),
	  .shortdesc = "What hosts without quorum do with their VMs",
	  .longdesc = "For a host that is in no quorate membership, but hears "
		      "other hosts or an isolation address: its VMs are left "
		      "running (none), powered off, or shut down, with the "
		      "same conditions as for isolation_response. vSphere "
		      "leaves them running. A VM may differ: "
		      "partition_response of its own." },
	{ .name = "isolation_addresses",
	  .type = HA_PARAM_LIST,
	  .flags = RELOAD,
	  .offset = AT(isolation_addresses),
	  .shortdesc = "Addresses that a host which is alone pings",
	  .longdesc = "IP addresses (no names: name service may be gone with "
		      "the network), separated by blanks, up to 10; IPv6 "
		      "link-local ones as ADDRESS%INTERFACE. Choose what is "
		      "up as long as the network is: routers, switches. They "
		      "are pinged only by a host that hears no other host." },
	{ .name = "use_default_gateway",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "true",
	  .offset = AT(use_default_gateway),
	  .shortdesc = "Ping the default gateways too",
	  .longdesc = "The default gateways of the host count as isolation "
		      "addresses (IPv4 and IPv6, from the routing table, up "
		      "to 10 addresses in all). Turn it off where the "
		      "gateway does not answer to ping, and give "
		      "isolation_addresses." },
	{ .name = "isolation_ping_timeout",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .def = "5s",
	  .min = SECOND,
	  .max = 300 * SECOND,
	  .offset = AT(isolation_ping_timeout_ms),
	  .shortdesc = "Silence of all addresses that means isolated",
	  .longdesc = "A host that hears no other host pings each second, and "
		      "declares itself isolated when no address has answered "
		      "for this time. Below 3s a lost packet or two are "
		      "enough." },
	{ .name = "isolation_delay",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .def = "30s",
	  .max = HOUR,
	  .offset = AT(isolation_delay_ms),
	  .shortdesc = "From the declaration to the isolation response",
	  .longdesc = "A network that comes back within this time costs no "
		      "VM. 0s: at once." },
	{ .name = "partition_delay",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .def = "60s",
	  .min = SECOND,
	  .max = HOUR,
	  .offset = AT(partition_delay_ms),
	  .shortdesc = "From the loss of quorum to the partition response",
	  .longdesc = "A partition that ends within this time costs no VM." },
	{ .name = "isolation_shutdown_timeout",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .def = "300s",
	  .min = 5 * SECOND,
	  .max = HOUR,
	  .offset = AT(isolation_shutdown_timeout_ms),
	  .shortdesc = "How long a guest may take for a response's shutdown",
	  .longdesc = "A guest that has not shut down after this time is "
		      "powered off. A VM's own shutdown_timeout holds if it "
		      "is shorter." },
	{ .name = "restart_retry_waits",
	  .type = HA_PARAM_LIST,
	  .flags = RELOAD,
	  .def = "2 4 8 16",
	  .offset = AT(restart_retry_waits),
	  .shortdesc = "Waits between two attempts to start a VM",
	  .longdesc = "Separated by blanks, in minutes, or with a unit of "
		      "their own (30s). A VM that could be started on no "
		      "host is tried again after the first wait, then after "
		      "the second; the last one goes on. 2 4 8 16: attempts "
		      "at 0, 2, 6, 14 and 30 minutes. A VM that crashes on a "
		      "host that lives is restarted at once; if it crashes "
		      "again before it has run for 30 minutes it waits for "
		      "these, too. A VM that has nowhere "
		      "to run waits for a host, not for these." },
	{ .name = "restart_attempts",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .def = "5",
	  .min = 1,
	  .max = 1000,
	  .offset = AT(restart_attempts),
	  .shortdesc = "Attempts to start a VM, the first included",
	  .longdesc = "One attempt is a round over all hosts that may run it. "
		      "After the last one the VM is given up, until `vmha "
		      "vm start`. Restarts of a VM that crashes again and "
		      "again count, too." },
	{ .name = "restart_priority_timeout",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .def = "600s",
	  .min = SECOND,
	  .max = 24 * HOUR,
	  .offset = AT(restart_priority_timeout_ms),
	  .shortdesc = "How long lower priorities wait for a higher one",
	  .longdesc = "After it they are started although a VM of a higher "
		      "restart_priority is not ready. A VM with "
		      "restart_depends waits on, without limit." },
	{ .name = "restart_concurrent",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .def = "32",
	  .min = 1,
	  .max = 1000,
	  .offset = AT(restart_concurrent),
	  .shortdesc = "VMs that start at a time on one host",
	  .longdesc = "No more start at a time on one host, counted by where "
		      "the plan sends them. All hosts together: no more than "
		      "so many for each live host; with 32 and three live "
		      "hosts, 96. The others follow as these run." },
	{ .name = "admission_policy",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "percentage",
	  .choices = POLICIES,
	  .offset = AT(admission_policy),
	  .shortdesc = "How room for restarts after host failures is kept",
	  .longdesc = "A power-on, a raised reservation and a host that leaves "
		      "are refused where the cluster could not survive "
		      "host_failures any more. percentage: a share of CPU and "
		      "memory stays free. slot: so many VMs of the largest "
		      "size fit as run now, without the largest hosts. "
		      "dedicated: failover_hosts stay empty. disabled: nothing "
		      "is refused. A restart after a failure never is." },
	{ .name = "admission_guarantee",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "plan",
	  .choices = GUARANTEES,
	  .offset = AT(admission_guarantee),
	  .shortdesc = "Whether a place for every VM must be proven, too",
	  .longdesc = "plan: a yes needs, for every set of host_failures "
		      "hosts, a place on the others for each of their VMs. "
		      "arithmetic: the policy's sums alone, as with vSphere, "
		      "which can leave a VM down that fits nowhere." },
	{ .name = "host_failures",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .def = "1",
	  .min = 0,
	  .max = 31,
	  .offset = AT(host_failures),
	  .shortdesc = "Host failures at a time that the cluster survives",
	  .longdesc = "More keep more hosts' worth of room free. 0: none is "
		      "kept, but what does not fit at all is refused." },
	{ .name = "cpu_percent",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .def = HA_FDM_PERCENT_AUTO,
	  .offset = AT(cpu_percent),
	  .shortdesc = "Share of CPU that stays free, policy percentage",
	  .longdesc = "A whole number of percent, 0 to 100; auto: the share of "
		      "the host_failures largest hosts." },
	{ .name = "memory_percent",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .def = HA_FDM_PERCENT_AUTO,
	  .offset = AT(memory_percent),
	  .shortdesc = "Share of memory that stays free, policy percentage",
	  .longdesc = "As cpu_percent." },
	{ .name = "slot_cpu_mhz",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MHz",
	  .def = "0",
	  .max = COUNT_MAX,
	  .offset = AT(slot_cpu_mhz),
	  .shortdesc = "CPU of a slot, policy slot",
	  .longdesc = "0: the largest CPU demand of all VMs that are on, at "
		      "most max_slot_cpu_mhz." },
	{ .name = "slot_memory_mb",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MiB",
	  .def = "0",
	  .max = COUNT_MAX,
	  .offset = AT(slot_memory_mb),
	  .shortdesc = "Memory of a slot, policy slot",
	  .longdesc = "0: the largest memory demand of all VMs that are on, "
		      "at most max_slot_memory_mb." },
	{ .name = "max_slot_cpu_mhz",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MHz",
	  .def = "0",
	  .max = COUNT_MAX,
	  .offset = AT(max_slot_cpu_mhz),
	  .shortdesc = "Upper bound of a slot's CPU, policy slot",
	  .longdesc = "A VM that needs more takes several slots. 0: none." },
	{ .name = "max_slot_memory_mb",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MiB",
	  .def = "0",
	  .max = COUNT_MAX,
	  .offset = AT(max_slot_memory_mb),
	  .shortdesc = "Upper bound of a slot's memory, policy slot",
	  .longdesc = "A VM that needs more takes several slots. 0: none." },
	{ .name = "default_cpu_mhz",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MHz",
	  .def = "32",
	  .max = COUNT_MAX,
	  .offset = AT(default_cpu_mhz),
	  .shortdesc = "CPU demand of a VM without a reservation",
	  .longdesc = "As vSphere's das.vmCpuMinMHz." },
	{ .name = "default_memory_mb",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MiB",
	  .def = "0",
	  .max = COUNT_MAX,
	  .offset = AT(default_memory_mb),
	  .shortdesc = "Memory demand of a VM without a reservation",
	  .longdesc = "As vSphere's das.vmMemoryMinMB; QEMU's overhead comes "
		      "on top." },
	{ .name = "failover_hosts",
	  .type = HA_PARAM_LIST,
	  .flags = RELOAD,
	  .offset = AT(failover_hosts),
	  .shortdesc = "Hosts that stay empty, policy dedicated",
	  .longdesc = "Node names, separated by blanks. They take VMs of hosts "
		      "that fail, and nothing else." },
	{ .name = "performance_degradation",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "%",
	  .def = "100",
	  .min = 0,
	  .max = 100,
	  .offset = AT(performance_degradation),
	  .shortdesc = "Slowdown after failures that is worth a warning",
	  .longdesc = "In percent of what VMs use now. 100 never warns, 0 "
		      "warns when the use of now would not fit the hosts that "
		      "are left after host_failures failures. It only warns: "
		      "vmha status, vmha admission show and the event "
		      "degradation. Below 100 each host measures once a "
		      "minute what its VMs use, and tells it as its node "
		      "attribute vmha-use (MHz and MiB)." },
	{ .name = "host_cpu_overhead",
	  .type = HA_PARAM_LIST,
	  .flags = RELOAD,
	  .def = HA_FDM_CPU_OVERHEAD,
	  .offset = AT(host_cpu_overhead),
	  .shortdesc = "CPU that a host keeps for itself, in MHz or percent",
	  .longdesc = "A number of MHz, a share (5%), or both (500 5%): their "
		      "sum. What is left of the cores' base frequencies is "
		      "the host's capacity for VMs: vmha-fdmd writes it as "
		      "utilization cpu_mhz of its node, unless somebody has "
		      "set that by hand." },
	{ .name = "host_memory_overhead",
	  .type = HA_PARAM_LIST,
	  .flags = RELOAD,
	  .def = HA_FDM_MEMORY_OVERHEAD,
	  .offset = AT(host_memory_overhead),
	  .shortdesc = "Memory that a host keeps for itself, in MiB or percent",
	  .longdesc = "A number of MiB, a share (2%), or both (1024 2%): their "
		      "sum, for the system, the cluster's daemons and the "
		      "page cache. What is left of MemTotal is the host's "
		      "capacity for VMs: vmha-fdmd writes it as utilization "
		      "memory_mb of its node, unless somebody has set that by "
		      "hand. QEMU's own overhead counts with each VM." },
	{ .name = NULL },
};
/* clang-format on */
