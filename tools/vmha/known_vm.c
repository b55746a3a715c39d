/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM as all who can tell see it: where it is, its ticket, and whether it
 * is protected: would it be restarted after a failure? Protected is said only
 * when everything that a restart needs is known to be there; what is not known
 * is "unknown", never "protected".
 */
#include <stdarg.h>
#include <string.h>

#include "why.h"

const char *
known_ticket_word(const struct known *known, const char *vm)
{
	const struct cib_node *ticket = cib_ticket(known->cib, vm);

	return !known->cib                ? "unknown" :
	       !cib_gate(known->cib, vm)  ? "no gate" :
	       cib_is_granted(ticket)     ? "granted" :
	       cib_is_waiting(ticket)     ? "waiting" :
	       cib_is_powered_off(ticket) ? "off" :
	       ticket                     ? "held" :
					    "missing";
}

/* Why its turn has not come, by this host's manager; "": not told. */
static const char *
waits_text(const struct known *known, const char *name)
{
	const json_t *vm;
	size_t i;

	json_array_foreach(json_object_get(known->manager, "vms"), i, vm)
	{
		if (strcmp(vmha_text(vm, "resource"), name) == 0) {
			return vmha_text(vm, "waits");
		}
	}
	return "";
}

const char *
known_bind_text(const struct known *known, const char *vm, char *buffer,
		size_t size)
{
	json_t *binds = known_binds(known, vm);
	const json_t *bind = json_array_get(binds, 0);
	const char *what = vmha_text(bind, "what");
	const struct cib_node *ticket = cib_ticket(known->cib, vm);

	if (bind) {
		snprintf(buffer, size,
			 strcmp(what, "hold") == 0 ?
				 "held in the name of %s" :
			 strcmp(what, "list") == 0 ?
				 "on the list of %s, which is out of reach" :
				 "the list of %s can't be read",
			 vmha_text(bind, "host"));
	} else if (known_is_refused(known, vm)) {
		snprintf(buffer, size, "%s", known_admission(known, vm).text);
	} else if (cib_is_waiting(ticket) && *waits_text(known, vm)) {
		snprintf(buffer, size, "%s", waits_text(known, vm));
	} else {
		snprintf(buffer, size, "%s",
			 ticket && !cib_is_granted(ticket) ?
				 cib_get(ticket, "vmha-reason") :
				 "");
	}
	json_decref(binds);
	return buffer;
}

/* An entry that says more than the one found so far: running, then leaving,
 * then others. */
static int
rank(const char *state)
{
	return strcmp(state, "running") == 0  ? 3 :
	       strcmp(state, "outgoing") == 0 ? 2 :
	       strcmp(state, "released") == 0 ? 0 :
						1;
}

static void
from_lists(const struct known *known, struct known_vm *row)
{
	const json_t *list;
	const json_t *vm;
	int best = 0;
	size_t i;
	size_t j;

	json_array_foreach(known->lists, i, list)
	{
		const char *name = vmha_text(list, "host");
		const json_t *host = known_host(known, name);

		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			const char *state = vmha_text(vm, "state");

			if (strcmp(vmha_text(vm, "resource"), row->name) != 0 ||
			    host_is_gone(host) || rank(state) <= best) {
				continue;
			}
			best = rank(state);
			row->host = name;
			row->state = state;
			row->is_listed = true;
			row->is_in_reach =
				known_is_here(host) || host_beats(host);
		}
	}
}

static void
from_history(const struct known *known, struct known_vm *row)
{
	struct cib_past past;
	const struct cib_node *where =
		cib_active_on(known->cib, row->name, &past);

	row->pacemaker_host = where ? cib_get(where, "uname") : "";
	if (row->is_listed) {
		return;
	}
	row->host = row->pacemaker_host;
	row->is_in_reach = true;
	switch (past.where) {
	case CIB_NEVER:
	case CIB_OFF:
		row->state = !known->cib                        ? "unknown" :
			     known_is_refused(known, row->name) ? "refused" :
			     past.where == CIB_OFF              ? "stopped" :
								  "never started";
		break;
	case CIB_ON:
		row->state = "running";
		break;
	case CIB_BUSY:
		row->state = strcmp(past.operation, "stop") == 0  ? "stopping" :
			     strcmp(past.operation, "start") == 0 ? "starting" :
								    "busy";
		break;
	case CIB_FAILED:
		row->state = "failed";
		break;
	}
}

