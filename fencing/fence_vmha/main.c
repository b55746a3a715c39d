/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fence_vmha: a host is fenced when the heartbeat datastores and the ring
 * prove that it is dead. No power switch is needed; what can't be proven is
 * a failure, and the next fencing level (IPMI, PDU) decides.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fence_vmha/fence.h"

static const struct fence_action ACTIONS[] = {
	{ "on", fence_on, false,
	  "does nothing and succeeds: a host that was reset comes back by "
	  "itself" },
	{ "off", fence_off, false,
	  "orders a live host to switch itself off; succeeds when it is proven "
	  "dead" },
	{ "reboot", fence_reboot, false,
	  "orders a live host to reset itself; succeeds when it is proven dead" },
	{ "status", fence_status, false,
	  "0 when the host beats, 2 when it is proven dead or out of the way, 1 "
	  "when neither is proven" },
	{ "monitor", fence_monitor, false,
	  "whether this host could tell: its daemon answers and its datastores "
	  "can be written and read" },
	{ "list", fence_list, false, "the hosts that have a slot" },
	{ "list-status", fence_list_status, false, "the same with status" },
	{ "metadata", fence_metadata, false, "this description as XML" },
	{ "manpage", fence_manpage, false, "this description as man page" },
	{ "validate-all", fence_validate, false,
	  "checks the parameters without touching anything" },
};
#define ACTIONS_COUNT (sizeof(ACTIONS) / sizeof(ACTIONS[0]))

const struct fence_action *
fence_actions(size_t *ret_count)
{
	*ret_count = ACTIONS_COUNT;
	return ACTIONS;
}

int
fence_fail(const struct ha_err *err)
{
	fprintf(stderr, "ERROR: %s\n", err->text);
	return FENCE_EXIT_FAILED;
}

void
fence_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
main(int argc, char **argv)
{
	struct ha_err err = HA_ERR_INIT;
	struct fence_args args;
	int code = fence_args_read(&args, argc, argv, &err);

	if (code < 0) {
		return fence_fail(&err);
	}
	if (code > 0) {
		return FENCE_EXIT_OK;
	}
	for (size_t i = 0; i < ACTIONS_COUNT; i++) {
		if (strcmp(ACTIONS[i].name, args.action) == 0) {
			return ACTIONS[i].run(&args);
		}
	}
	ha_err_set(&err, -EINVAL,
		   "unknown action \"%s\"; fence_vmha --help lists those that "
		   "there are",
		   args.action);
	return fence_fail(&err);
}
