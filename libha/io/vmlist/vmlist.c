/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agents' end of the VM list (ha/vmlist.h). The list is kept by the
 * heartbeat daemon, which this version does not contain yet: where none is
 * configured the answer is NOT_CONFIGURED. Where one *is* configured, by a
 * later version of vmha on this host, this agent does not know how to ask it
 * and must not start anything (SAFETY 12: only "not configured" goes on
 * without the lock).
 */
#include "ha/vmlist.h"

#include <errno.h>
#include <unistd.h>

#define HEARTBEAT_CONF "/etc/vmha/vmha.conf"
#define HEARTBEAT_SOCKET "/run/vmha/heartbeatd.sock"

static int
ask(const char *what, const char *resource, struct ha_err *err)
{
	if (access(HEARTBEAT_CONF, F_OK) < 0 && errno == ENOENT &&
	    access(HEARTBEAT_SOCKET, F_OK) < 0 && errno == ENOENT) {
		return HA_VMLIST_NOT_CONFIGURED;
	}
	return ha_err_set(err, -ENOTCONN,
			  "can't %s %s: heartbeat datastores are configured on "
			  "this host (%s), but this version of the agent can't "
			  "reach the heartbeat daemon; install agents and "
			  "daemon of one version",
			  what, resource, HEARTBEAT_CONF);
}

int
ha_vmlist_announce(const char *uuid, const char *resource,
		   enum ha_vmlist_state state, uint64_t deadline_ms,
		   struct ha_err *err)
{
	(void)uuid;
	(void)state;
	(void)deadline_ms;
	return ask("announce", resource, err);
}

int
ha_vmlist_withdraw(const char *uuid, const char *resource, uint64_t deadline_ms,
		   struct ha_err *err)
{
	(void)uuid;
	(void)deadline_ms;
	return ask("withdraw", resource, err);
}
