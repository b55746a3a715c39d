/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every sub-command, option and exit code of vmha, one row each. The rows
 * drive parsing, --help, vmha(8), vmha-heartbeat(8) and bash completion, so
 * that none of them can tell something else.
 */
#include "ha/area.h"
#include "ha/ipc.h"
#include "ha/plan.h"
#include "vmha.h"

#define AT(member) offsetof(struct vmha_args, member)
#define BIT(id) (UINT64_C(1) << (id))

static const struct vmha_option OPTIONS[OPT_N] = {
	[OPT_CONF] = { "conf", "FILE", VMHA_TEXT, AT(conf), 0, 0, NULL,
		       "read this instead of " HA_HBCONF_PATH },
	[OPT_SOCKET] = { "socket", "PATH", VMHA_TEXT, AT(socket), 0, 0, NULL,
			 "ask the daemon there, default " HA_IPC_PATH },
	[OPT_MANAGER] = { "manager-socket", "PATH", VMHA_TEXT, AT(manager), 0,
			  0, NULL,
			  "ask the fault domain manager there, "
			  "default " HA_IPC_FDM_PATH },
	[OPT_COROSYNC_CONF] = { "corosync-conf", "FILE", VMHA_TEXT,
				AT(corosync_conf), 0, 0, NULL,
				"take names and times of the cluster from "
				"this file; default: running corosync, "
				"else " VMHA_COROSYNC_CONF },
	[OPT_CLUSTER] = { "cluster", "NAME", VMHA_TEXT, AT(cluster), 0, 0, NULL,
			  "the cluster's name; default: corosync's" },
	[OPT_PROFILE] = { "profile", "NAME", VMHA_TEXT, AT(profile), 0, 0,
			  "standard fast vsphere",
			  "times of the heartbeat: standard (default; dead "
			  "after 6 s), fast (3 s) or vsphere (18 s)" },
	[OPT_BEAT] = { "beat-ms", "MS", VMHA_NUMBER, AT(beat_ms), 1, UINT32_MAX,
		       NULL,
		       "B: from one beat to the next, instead of the "
		       "profile's" },
	[OPT_WATCHDOG] = { "watchdog-ms", "MS", VMHA_NUMBER, AT(watchdog_ms), 1,
			   UINT32_MAX, NULL,
			   "W: the watchdog's time-out, whole seconds, instead "
			   "of the profile's" },
	[OPT_TOLERANCE] = { "tolerance-ms", "MS", VMHA_NUMBER, AT(tolerance_ms),
			    1, UINT32_MAX, NULL,
			    "D: a write that takes longer is no evidence, "
			    "instead of the profile's" },
	[OPT_HOSTS] = { "hosts", "A,B,...", VMHA_TEXT, AT(hosts), 0, 0, NULL,
			"the hosts, as corosync names its nodes; default: "
			"corosync's node list" },
	[OPT_SLOTS] = { "slots", "N", VMHA_NUMBER, AT(slots), 1, HA_HOSTS_MAX,
			NULL, "room for so many hosts, default 64" },
	[OPT_VMS] = { "vms", "N", VMHA_NUMBER, AT(vms), 1, HA_VMS_MAX, NULL,
		      "room for so many VMs on each host, default 256" },
	[OPT_FORCE] = { "force", NULL, VMHA_FLAG, AT(is_forced), 0, 0, NULL,
			"overwrite what is there, or go on in doubt; the "
			"refusal says what is lost" },
	[OPT_FORCE_LIVE] = { "force-live", NULL, VMHA_FLAG, AT(is_live_forced),
			     0, 0, NULL,
			     "overwrite although hosts beat there now: they "
			     "are reset by their watchdogs" },
	[OPT_WRITE_CONF] = { "write-conf", NULL, VMHA_FLAG, AT(writes_conf), 0,
			     0, NULL,
			     "write vmha.conf on this host instead of showing "
			     "what belongs into it" },
	[OPT_FIX] = { "fix", NULL, VMHA_FLAG, AT(is_fix), 0, 0, NULL,
		      "mend what can be mended safely, and show each change" },
	[OPT_WATCH] = { "watch", NULL, VMHA_FLAG, AT(is_watched), 0, 0, NULL,
			"look again and again, in place; where the output is "
			"no terminal it is shown once. Ctrl-C ends it" },
	[OPT_INTERVAL] = { "interval", "SECONDS", VMHA_SPAN, AT(interval_ms), 0,
			   0, NULL, "between two looks, default 1" },
	[OPT_ONCE] = { "once", NULL, VMHA_FLAG, AT(is_once), 0, 0, NULL,
		       "show it once and end" },
	[OPT_WAIT] = { "wait", "SECONDS", VMHA_SPAN, AT(wait_ms), 0, 0, NULL,
		       "wait so long at most; the default is 20, of vm start "
		       "and vm add --start 180, of vm stop 300, of vm import 90, of host maintenance 900" },
	[OPT_REASON] = { "reason", "TEXT", VMHA_TEXT, AT(reason), 0, 0, NULL,
			 "goes into the log of this host's heartbeat daemon" },
	[OPT_YES] = { "yes", NULL, VMHA_FLAG, AT(is_yes), 0, 0, NULL,
		      "do not ask back" },
	[OPT_ALL] = { "all", NULL, VMHA_FLAG, AT(is_all), 0, 0, NULL,
		      "every ocf:vmha:VirtualMachine of the cluster" },
	[OPT_DRY_RUN] = { "dry-run", NULL, VMHA_FLAG, AT(is_dry_run), 0, 0,
			  NULL, "show what would be done and change nothing" },
	[OPT_LOG] = { "log", "FILE", VMHA_TEXT, AT(log), 0, 0, NULL,
		      "read this log file; default: the journal, else what "
		      "syslog writes below /var/log" },
	[OPT_CIB] = { "cib", "FILE", VMHA_TEXT, AT(cib), 0, 0, NULL,
		      "read this CIB (cibadmin --query) instead of asking "
		      "Pacemaker; - is standard input" },
	[OPT_LINES] = { "lines", "N", VMHA_NUMBER, AT(lines), 1, 2000, NULL,
			"begin with so many events, default 50" },
	[OPT_FOLLOW] = { "follow", NULL, VMHA_FLAG, AT(is_followed), 0, 0, NULL,
			 "go on with events as they come; Ctrl-C ends it" },
	[OPT_NAME] = { "name", "NAME", VMHA_TEXT, AT(name), 0, 0, NULL,
		       "the resource's name; default: the domain's" },
	[OPT_PRIORITY] = { "priority", "WORD", VMHA_TEXT, AT(priority), 0, 0,
			   "disabled lowest low medium high highest",
			   "restart_priority, default medium" },
	[OPT_DEPENDS] = { "depends", "VM,...", VMHA_TEXT, AT(depends), 0, 0,
			  NULL,
			  "restart_depends: VMs that must be ready before "
			  "this one is restarted" },
	[OPT_READY] = { "ready", "WORD", VMHA_TEXT, AT(ready), 0, 0,
			"none powered-on guest-heartbeat application-heartbeat",
			"ready_condition: when lower priorities and dependents "
			"may follow, default none" },
	[OPT_PARAM] = { "param", "NAME=VALUE", VMHA_TEXTS, AT(params), 0, 0,
			NULL,
			"another parameter of ocf:vmha:VirtualMachine; may be "
			"given several times" },
	[OPT_START] = { "start", NULL, VMHA_FLAG, AT(is_started), 0, 0, NULL,
			"start it at once, and wait until it runs" },
	[OPT_RESOURCE] = { "resource", NULL, VMHA_FLAG, AT(is_whole), 0, 0,
			   NULL, "the resource too, of a VM that is stopped" },
	[OPT_TELL] = { "tell", NULL, VMHA_FLAG, AT(is_told), 0, 0, NULL,
		       "print nothing, and tell it all hosts by the node "
		       "attribute vmha-lacks" },
	[OPT_INVENTORY] = { "inventory", "FILE", VMHA_TEXT, AT(inventory), 0, 0,
			    NULL,
			    "judge the cluster of this file, JSON "
			    "(docs/ADMISSION.md), by its own policy; - is "
			    "standard input" },
	[OPT_POLICY] = { "policy", "NAME", VMHA_TEXT, AT(policy), 0, 0,
			 "percentage slot dedicated disabled",
			 "judge the CIB by percentage, slot, dedicated or "
			 "disabled instead of its FaultDomain's policy" },
	[OPT_GUARANTEE] = { "guarantee", "WORD", VMHA_TEXT, AT(guarantee), 0, 0,
			    "plan arithmetic",
			    "plan (each VM has a place after each failure) or "
			    "arithmetic, instead of the CIB's" },
	[OPT_HOST_FAILURES] = { "host-failures", "N", VMHA_NUMBER,
				AT(host_failures), 0, HA_PLAN_FAILURES_MAX,
				NULL,
				"hosts that fail at once, instead of the CIB's" },
	[OPT_FAILOVER_HOSTS] = { "failover-hosts", "A,B", VMHA_TEXT,
				 AT(failover_hosts), 0, 0, NULL,
				 "hosts kept empty, policy dedicated" },
	[OPT_OUTPUT] = { "output", "FORMAT", VMHA_TEXT, AT(output), 0, 0,
			 "text json", "text (default) or json" },
	[OPT_JSON] = { "json", NULL, VMHA_FLAG, AT(is_json), 0, 0, NULL,
		       "print JSON" },
};

