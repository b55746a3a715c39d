/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VM list on the heartbeat datastores, which is the lock that keeps a VM
 * from running twice (the list is the lock: an entry is flushed and all
 * other hosts' lists are read before QEMU starts). Kept by the heartbeat
 * daemon; this is what agents ask it.
 *
 * Where no heartbeat datastore is configured on this host the answer is
 * HA_VMLIST_NOT_CONFIGURED, and only that answer lets an agent go on
 * without the lock. Anything else that is not 0 means: do not start.
 */
#ifndef HA_VMLIST_H
#define HA_VMLIST_H

#include <stdint.h>

#include "ha/err.h"

#define HA_VMLIST_NOT_CONFIGURED 1
#define HA_VMLIST_TOKEN 64

/* One line that the heartbeat daemon writes when it is armed: whose list it
 * keeps, as CLUSTER.INCARNATION. What was on another's list is not on this
 * one. Below /run: gone after a reboot. */
#define HA_VMLIST_TOKEN_PATH "/run/vmha/heartbeatd.incarnation"

enum ha_vmlist_state {
	HA_VMLIST_STARTING,
	HA_VMLIST_RUNNING,
	HA_VMLIST_INCOMING,
	HA_VMLIST_OUTGOING,
};

/* The line of that file; "" where there is none. One small read, no question
 * to the daemon. */
void ha_vmlist_token(char ret_token[HA_VMLIST_TOKEN]);

/* Puts the VM into this host's list or changes its entry's state; returns
 * when the entry is flushed and nobody else holds the VM. 0 granted,
 * HA_VMLIST_NOT_CONFIGURED, negative errno with the reason. */
int ha_vmlist_announce(const char *uuid, const char *resource,
		       enum ha_vmlist_state state, uint64_t deadline_ms,
		       struct ha_err *err);

/* The same with the term of its ticket, as it was just read from Pacemaker's
 * CIB, 0: not. For whoever was answered -ESTALE: the term that the daemon was
 * told of last is over, and nobody on this host tells it a newer one. */
int ha_vmlist_announce_ticket(const char *uuid, const char *resource,
			      enum ha_vmlist_state state, uint64_t ticket_term,
			      uint64_t deadline_ms, struct ha_err *err);

/* The VM is about to move to that host: outgoing here, and incoming on that
 * host's list, both flushed, before this returns 0. Otherwise nothing may be
 * migrated, and the entry is what it was. Same results. */
int ha_vmlist_announce_outgoing(const char *uuid, const char *resource,
				const char *target, uint64_t deadline_ms,
				struct ha_err *err);

/* Takes the VM off this host's list, only after its process is proven gone;
 * returns when that is flushed, or written down by the master where this host's
 * storage is lost. Same results, and -ESTALE: it was on its way
 * to this host until now, so that its process must be proven gone once more,
 * and this asked again. An entry incoming stays, with 0, as long as another
 * host may still send the VM. uuid may be "": the resource tells. */
int ha_vmlist_withdraw(const char *uuid, const char *resource,
		       uint64_t deadline_ms, struct ha_err *err);

#endif
