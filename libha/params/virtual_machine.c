/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of ocf:vmha:VirtualMachine's parameters; the rules between them
 * are in virtual_machine_rules.c. Names of migration parameters are libvirt's
 * (virsh migrate) behind "migration_"; names and defaults of policies are
 * vSphere's where it has them (das.*, ClusterDasVmSettings), times in
 * Pacemaker's notation.
 */
#include <stddef.h>

#include "ha/vmparams.h"

#define AT(field) offsetof(struct ha_vm_params, field)
#define RELOAD HA_PARAM_RELOADABLE
#define POLICY (HA_PARAM_RELOADABLE | HA_PARAM_INERT)
#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)

static const char *const SHUTDOWN_MODES[] = { "agent-acpi", "agent", "acpi",
					      "off", NULL };
static const char *const ON_GUEST_SHUTDOWN[] = { "restart", "stop", NULL };
static const char *const STALE[] = { "refuse", "ignore", NULL };
static const char *const TRANSPORTS[] = { "ssh", "tcp", "tls", NULL };
static const char *const FALLBACKS[] = { "abort", "suspend", "postcopy", NULL };
static const char *const PRIORITIES[] = { "disabled", "lowest", "low",
					  "medium",   "high",   "highest",
					  NULL };
static const char *const READY[] = { "none", "powered-on", "guest-heartbeat",
				     "application-heartbeat", NULL };
static const char *const RESPONSES[] = { "cluster", "none", "poweroff",
					 "shutdown", NULL };
static const char *const PDL[] = { "cluster", "disabled", "warning", "restart",
				   NULL };
static const char *const APD[] = { "cluster",
				   "disabled",
				   "warning",
				   "restart-conservative",
				   "restart-aggressive",
				   NULL };
static const char *const APD_CLEARED[] = { "cluster", "none", "reset", NULL };
static const char *const MONITORING[] = { "cluster", "disabled", "vm",
					  "vm-and-application", NULL };