static void say(struct known_vm *row, enum known_protection protection,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
say(struct known_vm *row, enum known_protection protection, const char *fmt,
    ...)
{
	va_list ap;

	row->protection = protection;
	va_start(ap, fmt);
	vsnprintf(row->why, sizeof(row->why), fmt, ap);
	va_end(ap);
}

/* What the configuration alone rules out. */
static bool
judge_config(const struct known *known, struct known_vm *row)
{
	const struct cib_node *in = cib_container(row->primitive);
	const struct cib_node *gate = cib_gate(known->cib, row->name);
	char off[CIB_GUEST_OFF_BYTES];

	if (cib_guest_off(known->cib, row->primitive, off, sizeof(off))) {
		say(row, KNOWN_UNPROTECTED, "%s: vmha vm start %s", off,
		    row->name);
	} else if (cib_is_stopped(known->cib, row->primitive)) {
		say(row, KNOWN_UNPROTECTED,
		    "stopped by an administrator: vmha vm start %s", row->name);
	} else if (!cib_is_managed(known->cib, row->primitive)) {
		say(row, KNOWN_UNPROTECTED,
		    "not managed by Pacemaker: crm resource manage %s",
		    row->name);
	} else if (in) {
		say(row, KNOWN_UNPROTECTED,
		    "it stands in %s %s, and can have no gate of its own",
		    in->name, cib_get(in, "id"));
	} else if (!gate) {
		say(row, KNOWN_UNPROTECTED, "it has no gate: vmha vm add %s",
		    row->name);
	} else if (!cib_gate_is_sound(gate)) {
		say(row, KNOWN_UNPROTECTED,
		    "its gate is not as it must be: vmha vm add %s mends it",
		    row->name);
	} else {
		return false;
	}
	return true;
}

/* By the datastores: not before the disk says so (SAFETY 24). */
static void
judge_list(const struct known *known, struct known_vm *row)
{
	const char *state = vmha_text(known->protected_list, row->name);

	if (!known->protected_list) {
		say(row, KNOWN_UNKNOWN, "the protected list: %s",
		    known->protected_err.text);
	} else if (strcmp(state, "protected") == 0) {
		say(row, KNOWN_PROTECTED, "%s", "");
	} else {
		say(row, KNOWN_COMING,
		    "the master has not written it to the protected list yet");
	}
}

static void
judge(const struct known *known, struct known_vm *row)
{
	const json_t *found = known_found_of(known, row->name);
	char bind[256];

	if (!known->cib) {
		say(row, KNOWN_UNKNOWN, "%s", known->cib_err.text);
	} else if (found) {
		say(row, KNOWN_UNPROTECTED, "%s on %s: vmha why %s",
		    vmha_text(found, "kind"), vmha_text(found, "host"),
		    row->name);
	} else if (!row->primitive) {
		say(row, KNOWN_UNPROTECTED, "Pacemaker has no such resource");
	} else if (judge_config(known, row)) {
		return;
	} else if (cib_is_kept_off(cib_ticket(known->cib, row->name))) {
		say(row, KNOWN_UNPROTECTED,
		    "it was powered off when the cluster lost its power: vmha "
		    "vm start %s",
		    row->name);
	} else if (cib_is_powered_off(cib_ticket(known->cib, row->name)) &&
		   known_master(known)) {
		say(row, KNOWN_COMING,
		    "its user starts it: the master grants its ticket");
	} else if (known_is_refused(known, row->name)) {
		say(row, KNOWN_UNPROTECTED, "%s: vmha why %s",
		    known_admission(known, row->name).text, row->name);
	} else if (!cib_is_granted(cib_ticket(known->cib, row->name))) {
		known_bind_text(known, row->name, bind, sizeof(bind));
		say(row, KNOWN_HELD, "%s%svmha why %s", bind, *bind ? ": " : "",
		    row->name);
	} else if (!known->status) {
		say(row, KNOWN_UNKNOWN, "%s", known->status_err.text);
	} else if (!known_master(known)) {
		say(row, KNOWN_UNPROTECTED,
		    "no host is master: start ocf:vmha:FaultDomain");
	} else if (row->is_listed && !row->is_in_reach) {
		say(row, KNOWN_UNKNOWN,
		    "%s beats no more and is not proven dead", row->host);
	} else if (!row->is_listed && *row->host) {
		say(row, KNOWN_UNPROTECTED,
		    "no VM list names it: its next monitor mends that");
	} else {
		judge_list(known, row);
	}
}

void
known_vm(const struct known *known, const char *name, struct known_vm *ret_row)
{
	struct known_vm row = { .name = name, .host = "", .state = "unknown" };

	row.primitive = cib_find(known->cib, "primitive", "id", name);
	row.ticket = known_ticket_word(known, name);
	from_lists(known, &row);
	from_history(known, &row);
	judge(known, &row);
	if (!row.why[0]) {
		struct known_admission one = known_admission(known, name);

		snprintf(row.why, sizeof(row.why), "%s%s",
			 strcmp(one.state, "raise-refused") == 0 ?
				 KNOWN_NOT_ADMITTED ": " :
				 "",
			 one.text);
	}
	*ret_row = row;
}

const char *
known_protection_word(enum known_protection protection)
{
	switch (protection) {
	case KNOWN_PROTECTED:
		return "protected";
	case KNOWN_COMING:
		return "being protected";
	case KNOWN_HELD:
		return "held";
	case KNOWN_UNPROTECTED:
		return "unprotected";
	case KNOWN_UNKNOWN:
		break;
	}
	return "unknown";
}
