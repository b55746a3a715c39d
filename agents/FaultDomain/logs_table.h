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
	{ FDM_LOG_GIVEN_UP, "restart_attempts is reached. It stays down until somebody mends what keeps it from starting, and stops and starts it." },
	{ FDM_LOG_KEPT_BACK, "A host is dead. Its VMs are restarted by restart_priority and restart_depends." },
	{ FDM_LOG_RELEASED, "Nobody is there who could let them start one after the other. Start the FaultDomain resource again." },
	{ FDM_LOG_RESTART_POLICY, "A parameter of a VirtualMachine resource can't be kept. Its default, or no dependency, is used until it is corrected." },
	{ FDM_LOG_TICKETS, "In one update of the CIB." },
	{ FDM_LOG_CIB_FAILED, "It is tried again." },
	{ FDM_LOG_UNSEAL, "It is back, and what it runs is granted: it may start VMs again." },
	{ FDM_LOG_UNSEAL_FAILED, "It is tried again each second." },
	{ FDM_LOG_FENCE, "It left together with the former coordinator: Pacemaker then forgets that it never said goodbye. Its VMs wait for proof." },
	{ FDM_LOG_CHILD_FAILED, "A program of Pacemaker's failed or took too long. The sentence is its own." },
	{ FDM_LOG_CLEANUP, "Pacemaker would not start it where it failed before." },
	{ FDM_LOG_FENCED_HELD, "The host lives, cut off and sealed. None of its VMs can be started twice, so Pacemaker may go on." },
	{ FDM_LOG_FENCE_REFUSED, "fence_vmha resets the host in place of that, or fails. The sentence says why." },
	RESPONDER_LOG_ROWS
};
/* clang-format on */

#define FDM_LOG_ROWS_N (sizeof(FDM_LOG_ROWS) / sizeof(FDM_LOG_ROWS[0]))

#endif
