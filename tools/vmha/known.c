/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts for vmha status, why, recover and host, from the heartbeat daemon,
 * the fault domain manager and the CIB. What one of them can't tell stays
 * unknown; nobody is asked twice.
 */
#include "why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/ipc.h"

#define PAGES_MAX 64

void
why_add(json_t *reasons, const char *rule, const char *todo, const char *fmt,
	...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(reasons,
				    json_pack("{s:s, s:s, s:s}", "rule", rule,
					      "text", text, "todo", todo));
}

/* All VMs of all lists; a list that can't be read is said to be so. */
json_t *
known_lists(const struct vmha *v, const json_t *status)
{
	json_t *all = json_array();
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(status, "hosts"), i, host)
	{
		const char *name = vmha_text(host, "name");
		struct ha_err err = HA_ERR_INIT;
		json_t *answer = NULL;
		int rc;

		if (vmha_number(host, "list_count") == 0 &&
		    !vmha_bool(host, "self")) {
			continue;
		}
		rc = vmha_ask(v,
			      json_pack("{s:i, s:s, s:s}", "v", HA_IPC_VERSION,
					"op", "vms", "host", name),
			      ASK_MS, &answer, &err);
		(void)json_array_append_new(
			all,
			rc < 0 ? json_pack("{s:s, s:s, s:s}", "host", name,
					   "state", vmha_text(host, "state"),
					   "error", err.text) :
				 json_pack("{s:s, s:s, s:O}", "host", name,
					   "state", vmha_text(host, "state"),
					   "vms",
					   json_object_get(answer, "vms")));
		json_decref(answer);
	}
	return all;
}

static int
ask_holds(const struct vmha *v, json_t **ret_holds, bool *ret_is_complete,
	  struct ha_err *err)
{
	json_t *holds = json_array();
	json_t *from = json_integer(0);
	int rc = 0;

	*ret_is_complete = true;
	for (int i = 0; from && rc == 0 && i < PAGES_MAX; i++) {
		json_t *answer = NULL;

		rc = vmha_ask(v,
			      json_pack("{s:i, s:s, s:o}", "v", HA_IPC_VERSION,
					"op", "holds", "from", from),
			      ASK_MS, &answer, err);
		from = NULL;
		if (rc == 0) {
			(void)json_array_extend(
				holds, json_object_get(answer, "holds"));
			*ret_is_complete = *ret_is_complete &&
					   vmha_bool(answer, "complete");
			from = json_incref(json_object_get(answer, "next"));
		}
		json_decref(answer);
	}
	json_decref(from);
	if (rc < 0) {
		json_decref(holds);
		return rc;
	}
	*ret_holds = holds;
	return 0;
}

void
known_gather(const struct vmha *v, struct known *known)
{
	const char *path = v->args.manager ? v->args.manager : HA_IPC_FDM_PATH;
	json_t *request =
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status");

	memset(known, 0, sizeof(*known));
	known->status_code =
		vmha_ask_status(v, &known->status, &known->status_err);
	if (known->status_code == 0) {
		known->lists = known_lists(v, known->status);
		(void)ask_holds(v, &known->holds, &known->is_holds_complete,
				&known->holds_err);
		(void)known_list(v, &known->protected_list,
				 &known->protected_err);
	}
	if (request) {
		(void)ha_ipc_ask(path, request, ha_clock_now_ms() + ASK_MS,
				 &known->manager, &known->manager_err);
	}
	json_decref(request);
	if (!known->manager && access(path, F_OK) < 0) {
		ha_err_set(&known->manager_err, -ENOTCONN,
			   "vmha-fdmd does not run here; it is started as "
			   "resource ocf:vmha:FaultDomain, a clone");
	}
	known->cib_code = cib_read(&known->cib, &known->cib_err);
	known->found = known_found(known->cib);
}

void
known_done(struct known *known)
{
	json_decref(known->status);
	json_decref(known->lists);
	json_decref(known->holds);
	json_decref(known->protected_list);
	json_decref(known->manager);
	json_decref(known->found);
	json_decref(known->fresh);
	cib_free(known->cib);
	memset(known, 0, sizeof(*known));
}

