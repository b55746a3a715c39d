/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fault domain managers found on their hosts: VMs that were started
 * by hand, that run twice, whose resource is gone. Each tells it by a node
 * attribute (vmha-found: "KIND RESOURCE PID OTHER DOMAIN;..."), so any host
 * can show it. Nothing is ended from here.
 */
#include <stdlib.h>
#include <string.h>

#include "ha/found.h"
#include "why.h"

#define ATTRIBUTE "vmha-found"
#define NONE "-"
#define TEXT 512

enum field {
	FIELD_KIND,
	FIELD_VM,
	FIELD_PID,
	FIELD_OTHER,
	FIELD_DOMAIN,
	FIELD_N
};

static void
say_more(const char *host, const char *count, char *text, char *todo)
{
	snprintf(text, TEXT,
		 "%s: %s more VMs were found that do not run as the cluster "
		 "has them",
		 host, count);
	snprintf(todo, TEXT, "look at the log of %s: vmha events", host);
}

/* It may well be the cluster's own, and Pacemaker have lost sight of it. */
static void
say_agents(const char *host, const char *vm, const char *pid, char *text,
	   char *todo)
{
	snprintf(text, TEXT,
		 "%s runs on %s (QEMU process %s), started by its agent, and "
		 "Pacemaker does not have it there",
		 vm, host, pid);
	snprintf(todo, TEXT,
		 "let Pacemaker look at it anew and take it over as it runs: "
		 "crm_resource --refresh --resource %s --node %s",
		 vm, host);
}

static void
say_by_hand(const char *host, const char *domain, char *const field[FIELD_N],
	    char *text, char *todo)
{
	const char *vm = field[FIELD_VM];

	if (strcmp(field[FIELD_OTHER], HA_FOUND_BY_AGENT) == 0) {
		say_agents(host, vm, field[FIELD_PID], text, todo);
		return;
	}
	snprintf(text, TEXT,
		 "%s runs on %s (QEMU process %s), and Pacemaker does not have "
		 "it there: it was started by hand",
		 vm, host, field[FIELD_PID]);
	snprintf(
		todo, TEXT,
		"end it: virsh destroy %s on %s; or let Pacemaker take it over "
		"as it runs: crm_resource --refresh --resource %s --node %s",
		domain, host, vm, host);
}

static void
say(const char *host, char *const field[FIELD_N], char *text, char *todo)
{
	const char *vm = field[FIELD_VM];
	const char *domain = strcmp(field[FIELD_DOMAIN], NONE) == 0 ?
				     "DOMAIN" :
				     field[FIELD_DOMAIN];

	switch (ha_found_kind_from(field[FIELD_KIND])) {
	case HA_FOUND_HAND_STARTED:
		say_by_hand(host, domain, field, text, todo);
		break;
	case HA_FOUND_DUPLICATE:
		snprintf(text, TEXT,
			 "%s runs twice: on %s (QEMU process %s), where "
			 "Pacemaker does not have it, and on %s",
			 vm, host, field[FIELD_PID], field[FIELD_OTHER]);
		snprintf(todo, TEXT,
			 "end the copy on %s: virsh destroy %s there; then "
			 "check the guest's file systems",
			 host, domain);
		break;
	case HA_FOUND_TWIN:
		snprintf(text, TEXT,
			 "%s runs on %s (QEMU process %s), where Pacemaker has "
			 "it, and the VM list of %s says that it runs there "
			 "as well",
			 vm, host, field[FIELD_PID], field[FIELD_OTHER]);
		snprintf(todo, TEXT,
			 "end the copy on %s: virsh destroy %s there; then "
			 "check the guest's file systems",
			 field[FIELD_OTHER], domain);
		break;
	case HA_FOUND_ORPHAN:
		snprintf(text, TEXT,
			 "%s runs on %s (QEMU process %s), and the cluster has "
			 "no such resource any more",
			 vm, host, field[FIELD_PID]);
		snprintf(todo, TEXT,
			 "end it: virsh destroy %s on %s; or configure the "
			 "resource again by the same name",
			 domain, host);
		break;
	case HA_FOUND_STALE:
	case HA_FOUND_NONE:
	case HA_FOUND_N:
		say_more(host, field[FIELD_PID], text, todo);
		break;
	}
}

/* One finding; what is not understood is left out. */
static void
add(const char *host, char *one, json_t *found)
{
	char *field[FIELD_N];
	char *save = NULL;
	char text[TEXT];
	char todo[TEXT];
	size_t n = 0;

	for (char *at = strtok_r(one, " ", &save); at && n < FIELD_N;
	     at = strtok_r(NULL, " ", &save)) {
		field[n++] = at;
	}
	if (n < FIELD_N ||
	    (ha_found_kind_from(field[FIELD_KIND]) >= HA_FOUND_N &&
	     strcmp(field[FIELD_KIND], "more") != 0)) {
		return;
	}
	say(host, field, text, todo);
	(void)json_array_append_new(
		found,
		json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s}", "host", host,
			  "kind", field[FIELD_KIND], "vm", field[FIELD_VM],
			  "pid", atoi(field[FIELD_PID]), "other",
			  strcmp(field[FIELD_OTHER], NONE) == 0 ||
					  strcmp(field[FIELD_OTHER],
						 HA_FOUND_BY_AGENT) == 0 ?
				  "" :
				  field[FIELD_OTHER],
			  "text", text, "todo", todo));
}

json_t *
known_found(const struct cib_node *cib)
{
	const struct cib_node *state = NULL;
	json_t *found = json_array();

	while (cib && (state = cib_next(cib, state, "node_state"))) {
		const struct cib_node *own =
			cib_child(state, "transient_attributes");
		const char *value = own ? cib_nvpair(own, ATTRIBUTE) : NULL;
		char *copy = value ? strdup(value) : NULL;
		char *save = NULL;

		for (char *one = copy ? strtok_r(copy, ";", &save) : NULL; one;
		     one = strtok_r(NULL, ";", &save)) {
			add(cib_get(state, "uname"), one, found);
		}
		free(copy);
	}
	return found;
}

const json_t *
known_found_of(const struct known *known, const char *vm)
{
	const json_t *one;
	size_t i;

	json_array_foreach(known->found, i, one)
	{
		if (strcmp(vmha_text(one, "vm"), vm) == 0) {
			return one;
		}
	}
	return NULL;
}

void
known_put_found(const struct vmha *v, const struct known *known)
{
	const json_t *one;
	size_t i;

	if (json_array_size(known->found) > 0) {
		puts("\nConfiguration issues: VMs that do not run as the "
		     "cluster has them");
	}
	json_array_foreach(known->found, i, one)
	{
		fputs("  ", stdout);
		vmha_put_wrapped(vmha_text(one, "text"), 2, 2, v->screen.width,
				 stdout);
		fputs("    -> ", stdout);
		vmha_put_wrapped(vmha_text(one, "todo"), 7, 7, v->screen.width,
				 stdout);
	}
}
