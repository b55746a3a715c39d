/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha why: a VM that is granted, and that no host has room for (pending
 * placement), by the word of this host's manager alone; or that Pacemaker is
 * starting right now, and what that start may wait for (SAFETY 19); and one
 * that runs and is not admitted as it is. Judges nothing.
 */
#include "why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void
start_reason(const struct known *known, const char *vm, const char *host,
	     json_t *reasons)
{
	const struct cib_node *ticket = cib_ticket(known->cib, vm);
	const char *term = cib_get(ticket, "vmha-term");
	const json_t *master = known_master(known);

	if (master && *term && atoll(term) < known_term(known)) {
		why_add(reasons, "start",
			"nothing: the master writes the ticket anew within a "
			"few seconds; if it does not: \"vmha events\" on the "
			"master",
			"its start on %s is under way, and waits: its ticket is "
			"of term %s, the master %s of term %" PRId64
			" has not confirmed it",
			host, term, vmha_text(master, "name"),
			known_term(known));
		return;
	}
	why_add(reasons, "start",
		"nothing: wait for its end; the log of that host tells what "
		"keeps it",
		"its start on %s is under way", host);
}

static void
look_at_starts(const struct known *known, const char *vm, json_t *reasons)
{
	const struct cib_node *state = NULL;

	while (known->cib &&
	       (state = cib_next(known->cib, state, "node_state"))) {
		struct cib_past past;

		cib_past(state, vm, &past);
		if (past.where == CIB_BUSY &&
		    strcmp(past.operation, "start") == 0) {
			start_reason(known, vm, cib_get(state, "uname"),
				     reasons);
		}
	}
}

void
why_room(const struct known *known, const char *vm, const json_t *manager,
	 json_t *reasons)
{
	const char *pending = vmha_text(manager, "pending");

	look_at_starts(known, vm, reasons);
	if (pending[0]) {
		why_add(reasons, "room",
			"nothing: it is started as soon as a host has room. "
			"To make room: bring a host back, or stop a VM that "
			"can wait",
			"it %s", pending);
	}
}

void
why_not_admitted(const struct vmha *v, const struct known_admission *one,
		 unsigned int label)
{
	bool is_raised = strcmp(one->state, "raise-refused") == 0;
	unsigned int width = v->screen.width;
	char text[2 * HA_ERR_TEXT];

	snprintf(text, sizeof(text), "%s%s",
		 is_raised ? KNOWN_NOT_ADMITTED ": " : "", one->text);
	printf("  %-*s", (int)label - 2, "admission");
	vmha_put_wrapped(text, label, label, width, stdout);
	if (*one->help) {
		printf("%*s-> ", (int)label, "");
		vmha_put_wrapped(one->help, label + 3, label + 3, width,
				 stdout);
	}
}