const json_t *
known_host(const struct known *known, const char *name)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(known->status, "hosts"), i, host)
	{
		if (strcmp(vmha_text(host, "name"), name) == 0) {
			return host;
		}
	}
	return NULL;
}

bool
host_has_flag(const json_t *host, const char *flag)
{
	const json_t *it;
	size_t i;

	json_array_foreach(json_object_get(host, "flags"), i, it)
	{
		const char *text = json_string_value(it);

		if (text && strcmp(text, flag) == 0) {
			return true;
		}
	}
	return false;
}

bool
host_is_gone(const json_t *host)
{
	const char *state = vmha_text(host, "state");
	const json_t *gone = json_object_get(host, "gone");

	if (json_is_boolean(gone)) {
		return json_is_true(gone);
	}
	/* A daemon of an older version. */
	return strcmp(state, "dead") == 0 || strcmp(state, "stopped") == 0 ||
	       strcmp(state, "never") == 0;
}

bool
known_is_here(const json_t *host)
{
	return vmha_bool(host, "member") || vmha_bool(host, "self");
}

bool
host_beats(const json_t *host)
{
	static const char *const STATES[] = { "live",        "late",
					      "ring-only",   "isolated",
					      "partitioned", "starting" };
	const char *state = vmha_text(host, "state");

	for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++) {
		if (strcmp(STATES[i], state) == 0) {
			return true;
		}
	}
	return false;
}

int64_t
host_age(const json_t *host)
{
	int64_t best_ms = vmha_age(host, "seen_age_ms");
	const json_t *store;
	size_t i;

	json_array_foreach(json_object_get(host, "stores"), i, store)
	{
		int64_t age_ms = vmha_age(store, "age_ms");

		if (age_ms >= 0 && (best_ms < 0 || age_ms < best_ms)) {
			best_ms = age_ms;
		}
	}
	return best_ms;
}

const char *
host_words(const json_t *host, char *buffer, size_t size)
{
	bool is_gone = host_is_gone(host);

	/* What a beat said counts as long as its host may live. */
	snprintf(buffer, size, "%s%s%s",
		 vmha_state_word(vmha_text(host, "state")),
		 !is_gone && host_has_flag(host, "sealed") ? ", sealed" : "",
		 known_is_here(host) && host_has_flag(host, "master") ?
			 ", master" :
			 "");
	return buffer;
}

const json_t *
known_master(const struct known *known)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(known->status, "hosts"), i, host)
	{
		if (host_has_flag(host, "master") && !host_is_gone(host) &&
		    known_is_here(host)) {
			return host;
		}
	}
	return NULL;
}

int64_t
known_term(const struct known *known)
{
	const struct cib_node *ticket = NULL;
	const json_t *it;
	int64_t term = 0;
	size_t i;

	json_array_foreach(json_object_get(known->status, "hosts"), i, it)
	{
		int64_t here = vmha_number(it, "term");

		term = here > term ? here : term;
	}
	json_array_foreach(known->holds, i, it)
	{
		int64_t here = vmha_number(it, "term");

		term = here > term ? here : term;
	}
	while ((ticket = cib_next(known->cib, ticket, "ticket_state"))) {
		int64_t here = strtoll(cib_get(ticket, "vmha-term"), NULL, 10);

		term = here > term ? here : term;
	}
	return term;
}

const char *
known_owner(const struct known *known, const json_t *hold)
{
	const json_t *owner = json_object_get(hold, "owner");
	const json_t *host;
	size_t i;

	if (json_is_string(owner)) {
		return json_string_value(owner);
	}
	json_array_foreach(json_object_get(known->status, "hosts"), i, host)
	{
		if (vmha_number(host, "slot") == json_integer_value(owner)) {
			return vmha_text(host, "name");
		}
	}
	return "a host without a slot";
}

bool
hold_is_about(const json_t *hold, const char *vm)
{
	const char *kind = vmha_text(hold, "kind");

	return strcmp(vmha_text(hold, "resource"), vm) == 0 &&
	       (strcmp(kind, "owner") == 0 || strcmp(kind, "policy") == 0);
}

