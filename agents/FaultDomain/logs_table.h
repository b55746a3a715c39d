/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each line of logs.h means to an operator, in its order; then the
 * responder's.
 */
#ifndef FAULT_DOMAIN_LOGS_TABLE_H
#define FAULT_DOMAIN_LOGS_TABLE_H

#include "FaultDomain/logs.h"
#include "FaultDomain/responder.h"

struct fdm_log_row {
	int level;
	const char *id;
	const char *format;
	const char *meaning;
};

/* clang-format off */
static const struct fdm_log_row FDM_LOG_ROWS[] = {
	{ FDM_LOG_BEGIN, "Pacemaker started the FaultDomain resource on this host." },
	{ FDM_LOG_FAILED, "The daemon ends. The sentence says what to change." },
	{ FDM_LOG_END, "Pacemaker stopped the FaultDomain resource, or the host goes down. Another host becomes master." },
	{ FDM_LOG_CLIENT, "Somebody asked without the right to, or too many asked at a time." },
	{ FDM_LOG_CIB, "The configuration and the tickets are known." },
	{ FDM_LOG_NO_CIB, "Pacemaker does not run here, or its CIB daemon hangs. It is tried again each second." },
	{ FDM_LOG_HEARTBEAT, "VM lists and holds are known." },
	{ FDM_LOG_NO_HEARTBEAT, "Without it this host is never master, and holds nothing. Start vmha-heartbeatd, or configure it (vmha heartbeat create)." },
	{ FDM_LOG_MASTER, "It writes the tickets, lifts holds, and unseals hosts. The term grows with each master. Promoted: by the election's rule. Interim: as the coordinator (DC), until a host is promoted." },
	{ FDM_LOG_NOT_MASTER, "Another host was promoted, quorum was lost, or the daemon ends." },
	{ FDM_LOG_MASTER_WAITS, "Until it can, no host is master: held VMs stay held, and cut-off hosts are reset in place of being held." },
	{ FDM_LOG_PROMOTED, "The election's result: most heartbeat datastores, then the name that is greatest as text. It stays until it dies, leaves or is isolated." },
	{ FDM_LOG_DEMOTED, "Its host is put into standby, can't do a master's work any more, or the resource moves or stops. The next host is promoted." },
	{ FDM_LOG_CANDIDATE, "Its promotion score is written." },
	{ FDM_LOG_NO_CANDIDATE, "If that lasts for 10 s its promotion score is taken back; if it is master, Pacemaker promotes another host. The sentence says what is missing." },
	{ FDM_LOG_SCORE, "crm_attribute sets it, and Pacemaker acts on it. 1000 for each datastore, the rank of the host's name, and 100000 for the master that sits; 0: it is deleted." },
	{ FDM_LOG_HOLDING, "They are started nowhere else until that host says that it has released them, is proven dead, or is back." },
	{ FDM_LOG_LIFTING, "What the hold waited for has happened." },
	{ FDM_LOG_DISK_FAILED, "It is tried again. As long as it fails, tickets stay as they are." },
	{ FDM_LOG_GRANTED, "Pacemaker starts it, if it does not run." },
	{ FDM_LOG_HELD, "`vmha why VM` tells what is missing." },
	{ FDM_LOG_WAITS, "Restart order and retries: it is started when its turn comes. `vmha why VM` tells how long that may take." },
	{ FDM_LOG_GIVEN_UP, "restart_attempts is reached. It stays down until somebody mends what keeps it from starting, or makes it crash, and starts it: `vmha vm start`." },
	{ FDM_LOG_PENDING, "It may be started, and no host has room for it. Pacemaker starts it by itself as soon as one has: bring a host back, stop a VM that can wait, or give a host more utilization. No attempt is counted. A new master says it once more." },
	{ FDM_LOG_PLACED, "It was pending, and is being started, or runs." },
	{ FDM_LOG_RESTARTED, "High availability at work: it ran, its host or it failed, and it runs again. Said once, by the master that sees it run; the time counts from when the managers missed it. No power-on, move or migration. Find out why its host or its guest failed." },
	{ FDM_LOG_ADMITTED, "Admission control: its power-on, or its larger reservation, leaves the room that failures need." },
	{ FDM_LOG_NOT_ADMITTED, "Its power-on would take the room that a failure needs. It starts by itself as soon as there is room: add a host, free reservations, or change the policy. `vmha why VM` tells what would help." },
	{ FDM_LOG_RAISE_REFUSED, "Its utilization was raised around admission control. What was admitted counts, and it runs on. Lower its utilization, or make room: then it is admitted." },
	{ FDM_LOG_UNADMITTED, "It was started without the master, or before there was admission control. It runs on, and is admitted as soon as there is room." },
	{ FDM_LOG_ASK_YES, "A vmha command on that host has asked the master, and now changes the cluster: a host that leaves, or a larger reservation. Until that is done nobody else gets the room." },
	{ FDM_LOG_ASK_NO, "A vmha command on that host has asked the master and changes nothing, since failures need the room. The command says what would help." },
	{ FDM_LOG_ADMISSION_GREEN, "There is room again: the policy of admission control holds." },
	{ FDM_LOG_ADMISSION_RED, "The policy of admission control is violated: hosts are gone, or VMs that run need more. Nothing more is powered on. `vmha status` tells what would help." },
	{ FDM_LOG_DEGRADATION, "What VMs use now, less performance_degradation percent, would not fit the hosts that are left after host_failures failures. Nothing is refused for it. `vmha admission show` tells it too." },
	{ FDM_LOG_DEGRADATION_END, "It has fitted for two minutes, or performance_degradation is 100 now." },
	{ FDM_LOG_KEPT_BACK, "A host is dead. Its VMs are restarted by restart_priority and restart_depends." },
	{ FDM_LOG_RELEASED, "Nobody is there who could let them start one after the other. Start the FaultDomain resource again." },
	{ FDM_LOG_PROTECT_READ, "A new master knows again what was promised. After a power loss it starts exactly what was protected." },
	{ FDM_LOG_PROTECT_UNREAD, "A VM that was powered off before a power loss is started again if its target-role does not say Stopped. `vmha heartbeat status` tells which datastore fails." },
	{ FDM_LOG_PROTECT_FAILED, "It is tried again each second. What changes meanwhile is shown as being protected, and tickets of VMs that are powered off stay granted." },
	{ FDM_LOG_PROTECTED, "It stands on the heartbeat datastores: a failure, a power loss too, restarts it." },
	{ FDM_LOG_UNPROTECTED, "Nothing restarts it before `vmha vm start` or `crm resource start`. Its room is free for others." },
	{ FDM_LOG_OFF, "Its ticket is taken away. was-off: after a power loss; `vmha vm start` starts it." },
	{ FDM_LOG_POWER_ON, "`vmha vm start` of a VM that was kept off after a power loss, or waits after failures." },
	{ FDM_LOG_RESTART_POLICY, "A parameter of a VirtualMachine resource can't be kept. Its default, or no dependency, is used until it is corrected." },
	{ FDM_LOG_TICKETS, "In one update of the CIB." },
	{ FDM_LOG_CIB_FAILED, "It is tried again." },
	{ FDM_LOG_PLAN_WRITTEN, "Pacemaker knows where these VMs go if their hosts die: location constraints vmha-plan-VM. vmha plan show tells them." },
	{ FDM_LOG_PLAN_INCOMPLETE, "The sentence is of the first of them and says what helps; `vmha plan show` tells who has no place for each host that may die. Nothing is moved or stopped for it." },
	{ FDM_LOG_UNSEAL, "It is back, and what it runs is granted: it may start VMs again." },
	{ FDM_LOG_UNSEAL_FAILED, "It is tried again each second." },
	{ FDM_LOG_FENCE, "It left together with the former coordinator: Pacemaker then forgets that it never said goodbye. Its VMs wait for proof." },
	{ FDM_LOG_CHILD_FAILED, "A program of Pacemaker's failed or took too long. The sentence is its own." },
	{ FDM_LOG_CLEANUP, "Pacemaker would not start it where it failed before." },
	{ FDM_LOG_FENCED_HELD, "The host lives, cut off and sealed. None of its VMs can be started twice, so Pacemaker may go on." },
	{ FDM_LOG_FENCE_REFUSED, "fence_vmha resets the host in place of that, or fails. The sentence says why." },
	{ FDM_LOG_HAND_STARTED, "Somebody started it with virsh, or it was left behind. Either end it (virsh destroy DOMAIN), or let Pacemaker take it over as it runs (crm_resource --refresh --resource VM --node HOST); if it is to be stopped, Pacemaker then stops it." },
	{ FDM_LOG_DUPLICATE, "Two copies write to its disks. End the copy on this host, which is not the cluster's: virsh destroy DOMAIN. Nothing is ended automatically. Then check the guest's file systems." },
	{ FDM_LOG_TWIN, "Two copies write to its disks. End the copy on the other host: virsh destroy DOMAIN there. Nothing is ended automatically." },
	{ FDM_LOG_ORPHAN, "Its resource was deleted while it ran. End it (virsh destroy DOMAIN), or configure the resource again by the same name." },
	{ FDM_LOG_FOUND_END, "What was found is there no more." },
	{ FDM_LOG_LISTED, "It ran here without an entry: it was started by hand, or its entry was lost. Now no other host starts a second copy; the entry goes when it has ended." },
	{ FDM_LOG_LIST_FAILED, "The sentence says who else has it, or what is missing. Where it has no entry yet it is tried again each minute." },
	{ FDM_LOG_CLEARED, "It may be started anywhere again." },
	{ FDM_LOG_CLEAR_FAILED, "As long as the entry stays it is started on no other host. It is tried again each minute; crm_resource --refresh --resource VM does the same." },
	{ FDM_LOG_LOOK_FAILED, "VMs that were started by hand, run twice or have lost their resource are not noticed on this host. A process that hangs in the kernel hangs who looks at it." },
	{ FDM_LOG_STATE_LIVE, "Told by the master: the host is a member again. VMs may be started there as soon as it is unsealed." },
	{ FDM_LOG_STATE_ISOLATED, "Told by the master: the host lives, and reaches neither another host nor an isolation address. Look at its network. isolation_response decides what becomes of its VMs." },
	{ FDM_LOG_STATE_PARTITIONED, "Told by the master: the host lives in another part of a network that is cut in two. Mend the network; its VMs run on there, or are restarted here when they are released." },
	{ FDM_LOG_STATE_DEAD, "Told by the master: the host is proven dead, its VMs are restarted elsewhere. Find out why it died; it joins by itself when it is started again." },
	{ FDM_LOG_STATE_UNREACHABLE, "Told by the master: the host answers by corosync, its heartbeat daemon does not. Start vmha-heartbeatd there, its log says why it stopped." },
	{ FDM_LOG_STATE_INIT_ERROR, "Told by the master: the heartbeat daemon of the host runs, and the host can't join: its watchdog is not armed for a minute, or Pacemaker could not start the FaultDomain resource there. Read the log of vmha-heartbeatd and vmha-fdmd on that host, mend it, then crm resource cleanup." },
	{ FDM_LOG_STATE_OTHER, "Told by the master: stopped (its daemon was stopped cleanly), never (it has not been used yet), disarmed (vmha disarm), unguarded (no watchdog guards it) or unknown (too little can be read or heard)." },
	{ FDM_LOG_MAINTENANCE_BEGIN, "`vmha host maintenance` or standby: the VMs of the host leave it, and nothing starts there." },
	{ FDM_LOG_MAINTENANCE, "The host can be worked on. `vmha host maintenance HOST off` ends it." },
	{ FDM_LOG_MAINTENANCE_END, "VMs may be started there again." },
	{ FDM_LOG_GUEST_OFF, "on_guest_shutdown=stop. target-role is Stopped now, and Pacemaker leaves it off until it is started." },
	{ FDM_LOG_GUEST_OFF_WAITS, "Pacemaker restarts it, where it manages it again before this is settled. Stop it yourself if it is to stay off." },
	{ FDM_LOG_GUEST_OFF_FAILED, "It is tried again. Pacemaker may restart the virtual machine meanwhile." },
	{ FDM_LOG_GUEST_ASKED, "Nothing follows." },
	{ FDM_LOG_GUEST_DEAF, "Until then a guest that shuts down is restarted. Stop and start it when that suits." },
	{ FDM_LOG_CAPACITY, "As utilization of its node (cpu_mhz, memory_mb): the base frequency of its cores and its memory, less host_cpu_overhead and host_memory_overhead. It has changed, or was not there." },
	{ FDM_LOG_CAPACITY_BY_HAND, "It differs from what vmha wrote last (node attribute vmha-capacity). Delete it to have vmha write it again: crm node utilization HOST delete NAME." },
	{ FDM_LOG_CAPACITY_UNKNOWN, "What stands in the CIB stays. Set utilization cpu_mhz and memory_mb of its node by hand." },
	{ FDM_LOG_CAPACITY_FAILED, "It is tried again. Admission control counts with what stands in the CIB." },
	{ FDM_LOG_READY, "Its ready_condition is met: guest-heartbeat or application-heartbeat." },
	{ FDM_LOG_READY_LOST, "Two asks in a row without an answer of the guest agent, or 30 s without a line of the application. What has followed it runs on. Look at the guest." },
	{ FDM_LOG_READY_NO_CHANNEL, "Its domain XML lacks the channel of its ready_condition: add it, with its next start it counts; or choose another ready_condition. Meanwhile lower priorities wait for restart_priority_timeout." },
	{ FDM_LOG_READY_ASK_FAILED, "Virtual machines with ready_condition=guest-heartbeat do not become ready. The sentence says what is wrong; it is tried again every 5 s." },
	RESPONDER_LOG_ROWS
};
/* clang-format on */

#define FDM_LOG_ROWS_N (sizeof(FDM_LOG_ROWS) / sizeof(FDM_LOG_ROWS[0]))

#endif