/* clang-format off: a table reads by its columns */
const struct ha_param HA_VM_PARAMS[] = {
	{ .name = "config",
	  .type = HA_PARAM_PATH,
	  .flags = HA_PARAM_UNIQUE,
	  .offset = AT(config),
	  .shortdesc = "Domain XML file",
	  .longdesc = "Absolute path of the libvirt domain XML that this "
		      "virtual machine is started from, the same on every "
		      "host (usually on shared storage). Only start needs "
		      "the file: monitor, stop and migration work while it "
		      "is unreachable. It is never written to. Without it, "
		      "the domain that is defined on the host under name or "
		      "uuid is started." },
	{ .name = "name",
	  .type = HA_PARAM_STRING,
	  .flags = HA_PARAM_UNIQUE,
	  .offset = AT(name),
	  .shortdesc = "Name of the libvirt domain",
	  .longdesc = "Name of the domain. Needed when there is no config and "
		      "no uuid. If config is given too, both must agree." },
	{ .name = "uuid",
	  .type = HA_PARAM_UUID,
	  .flags = HA_PARAM_UNIQUE,
	  .offset = AT(uuid),
	  .shortdesc = "UUID of the libvirt domain",
	  .longdesc = "UUID of the domain. With it, a host that has never "
		      "been able to read config can still prove that the "
		      "virtual machine does not run there; recommended. If "
		      "config is given too, both must agree." },
	{ .name = "hypervisor",
	  .type = HA_PARAM_STRING,
	  .def = "qemu:///system",
	  .offset = AT(hypervisor),
	  .shortdesc = "Connection URI of libvirt",
	  .longdesc = "The local libvirt connection: qemu:///system, or "
		      "qemu:///session for tests. Remote URIs and other "
		      "hypervisors are refused." },
	{ .name = "managed_save",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "refuse",
	  .choices = STALE,
	  .offset = AT(managed_save),
	  .shortdesc = "What start does about a managed-save image",
	  .longdesc = "An image that `virsh managedsave` left on this host "
		      "holds old memory; resuming it over disks that have "
		      "moved on destroys them. The agent always boots cold "
		      "and never resumes it. refuse: start fails and names "
		      "the command that removes it. ignore: start goes on; "
		      "the image stays, and a later `virsh start` by hand "
		      "would resume it." },
	{ .name = "disk_overlays",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "refuse",
	  .choices = STALE,
	  .offset = AT(disk_overlays),
	  .shortdesc = "What start does about snapshot overlays of a disk",
	  .longdesc = "After a live external snapshot the newest data is in "
		      "an overlay that config does not know. Start looks for "
		      "images beside each writable disk file that name it as "
		      "their backing file. refuse: start fails and names the "
		      "overlay. ignore: start boots from what config says." },
	{ .name = "shutdown_mode",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "agent-acpi",
	  .choices = SHUTDOWN_MODES,
	  .offset = AT(shutdown_mode),
	  .shortdesc = "How the guest is asked to shut down",
	  .longdesc = "agent-acpi: through the guest agent, and by the ACPI "
		      "power button if that does not work. agent or acpi: "
		      "only that. off: the guest is not asked, its power is "
		      "cut. A guest that does not react is powered off in "
		      "every mode: stop always stops." },
	{ .name = "shutdown_timeout",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .min = SECOND,
	  .max = DAY,
	  .offset = AT(shutdown_timeout_ms),
	  .shortdesc = "How long the guest may take to shut down",
	  .longdesc = "After this time without a reaction the guest is "
		      "powered off. Default: what the timeout of the stop "
		      "action leaves after 20s for powering off and proving "
		      "it (at most a third of the timeout)." },
	{ .name = "on_guest_shutdown",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "restart",
	  .choices = ON_GUEST_SHUTDOWN,
	  .offset = AT(on_guest_shutdown),
	  .shortdesc = "What follows when the guest shuts itself down",
	  .longdesc = "restart: it is started again, as Pacemaker does with "
		      "every resource that stops unasked. stop: it counts as "
		      "powered off by its user: the fault domain manager "
		      "(ocf:vmha:FaultDomain) of its host sets "
		      "target-role=Stopped, and it stays off until it is "
		      "started: vmha vm start. A guest that crashes, or a "
		      "QEMU that dies or is ended from outside (virsh "
		      "destroy), is restarted in any case; so is a guest "
		      "that shuts down while no fault domain manager runs on "
		      "its host, or while that host dies. stop takes effect "
		      "with the next start of the virtual machine, restart at "
		      "once. With stop, on_poweroff of the domain XML counts "
		      "as destroy." },

	{ .name = "migration_transport",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "ssh",
	  .choices = TRANSPORTS,
	  .offset = AT(migration_transport),
	  .shortdesc = "How the libvirt daemons reach each other",
	  .longdesc = "Transport of the connection URI of the target, "
		      "qemu+TRANSPORT://HOST/system. ssh needs keys between "
		      "the root users, tls certificates, tcp a trusted "
		      "network." },
	{ .name = "migration_user",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .offset = AT(migration_user),
	  .shortdesc = "User name in the connection URI",
	  .longdesc = "User name at the target in the connection URI, for "
		      "ssh." },
	{ .name = "migration_connect_uri",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .offset = AT(migration_connect_uri),
	  .shortdesc = "Connection URI of the target's libvirt",
	  .longdesc = "Replaces what migration_transport and migration_user "
		      "make up; %n stands for the name of the target host." },
	{ .name = "migration_uri",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .offset = AT(migration_uri),
	  .shortdesc = "URI that memory is sent to",
	  .longdesc = "For example tcp://%n-migration; %n stands for the name "
		      "of the target host. Default: the hypervisor's choice "
		      "(migration_host of qemu.conf)." },
	{ .name = "migration_network_suffix",
	  .type = HA_PARAM_STRING,
	  .flags = RELOAD,
	  .offset = AT(migration_network_suffix),
	  .shortdesc = "Suffix of host names on the migration network",
	  .longdesc = "Memory is sent to HOST followed by this suffix: "
		      "short for migration_uri=tcp://%nSUFFIX." },
	{ .name = "migration_bandwidth",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MiB/s",
	  .min = 1,
	  .max = 1000000,
	  .offset = AT(migration_bandwidth_mibs),
	  .shortdesc = "Limit of the migration's bandwidth",
	  .longdesc = "Most memory that a migration sends in a second. "
		      "Default: the hypervisor's limit." },
	{ .name = "migration_postcopy_bandwidth",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .unit = "MiB/s",
	  .min = 1,
	  .max = 1000000,
	  .offset = AT(migration_postcopy_bandwidth_mibs),
	  .shortdesc = "Limit of the bandwidth in the post-copy phase",
	  .longdesc = "The same limit while the guest already runs on the "
		      "target. Default: the hypervisor's limit." },
	{ .name = "migration_downtime",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .min = 1,
	  .max = 60 * SECOND,
	  .offset = AT(migration_downtime_ms),
	  .shortdesc = "Longest pause of the guest at the switch-over",
	  .longdesc = "The guest is paused for at most this time while the "
		      "last of its memory is sent. Default: the "
		      "hypervisor's (300ms in QEMU)." },
	{ .name = "migration_parallel_connections",
	  .type = HA_PARAM_INT,
	  .flags = RELOAD,
	  .min = 1,
	  .max = 64,
	  .offset = AT(migration_parallel_connections),
	  .shortdesc = "Number of streams that memory is sent by",
	  .longdesc = "Streams that memory is sent by; more than one uses "
		      "QEMU's multifd. Default: one." },
	{ .name = "migration_auto_converge",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_auto_converge),
	  .shortdesc = "Slow a guest down that dirties memory too fast",
	  .longdesc = "Throttles the virtual CPUs until memory can be sent "
		      "faster than the guest changes it." },
	{ .name = "migration_postcopy",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_postcopy),
	  .shortdesc = "Allow post-copy",
	  .longdesc = "The guest is switched over after one pass and fetches "
		      "the rest of its memory from the source. Always ends, "
		      "but a guest whose source or network fails in between "
		      "is lost and restarted." },
	{ .name = "migration_compressed",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_compressed),
	  .shortdesc = "Compress memory on its way",
	  .longdesc = "Compresses memory on its way by the hypervisor's "
		      "default method." },
	{ .name = "migration_tunnelled",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_tunnelled),
	  .shortdesc = "Send memory through libvirt's own connection",
	  .longdesc = "Encrypted where the transport is, slower, and not "
		      "together with post-copy or parallel connections." },
	{ .name = "migration_tls",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_tls),
	  .shortdesc = "Encrypt memory with QEMU's own TLS",
	  .longdesc = "Needs migrate_tls_x509_cert_dir in qemu.conf." },
	{ .name = "migration_unsafe",
	  .type = HA_PARAM_BOOL,
	  .flags = RELOAD,
	  .def = "false",
	  .offset = AT(migration_unsafe),
	  .shortdesc = "Skip libvirt's check for shared storage",
	  .longdesc = "Only for storage that is shared although libvirt does "
		      "not know its file system as such, and only with "
		      "cache=none or directsync where hosts don't share a "
		      "page cache." },
	{ .name = "migration_timeout",
	  .type = HA_PARAM_DURATION,
	  .flags = RELOAD,
	  .min = SECOND,
	  .max = DAY,
	  .offset = AT(migration_timeout_ms),
	  .shortdesc = "When migration_timeout_action is taken",
	  .longdesc = "Time that memory may take to move. Default: three "
		      "quarters of the timeout of the migrate_to action." },
	{ .name = "migration_timeout_action",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "abort",
	  .choices = FALLBACKS,
	  .offset = AT(migration_timeout_action),
	  .shortdesc = "What happens to a migration that takes too long",
	  .longdesc = "abort: the guest stays where it is. suspend: it is "
		      "paused so that the migration ends. postcopy: switched "
		      "to post-copy (needs migration_postcopy)." },

	{ .name = "restart_priority",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "medium",
	  .choices = PRIORITIES,
	  .offset = AT(restart_priority),
	  .shortdesc = "Restart priority after a failure",
	  .longdesc = "Higher priorities are restarted first. A lower one "
		      "waits until each VM of a higher one is ready "
		      "(ready_condition), has failed to start, or has "
		      "nowhere to run; no longer than the FaultDomain "
		      "resource's restart_priority_timeout. disabled: not "
		      "restarted when its host fails; `crm resource stop` "
		      "and then `start` start it again." },
	{ .name = "restart_depends",
	  .type = HA_PARAM_LIST,
	  .flags = POLICY,
	  .offset = AT(restart_depends),
	  .shortdesc = "VMs that must be ready before this one",
	  .longdesc = "Names of VirtualMachine resources, separated by "
		      "blanks. This one is not restarted before all of them "
		      "are ready (their own ready_condition), however long "
		      "that takes. Its restart_priority must be the same as "
		      "theirs or lower, and they must not depend on it in "
		      "turn: else the dependencies at fault are left out, "
		      "and `vmha check` says so." },
	{ .name = "ready_condition",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "none",
	  .choices = READY,
	  .offset = AT(ready_condition),
	  .shortdesc = "When lower priorities and dependents may follow",
	  .longdesc = "none: when its attempt to start has ended, well or "
		      "not (dependents: when it runs). powered-on: when it "
		      "runs. guest-heartbeat: when its QEMU guest agent "
		      "answers (channel org.qemu.guest_agent.0). "
		      "application-heartbeat: when a line was written into "
		      "its channel org.vmha.heartbeat.0 in the last 30 s, by "
		      "a program in the guest that knows that its application "
		      "is well. Without that channel a VM never becomes "
		      "ready: lower priorities go on after "
		      "restart_priority_timeout, dependents wait." },
	{ .name = "ready_delay",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = DAY,
	  .offset = AT(ready_delay_ms),
	  .shortdesc = "Extra wait after the ready condition",
	  .longdesc = "Time that its guest is given after the ready "
		      "condition is met, before what waits for it follows. "
		      "Default: none." },
	{ .name = "isolation_response",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "cluster",
	  .choices = RESPONSES,
	  .offset = AT(isolation_response),
	  .shortdesc = "What happens when its host is isolated",
	  .longdesc = "none: leave powered on. poweroff: power off and "
		      "restart elsewhere. shutdown: shut down, power off if "
		      "that takes too long, and restart elsewhere. cluster: "
		      "as the FaultDomain resource says. Needs that "
		      "resource." },
	{ .name = "partition_response",
	  .type = HA_PARAM_ENUM,
	  .flags = RELOAD,
	  .def = "cluster",
	  .choices = RESPONSES,
	  .offset = AT(partition_response),
	  .shortdesc = "What happens in a partition without quorum",
	  .longdesc = "What happens to it in a partition without quorum; "
		      "values as for isolation_response." },
	{ .name = "vmcp_pdl_response",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "cluster",
	  .choices = PDL,
	  .offset = AT(vmcp_pdl_response),
	  .shortdesc = "Response to permanent device loss",
	  .longdesc = "warning: events only. restart: power off and restart "
		      "on a host that reaches the storage." },
	{ .name = "vmcp_apd_response",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "cluster",
	  .choices = APD,
	  .offset = AT(vmcp_apd_response),
	  .shortdesc = "Response to all paths down",
	  .longdesc = "restart-conservative: only if another host can run "
		      "it. restart-aggressive: also if that is not known." },
	{ .name = "vmcp_apd_delay",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = DAY,
	  .offset = AT(vmcp_apd_delay_ms),
	  .shortdesc = "Wait after the APD timeout before the response",
	  .longdesc = "Wait after the APD timeout before the response. "
		      "Default: the cluster's (180s)." },
	{ .name = "vmcp_apd_cleared",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "cluster",
	  .choices = APD_CLEARED,
	  .offset = AT(vmcp_apd_cleared),
	  .shortdesc = "Response if paths return before the response",
	  .longdesc = "none: go on. reset: reset the guest." },
	{ .name = "monitoring",
	  .type = HA_PARAM_ENUM,
	  .flags = POLICY,
	  .def = "cluster",
	  .choices = MONITORING,
	  .offset = AT(monitoring),
	  .shortdesc = "VM and application monitoring",
	  .longdesc = "vm: a guest without heartbeat and without I/O is "
		      "reset. vm-and-application: also one whose application "
		      "has stopped reporting." },
	{ .name = "monitoring_failure_interval",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = DAY,
	  .offset = AT(monitoring_failure_interval_ms),
	  .shortdesc = "Silence after which a guest counts as failed",
	  .longdesc = "Without a heartbeat for this time a guest counts as "
		      "failed. Default: the cluster's (30s)." },
	{ .name = "monitoring_min_uptime",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = DAY,
	  .offset = AT(monitoring_min_uptime_ms),
	  .shortdesc = "Time after power-on before monitoring begins",
	  .longdesc = "Monitoring begins this time after power-on. Default: "
		      "the cluster's (120s)." },
	{ .name = "monitoring_max_resets",
	  .type = HA_PARAM_INT,
	  .flags = POLICY,
	  .min = 1,
	  .max = 1000,
	  .offset = AT(monitoring_max_resets),
	  .shortdesc = "Resets within the window",
	  .longdesc = "So many resets within the window at most. Default: the "
		      "cluster's (3)." },
	{ .name = "monitoring_window",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = 365 * DAY,
	  .offset = AT(monitoring_window_ms),
	  .shortdesc = "Window in which resets are counted",
	  .longdesc = "Window in which resets are counted. Default: the "
		      "cluster's (1h)." },
	{ .name = "monitoring_io_interval",
	  .type = HA_PARAM_DURATION,
	  .flags = POLICY,
	  .max = DAY,
	  .offset = AT(monitoring_io_interval_ms),
	  .shortdesc = "I/O within this time keeps a silent guest alive",
	  .longdesc = "A silent guest with disk or network I/O within this "
		      "time is left alone. Default: the cluster's (120s)." },
	{ .name = NULL },
};
/* clang-format on */