const struct vmha_option *
vmha_options(void)
{
	return OPTIONS;
}

#define DISK_S 60u    /* commands that read datastores */
#define CREATE_S 600u /* 1 GiB at 2 MiB/s */
#define ASK_S 30u     /* commands that ask the local daemon */

#define CIB_S 60u /* commands that change the CIB */

#define ADMISSION_S 120u /* a large file, and all the planner's steps */

#define OPTS_DISK (BIT(OPT_CONF) | BIT(OPT_JSON))
#define OPTS_ASK (BIT(OPT_SOCKET) | BIT(OPT_JSON))
#define OPTS_KNOWN (OPTS_ASK | BIT(OPT_MANAGER))
#define OPTS_INVENTORY                                                 \
	(BIT(OPT_INVENTORY) | BIT(OPT_CIB) | BIT(OPT_FAILOVER_HOSTS) | \
	 BIT(OPT_OUTPUT) | BIT(OPT_JSON))
#define OPTS_JUDGE                                               \
	(OPTS_INVENTORY | BIT(OPT_POLICY) | BIT(OPT_GUARANTEE) | \
	 BIT(OPT_HOST_FAILURES))
#define OPTS_TIMING                                             \
	(BIT(OPT_PROFILE) | BIT(OPT_BEAT) | BIT(OPT_WATCHDOG) | \
	 BIT(OPT_TOLERANCE))