bool
hold_is_over(const struct known *known, const json_t *hold)
{
	const char *name = known_owner(known, hold);
	const json_t *owner = known_host(known, name);
	int64_t incarnation = vmha_number(hold, "owner_incarnation");
	const json_t *it;
	size_t i;

	json_array_foreach(known->holds, i, it)
	{
		if (strcmp(vmha_text(it, "kind"), "lifted") == 0 &&
		    strcmp(vmha_text(it, "resource"),
			   vmha_text(hold, "resource")) == 0 &&
		    strcmp(known_owner(known, it), name) == 0 &&
		    vmha_number(it, "owner_incarnation") == incarnation &&
		    vmha_number(it, "owner_generation") >=
			    vmha_number(hold, "owner_generation")) {
			return true;
		}
	}
	return owner && (vmha_number(owner, "incarnation") > incarnation ||
			 host_is_gone(owner));
}

/* One reason a host is enough; a hold says more than a list. */
static bool
has_bind(const json_t *binds, const char *host)
{
	const json_t *it;
	size_t i;

	json_array_foreach(binds, i, it)
	{
		if (strcmp(vmha_text(it, "host"), host) == 0) {
			return true;
		}
	}
	return false;
}

static void
binds_of_holds(const struct known *known, const char *vm, json_t *binds)
{
	const json_t *hold;
	size_t i;

	json_array_foreach(known->holds, i, hold)
	{
		if (hold_is_about(hold, vm) && !hold_is_over(known, hold) &&
		    !has_bind(binds, known_owner(known, hold))) {
			(void)json_array_append_new(
				binds,
				json_pack("{s:s, s:s, s:I}", "host",
					  known_owner(known, hold), "what",
					  "hold", "incarnation",
					  (json_int_t)vmha_number(
						  hold, "owner_incarnation")));
		}
	}
}

/* Lists of hosts that nobody can ask and nobody has proven gone. */
static void
binds_of_lists(const struct known *known, const char *vm, json_t *binds)
{
	const json_t *list;
	const json_t *it;
	size_t i;
	size_t j;

	json_array_foreach(known->lists, i, list)
	{
		const char *name = vmha_text(list, "host");
		const json_t *host = known_host(known, name);

		if (known_is_here(host) || host_is_gone(host) ||
		    has_bind(binds, name)) {
			continue;
		}
		if (*vmha_text(list, "error")) {
			(void)json_array_append_new(
				binds,
				json_pack("{s:s, s:s, s:I}", "host", name,
					  "what", "unread", "incarnation",
					  (json_int_t)vmha_number(
						  host, "incarnation")));
		}
		json_array_foreach(json_object_get(list, "vms"), j, it)
		{
			if (strcmp(vmha_text(it, "resource"), vm) == 0 &&
			    strcmp(vmha_text(it, "state"), "released") != 0) {
				(void)json_array_append_new(
					binds,
					json_pack(
						"{s:s, s:s, s:I}", "host", name,
						"what", "list", "incarnation",
						(json_int_t)vmha_number(
							host, "incarnation")));
			}
		}
	}
}

json_t *
known_binds(const struct known *known, const char *vm)
{
	json_t *binds = json_array();

	binds_of_holds(known, vm, binds);
	binds_of_lists(known, vm, binds);
	return binds;
}

static void
gap(json_t *gaps, const char *who, const struct ha_err *err)
{
	char text[700];

	snprintf(text, sizeof(text), "%s: %s", who, err->text);
	(void)json_array_append_new(gaps, json_string(text));
}

void
known_gaps(const struct known *known, json_t *gaps)
{
	if (!known->status) {
		gap(gaps, "lists and hosts are not known", &known->status_err);
	} else if (!known->holds) {
		gap(gaps, "holds are not known", &known->holds_err);
	} else if (!known->is_holds_complete) {
		(void)json_array_append_new(
			gaps, json_string("not every host's holds could be "
					  "read: there may be more of them"));
	}
	if (known->status && !known->protected_list) {
		gap(gaps, "the protected list is not known",
		    &known->protected_err);
	}
	if (!known->manager) {
		gap(gaps, "the fault domain manager does not tell",
		    &known->manager_err);
	}
	if (!known->cib) {
		gap(gaps, "tickets and Pacemaker's view are not known",
		    &known->cib_err);
	}
}