static const struct vmha_command COMMANDS[] = {
	{ "status", "", VMHA_NOTHING, 0, 0,
	  OPTS_KNOWN | BIT(OPT_WATCH) | BIT(OPT_INTERVAL), ASK_S, vmha_status,
	  "hosts, master, datastores and all VMs with their tickets, on one "
	  "screen",
	  "Asks the heartbeat daemon of this host, the fault domain manager "
	  "and the CIB. SAID BY names who reports a host's state: the host "
	  "itself where it says that it is isolated, else the manager that "
	  "was asked. What it shows of other hosts comes from the heartbeat "
	  "datastores and is as old as the beat beside it. Whoever does not "
	  "answer is named, and what he would know stays unknown." },
	{ "why", "VM", VMHA_VM, 1, 1, OPTS_KNOWN, ASK_S, vmha_why,
	  "why a VM runs or does not run, what is missing, and what to do",
	  "VM is the name of its resource. Shows its ticket, which host has "
	  "it on its list, what holds it, and each reason against a start "
	  "with the rule's short name: hold (held in the name of a host that "
	  "may live), list (such a host lists it), unread (such a host's list "
	  "can't be read), ticket, seal, quorum, pacemaker (stopped, banned, "
	  "failed). The exit code is 0 when it runs." },
	{ "events", "", VMHA_NOTHING, 0, 0,
	  BIT(OPT_LOG) | BIT(OPT_LINES) | BIT(OPT_FOLLOW) | BIT(OPT_JSON), 0,
	  vmha_events, "what has happened, as the daemons of this host log it",
	  "Shows the lines of vmha-heartbeatd and vmha-fdmd that tell the "
	  "story of the cluster, with what to understand or do where something "
	  "is wrong. Each host logs what it sees; the master's log tells most. "
	  "With --json also vSphere's name of the event; with --follow one "
	  "object a line. The catalogue: docs/EVENTS.md." },
	{ "vm list", "", VMHA_NOTHING, 0, 0, OPTS_KNOWN, ASK_S, vmha_vm_list,
	  "all VMs: where, which ticket, protected or not, and why not",
	  "Every resource of the agent ocf:vmha:VirtualMachine. STATE and HOST "
	  "are what the VM lists on the heartbeat datastores say, and "
	  "Pacemaker's history where no list names it. PROTECTION is protected "
	  "(a failure of it or of its host restarts it), being protected (the "
	  "protected list does not say so yet), held (it starts "
	  "nowhere until what holds it has ended), unprotected (stopped by an "
	  "administrator, not managed, no gate, no master) or unknown (who "
	  "would know does not answer)." },
	{ "vm show", "VM", VMHA_VM, 1, 1, OPTS_KNOWN, ASK_S, vmha_vm_show,
	  "one VM in full: parameters, operations, constraints, history",
	  "VM is the name of its resource. \"vmha why\" tells what keeps it "
	  "from starting." },
	{ "vm start", "VM", VMHA_VM, 1, 1,
	  BIT(OPT_WAIT) | BIT(OPT_DRY_RUN) | BIT(OPT_MANAGER) | BIT(OPT_JSON),
	  0, vmha_vm_start, "have Pacemaker start a VM, and wait until it runs",
	  "Sets target-role=Started and shows what comes of it. A VM whose "
	  "ticket is not granted starts when the master grants it; one that was "
	  "kept off after a power loss is granted by this command. Where the "
	  "master's admission control refuses it, it says why and what would "
	  "help, and fails: the VM starts by itself once there is room. "
	  "Without an end within --wait it fails; Pacemaker goes on all the "
	  "same. --dry-run says what admission control would say as well; it "
	  "fails where that is a no." },
	{ "vm stop", "VM", VMHA_VM, 1, 1,
	  BIT(OPT_WAIT) | BIT(OPT_DRY_RUN) | BIT(OPT_JSON), 0, vmha_vm_stop,
	  "stop a VM for good, and wait for the proof",
	  "Sets target-role=Stopped, and waits until Pacemaker's history "
	  "proves on every host that it does not run. From then on it is "
	  "unprotected: nothing restarts it before \"vmha vm start\". The "
	  "master takes the ticket of a VM with a gate away, and notes on the "
	  "heartbeat datastores that it is off." },
	{ "vm set-reservation", "VM [cpu_mhz=N] [memory_mb=N]", VMHA_VM_SIZES,
	  2, 3,
	  BIT(OPT_FORCE) | BIT(OPT_WAIT) | BIT(OPT_DRY_RUN) | BIT(OPT_MANAGER) |
		  BIT(OPT_JSON),
	  0, vmha_vm_set_reservation,
	  "what a VM reserves: MHz and MiB that admission control counts",
	  "Sets the utilization of its resource. A raise is judged first, here "
	  "and by the master, by the cluster's own policy: where that refuses "
	  "it nothing is written, unless --force. Then it waits until the master has admitted it. "
	  "Until then, and while it refuses, what was admitted before counts. "
	  "Lowering is never refused; 0 reserves nothing." },
	{ "vm add", "FILE.xml... | VM... | --all", VMHA_VM_PATHS, 0,
	  VMHA_OPERANDS_MAX,
	  BIT(OPT_NAME) | BIT(OPT_PRIORITY) | BIT(OPT_DEPENDS) |
		  BIT(OPT_READY) | BIT(OPT_PARAM) | BIT(OPT_START) |
		  BIT(OPT_WAIT) | BIT(OPT_FORCE) | BIT(OPT_ALL) |
		  BIT(OPT_DRY_RUN) | BIT(OPT_JSON),
	  CIB_S, vmha_vm_add,
	  "make a VM of a libvirt domain XML, or put VMs behind a ticket",
	  "What has a slash or ends in .xml is a domain XML, on storage that "
	  "all hosts see. It is looked at together with its disks, this host "
	  "and its libvirt, and the resources that there are. Then the "
	  "resource comes in one update, with its UUID, the agent's advised "
	  "time-outs, its size as utilization (cpu_mhz: 32 for each vCPU, "
	  "memory_mb: the whole <memory>), "
	  "gate and ticket: stopped, unless --start. Where anything is refused "
	  "nothing is changed; --force takes files that no other host may "
	  "see. --dry-run shows the commands that do the same. Another operand "
	  "is the name of a resource of the agent ocf:vmha:VirtualMachine, "
	  "which gets its ticket: the constraint vmha-gate-VM (loss-policy "
	  "freeze: a VM that runs is never stopped by it) and the ticket "
	  "vmha-VM, granted, in one update. One that has both is left as it "
	  "is; a part that is missing is completed. A member of a group, "
	  "clone or bundle can't be gated and is refused: then nothing is "
	  "changed. With --all those that can be gated are, and the others "
	  "are named." },
	{ "vm remove", "VM...", VMHA_VM, 1, VMHA_OPERANDS_MAX,
	  BIT(OPT_RESOURCE) | BIT(OPT_DRY_RUN) | BIT(OPT_FORCE) | BIT(OPT_JSON),
	  CIB_S, vmha_vm_remove, "take gate and ticket of VMs away again",
	  "Both go in one update. A host on which a VM without a gate runs is "
	  "reset when it is cut off, since nothing could hold it. Refuses a "
	  "VM whose ticket is not granted, unless it is powered off. With "
	  "--resource the resource goes "
	  "too, with the locations it was given: only if it is stopped, which "
	  "Pacemaker's history must prove on every host, and nothing else "
	  "names it. Its domain XML and its disks are never touched." },
	{ "vm import", "RESOURCE", VMHA_RESOURCE, 1, 1,
	  BIT(OPT_DRY_RUN) | BIT(OPT_YES) | BIT(OPT_FORCE) | BIT(OPT_WAIT) |
		  BIT(OPT_JSON),
	  CIB_S, vmha_vm_import,
	  "make a VM of ocf:heartbeat:VirtualDomain one of vmha, while it runs",
	  "RESOURCE keeps its name, constraints, operations and meta "
	  "attributes. In one update it gets the new agent and parameters and "
	  "is not managed; then all hosts probe it. Only when the new agent "
	  "finds the guest where it was, and nowhere else, it is managed "
	  "again; else the old definition comes back. The guest is not "
	  "touched. Settings without a counterpart are named and refused; "
	  "--force drops them. Until its next start by the cluster its QEMU "
	  "lacks the agent's own monitor socket: each monitor asks libvirt, "
	  "and stop can shut the guest down by its guest agent alone, else it "
	  "cuts its power. Where the config file shows no guest agent that "
	  "needs --yes." },
	{ "admission inventory", "", VMHA_NOTHING, 0, 0,
	  BIT(OPT_CIB) | BIT(OPT_OUTPUT) | BIT(OPT_JSON), DISK_S,
	  vmha_admission_inventory,
	  "what admission control counts: capacity of hosts, demand of VMs, "
	  "rules",
	  "Reads Pacemaker's CIB and, where this host can, the domain XML of "
	  "each VM. A host offers its utilization cpu_mhz and memory_mb (MiB), "
	  "which its vmha-fdmd writes unless somebody has set it by hand. A VM "
	  "takes what its ticket was admitted with, else its utilization, else "
	  "the XML's min_guarantee; all of its memory where the host can't "
	  "take that back; and QEMU's overhead. Location constraints of "
	  "-INFINITY and +INFINITY become the hosts it may run on, colocation "
	  "constraints and groups rules. What is not counted as Pacemaker "
	  "does is a warning. With --output json it is the inventory file of "
	  "admission control. Changes nothing." },
	{ "recover", "[VM...]", VMHA_VM, 0, VMHA_OPERANDS_MAX,
	  OPTS_KNOWN | BIT(OPT_YES) | BIT(OPT_FORCE), CIB_S, vmha_recover,
	  "grant held VMs of a cluster whose fault domain manager is gone",
	  "Shows each gated VM without its ticket, and what you would take on "
	  "trust. With --yes it grants the tickets. It touches no list and no "
	  "hold: a VM that a host may still run starts only after \"vmha host "
	  "confirm-dead\" for that host. Refuses while a master lives, and "
	  "without quorum." },
	{ "host maintenance", "HOST on|off|status", VMHA_HOST_DUTY, 2, 2,
	  BIT(OPT_WAIT) | BIT(OPT_YES) | BIT(OPT_FORCE) | BIT(OPT_DRY_RUN) |
		  BIT(OPT_MANAGER) | BIT(OPT_JSON),
	  0, vmha_maintenance,
	  "empty a host by live migration before work on it, and back",
	  "on asks Pacemaker's scheduler what would become of each VM of HOST, "
	  "and refuses where one has nowhere to go: it names the VM and what "
	  "stands in the way. It refuses, too, where the cluster without HOST "
	  "could not keep the promise of its admission policy: the master is "
	  "asked, which decides this and power-ons one after the other; "
	  "--force goes on. Under the policy dedicated VMs go to failover "
	  "hosts only with --force, where no other has room. "
	  "VMs that can't migrate live are stopped and "
	  "started elsewhere, which needs --yes; --force also stops those that "
	  "no host can run. Then it sets standby and shows each VM's way until "
	  "none is left. off ends standby. status tells which it is. This is "
	  "vSphere's maintenance mode. It is not Pacemaker's \"maintenance\", "
	  "which leaves everything running where it is and watches nothing: "
	  "for work on the cluster's own software." },
	{ "host check", "", VMHA_NOTHING, 0, 0, BIT(OPT_TELL) | BIT(OPT_JSON),
	  CIB_S, vmha_host_check,
	  "does this host have what the VMs need: disks, bridges, networks",
	  "Looks at the domain XML of each VM that may run on this host. The "
	  "fault domain manager of each host runs it with --tell some seconds "
	  "after its start, when VMs have changed, and every ten minutes; "
	  "\"vmha check\" and \"vmha status\" show what the hosts lack." },
	{ "host confirm-dead", "HOST", VMHA_HOST_ONLY, 1, 1,
	  OPTS_KNOWN | BIT(OPT_YES) | BIT(OPT_FORCE), 0, vmha_confirm_dead,
	  "say that a host is switched off, where nothing can prove it",
	  "Your word takes the place of a proof: fencing of HOST succeeds and "
	  "its VMs start elsewhere. If it is not off, they run twice and "
	  "their disks are destroyed. Says what is known of it and asks for "
	  "its name; --yes does not ask. Refused for a host that beats or is "
	  "a member, and on a host without quorum unless --force. The word ends "
	  "when the host beats again." },
	{ "admission show", "", VMHA_NOTHING, 0, 0, OPTS_JUDGE, ADMISSION_S,
	  vmha_admission_show,
	  "policy, what is reserved, kept for failures and free, on one screen",
	  "The cluster as it stands, with each host and what runs there; a "
	  "request in the file is not looked at." },
	{ "admission check", "", VMHA_NOTHING, 0, 0, OPTS_JUDGE, ADMISSION_S,
	  vmha_admission_check,
	  "would a power-on be admitted, or the cluster survive a failure",
	  "Judges the cluster of --inventory, of --cib or, without both, the "
	  "live one: the request of the inventory file, or without one the "
	  "cluster as it stands. First the policy's arithmetic, and with the guarantee \"plan\" a "
	  "place for each VM after each failure of so many hosts. The answer "
	  "is admit or refuse, of a cluster satisfied or violated, with the "
	  "reason and what would help. Of a CIB it is the cluster's own "
	  "policy, the parameters of ocf:vmha:FaultDomain, changed by the "
	  "options. Changes nothing. "
	  "With --output=json an error is one object with the key \"error\"." },
	{ "admission explain", "", VMHA_NOTHING, 0, 0, OPTS_JUDGE, ADMISSION_S,
	  vmha_admission_explain,
	  "the same, with each step of the arithmetic and the whole plan",
	  "Shows how the figures come about, and which VM goes where if which "
	  "host fails." },
	{ "what-if host-failure", "HOST...", VMHA_HOST_ONLY, 1,
	  VMHA_OPERANDS_MAX, OPTS_JUDGE, ADMISSION_S, vmha_what_if_failure,
	  "where would the VMs of these hosts go if they died now",
	  "The hosts are taken as offline, all at once. Shows where their VMs "
	  "find a place, and what the policy says of the cluster that is left. "
	  "The exit code is 0 when every VM has a place. A request in the file "
	  "is not looked at." },
	{ "what-if add-vm", "NAME [KEY=VALUE...]", VMHA_VM_SIZES, 1,
	  VMHA_OPERANDS_MAX, OPTS_JUDGE, ADMISSION_S, vmha_what_if_add,
	  "would one more VM be admitted",
	  "KEY is cpu_mhz, memory_mb, overhead_mb (numbers), host (where it is "
	  "to start; else wherever it may) or hosts_allowed (names with commas "
	  "between). A VM of the cluster counts with QEMU's overhead as well: "
	  "without overhead_mb that of one virtual CPU and one video device. The "
	  "NAME of a VM that is there and off asks about that one, with the "
	  "size that it has; only host goes with it. A request in the file is "
	  "not looked at." },
	{ "what-if remove-host", "HOST...", VMHA_HOST_ONLY, 1,
	  VMHA_OPERANDS_MAX, OPTS_JUDGE, ADMISSION_S, vmha_what_if_remove,
	  "may these hosts go into maintenance",
	  "The hosts are taken as in maintenance, all at once, and their VMs "
	  "as moved to where the planner puts them. A request in the file is "
	  "not looked at." },
	{ "plan show", "[HOST...]", VMHA_HOST_ONLY, 0, VMHA_OPERANDS_MAX,
	  OPTS_INVENTORY, ADMISSION_S, vmha_plan_show,
	  "who goes where if a host dies, and how full the others are then",
	  "One host at a time: each HOST in turn, or without any each online "
	  "host, failover hosts aside. Where Pacemaker has a plan that holds "
	  "(constraints vmha-plan-VM), that one is shown. Each placement was "
	  "checked by code that shares nothing with the search. The exit code is 0 when every VM has "
	  "a place." },
	{ "disarm", "", VMHA_NOTHING, 0, 0,
	  OPTS_ASK | BIT(OPT_REASON) | BIT(OPT_WAIT), 0, vmha_disarm,
	  "before planned work on storage or network: no host is reset",
	  "Has every host that beats close its watchdog. Until \"vmha arm\" no "
	  "host resets itself, and none can be proven dead: fence_vmha then "
	  "fails and leaves the verdict to the next fencing level. The table "
	  "says which host has followed. A host that has not is still armed." },
	{ "arm", "", VMHA_NOTHING, 0, 0, OPTS_ASK | BIT(OPT_WAIT), 0, vmha_arm,
	  "after planned work: every host is guarded again",
	  "Ends what \"vmha disarm\" began. A host arms its watchdog as soon as "
	  "its beats get through." },
	{ "check", "", VMHA_NOTHING, 0, 0,
	  OPTS_DISK | BIT(OPT_SOCKET) | BIT(OPT_MANAGER) |
		  BIT(OPT_COROSYNC_CONF),
	  DISK_S, vmha_check, "is the whole cluster set up as it should be",
	  "The same as vmha heartbeat check: vmha.conf, datastores, watchdog, "
	  "corosync, Pacemaker's properties, the fault domain manager, the "
	  "VMs' gates and restart parameters, and what the VMs' domain XML needs "
	  "of this very host: disks, bridges and networks, a way to shut down, "
	  "live migration. What the other hosts lack of it they tell by "
	  "themselves (vmha host check)." },
	{ "heartbeat create", "PATH...", VMHA_PATHS, 1, HA_STORES_MAX,
	  OPTS_DISK | OPTS_TIMING | BIT(OPT_CLUSTER) | BIT(OPT_HOSTS) |
		  BIT(OPT_SLOTS) | BIT(OPT_VMS) | BIT(OPT_FORCE) |
		  BIT(OPT_FORCE_LIVE) | BIT(OPT_WRITE_CONF) |
		  BIT(OPT_COROSYNC_CONF),
	  CREATE_S, vmha_create,
	  "make the heartbeat areas of a cluster, all of them at once",
	  "Each PATH is a block device, or a file that is made with all its "
	  "blocks written, on storage that every host sees under this path. "
	  "Three datastores that share no array, switch or power are "
	  "recommended: with two, one lost makes a host's death unknowable; "
	  "with one, its loss ends the heartbeat. An area of another cluster, "
	  "an existing one of this cluster and a device that holds data are "
	  "refused without --force; one on which a host beats needs "
	  "--force-live. Run it on one host, then copy vmha.conf to the "
	  "others." },
	{ "heartbeat list", "[PATH...]", VMHA_PATHS, 0, HA_STORES_MAX,
	  OPTS_DISK | BIT(OPT_SOCKET), DISK_S, vmha_list,
	  "what is on the heartbeat datastores, short",
	  "Reads the datastores itself and needs no daemon. Without PATH: "
	  "those of vmha.conf. LAST WORD is what the host's beat says, however "
	  "old it is; STATE is what the daemon of this host has proven, where "
	  "it answers." },
	{ "heartbeat dump", "PATH", VMHA_PATHS, 1, 1, OPTS_DISK, DISK_S,
	  vmha_dump, "everything that one area holds, damaged blocks included",
	  "Shows superblock, slot table, each beat with its orders, and both "
	  "copies of each VM list. A block that can't be read is shown with "
	  "the reason. Reads only, needs no daemon." },
	{ "heartbeat add-host", "NAME [PATH...]", VMHA_HOST, 1,
	  1 + HA_STORES_MAX, OPTS_DISK | BIT(OPT_FORCE), DISK_S, vmha_add_host,
	  "give a host a slot, on all areas",
	  "NAME is the node's name in corosync. Daemons that run already see "
	  "the new host after their next restart." },
	{ "heartbeat remove-host", "NAME [PATH...]", VMHA_HOST, 1,
	  1 + HA_STORES_MAX, OPTS_DISK | BIT(OPT_FORCE), DISK_S,
	  vmha_remove_host, "take a host's slot back, on all areas",
	  "Refuses a host that beats. One that was not stopped cleanly, or "
	  "that has VMs on its list, needs --force: then it is you who says "
	  "that it is switched off." },
	{ "heartbeat status", "", VMHA_NOTHING, 0, 0, OPTS_ASK, ASK_S,
	  vmha_hb_status, "state of the heartbeat: hosts, datastores, watchdog",
	  "Asks the daemon of this host. The exit code says whether all is "
	  "well, and the lines at the end what is not." },
	{ "heartbeat watch", "", VMHA_NOTHING, 0, 0,
	  BIT(OPT_SOCKET) | BIT(OPT_INTERVAL) | BIT(OPT_ONCE), 0, vmha_watch,
	  "the same, live, with the age of each beat",
	  "A full bar is a host that is proven dead by the storage. Ctrl-C "
	  "ends it." },
	{ "heartbeat message", "HOST test|reset|off", VMHA_HOST_KIND, 2, 2,
	  OPTS_ASK | BIT(OPT_WAIT) | BIT(OPT_YES), 0, vmha_message,
	  "send an order to a host through the heartbeat datastores",
	  "test does nothing but answer. reset and off end the host and all "
	  "its VMs at once, as pulling the plug does; they count for "
	  "fence_limit." },
	{ "heartbeat check", "", VMHA_NOTHING, 0, 0,
	  OPTS_DISK | OPTS_TIMING | BIT(OPT_SOCKET) | BIT(OPT_COROSYNC_CONF) |
		  BIT(OPT_FIX),
	  DISK_S, vmha_check,
	  "compare vmha.conf, datastores, watchdog, corosync and Pacemaker",
	  "One line a finding: ok, warn or bad, what, the value, the limit and "
	  "what to do. With --fix it orders and completes datastores in "
	  "vmha.conf, gives missing hosts their slots, and makes the times of "
	  "all areas one, or those of --profile, unless a host beats." },
};

const struct vmha_command *
vmha_commands(size_t *ret_count)
{
	*ret_count = sizeof(COMMANDS) / sizeof(COMMANDS[0]);
	return COMMANDS;
}
