/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha why VM: does it run, and why or why not: its ticket, who lists it,
 * what holds it, which evidence is missing, and what Pacemaker itself says.
 * Each reason names the rule by a short word. It says what it could not ask;
 * it never guesses.
 */
#include "why.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/ipc.h"

#define LABEL 12

struct why {
	struct vmha *v;
	const char *vm;
	struct known known;
	const struct cib_node *primitive, *gate, *ticket;
	json_t *manager; /* fdmd's answer to "vm"; NULL: none */
	json_t *runs;    /* host names that list it as running, and beat */
	json_t *maybe;   /* that list it, and neither beat nor are gone */
	json_t *listed;  /* [{host, host_state, state, member}] */
	json_t *holds;   /* in force */
	json_t *reasons, *gaps;
};

static void
gather(struct why *w)
{
	struct vmha *v = w->v;
	const char *path = v->args.manager ? v->args.manager : HA_IPC_FDM_PATH;
	json_t *request = json_pack("{s:i, s:s, s:s}", "v", HA_IPC_VERSION,
				    "op", "vm", "resource", w->vm);

	known_gather(v, &w->known);
	known_judge(v, &w->known, w->vm);
	if (request && w->known.manager) {
		(void)ha_ipc_ask(path, request, ha_clock_now_ms() + ASK_MS,
				 &w->manager, NULL);
	}
	json_decref(request);
	w->primitive = cib_find(w->known.cib, "primitive", "id", w->vm);
	w->gate = cib_gate(w->known.cib, w->vm);
	w->ticket = cib_ticket(w->known.cib, w->vm);
}

static void
look_lists(struct why *w)
{
	const json_t *list;
	const json_t *vm;
	size_t i;
	size_t j;

	json_array_foreach(w->known.lists, i, list)
	{
		const char *name = vmha_text(list, "host");
		const json_t *host = known_host(&w->known, name);
		char words[96];

		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			const char *state = vmha_text(vm, "state");

			if (strcmp(vmha_text(vm, "resource"), w->vm) != 0) {
				continue;
			}
			(void)json_array_append_new(
				w->listed,
				json_pack(
					"{s:s, s:s, s:s, s:b}", "host", name,
					"host_state",
					host_words(host, words, sizeof(words)),
					"state", state, "member",
					vmha_bool(host, "member") ||
						vmha_bool(host, "self")));
			if (!host_is_gone(host) &&
			    (strcmp(state, "running") == 0 ||
			     strcmp(state, "outgoing") == 0)) {
				(void)json_array_append_new(
					known_is_here(host) ||
							host_beats(host) ?
						w->runs :
						w->maybe,
					json_string(name));
			}
		}
	}
}

/* What would have to be shown so that another host may start it. */
static void
bind_reason(struct why *w, const json_t *bind)
{
	const char *name = vmha_text(bind, "host");
	const char *what = vmha_text(bind, "what");
	const json_t *host = known_host(&w->known, name);
	char words[96];
	char todo[512];

	if (!host) {
		snprintf(words, sizeof(words), "not known here");
	} else {
		host_words(host, words, sizeof(words));
	}
	snprintf(todo, sizeof(todo),
		 "bring %s back into the cluster, or end %s there; if %s is "
		 "switched off for sure: vmha host confirm-dead %s",
		 name, w->vm, name, name);
	if (strcmp(what, "hold") == 0) {
		why_add(w->reasons, "hold", todo,
			"it is held in the name of %s (incarnation %" PRId64
			"), which is %s. Missing: a proof that %s is dead, or "
			"its word that the VM ended there",
			name, vmha_number(bind, "incarnation"), words, name);
	} else if (strcmp(what, "list") == 0) {
		why_add(w->reasons, "list", todo,
			"%s has it on its list and is out of reach (%s). "
			"Missing: a proof that %s is dead, or its word that "
			"the VM ended there",
			name, words, name);
	} else {
		why_add(w->reasons, "unread", todo,
			"the VM list of %s can't be read, and %s is %s: it "
			"may run there. Missing: its list, or a proof that it "
			"is dead",
			name, name, words);
	}
}

static void
look_binds(struct why *w)
{
	json_t *binds = known_binds(&w->known, w->vm);
	const json_t *bind;
	const json_t *hold;
	size_t i;

	json_array_foreach(binds, i, bind)
	{
		bind_reason(w, bind);
	}
	json_decref(binds);
	json_array_foreach(w->known.holds, i, hold)
	{
		if (hold_is_about(hold, w->vm) &&
		    !hold_is_over(&w->known, hold)) {
			(void)json_array_append_new(
				w->holds,
				json_pack("{s:s, s:s, s:I, s:I, s:O?}", "owner",
					  known_owner(&w->known, hold), "kind",
					  vmha_text(hold, "kind"),
					  "incarnation",
					  (json_int_t)vmha_number(
						  hold, "owner_incarnation"),
					  "term",
					  (json_int_t)vmha_number(hold, "term"),
					  "by", json_object_get(hold, "by")));
		}
	}
}

/* Restart order and retries: the manager knows for whom, and how long. */
static void
look_order(struct why *w)
{
	const char *reason = cib_get(w->ticket, "vmha-reason");
	const char *waits = vmha_text(w->manager, "waits");
	char todo[256];

	if (strcmp(reason, "given-up") == 0 ||
	    strcmp(reason, "disabled") == 0) {
		snprintf(todo, sizeof(todo), "vmha vm start %s", w->vm);
	} else {
		snprintf(todo, sizeof(todo),
			 known_master(&w->known) ?
				 "nothing: the master lets it start when its "
				 "turn comes" :
				 "start the fault domain manager "
				 "(ocf:vmha:FaultDomain); where that is "
				 "impossible: vmha recover");
	}
	why_add(w->reasons, "order", todo, "%s%s",
		waits[0] ? waits : "it waits for its turn: ",
		waits[0] ? "" : reason);
}

static void
look_ticket(struct why *w)
{
	char todo[256];

	if (!w->known.cib || !w->primitive) {
		return;
	}
	if (w->gate && !cib_gate_is_sound(w->gate)) {
		snprintf(todo, sizeof(todo), "vmha vm add %s mends it", w->vm);
		why_add(w->reasons, "ticket", todo,
			"its gate %s has loss-policy=%s instead of freeze: "
			"Pacemaker may stop it when the ticket is revoked",
			cib_get(w->gate, "id"),
			cib_get(w->gate, "loss-policy"));
	}
	if (w->gate && cib_is_powered_off(w->ticket)) {
		snprintf(todo, sizeof(todo), "vmha vm start %s", w->vm);
		why_add(w->reasons, "power", todo,
			cib_is_kept_off(w->ticket) ?
				"it was powered off when the cluster lost its "
				"power, and nobody has started it since" :
				"its user has powered it off: its ticket is "
				"taken away until it is started");
	} else if (known_is_refused(&w->known, w->vm)) {
		struct known_admission one = known_admission(&w->known, w->vm);

		why_add(w->reasons, "admission",
			*one.help ? one.help :
				    "make room for it (\"vmha admission "
				    "explain\"): it starts by itself then",
			"admission control refuses it: %s", one.text);
	} else if (w->gate && cib_is_waiting(w->ticket)) {
		look_order(w);
	} else if (w->gate && !cib_is_granted(w->ticket)) {
		why_add(w->reasons, "ticket",
			known_master(&w->known) ?
				"nothing: the master grants it as soon as "
				"what binds it has ended" :
				"start the fault domain manager "
				"(ocf:vmha:FaultDomain); where that is "
				"impossible: vmha recover",
			"its ticket " CIB_TICKET "%s is %s%s%s", w->vm,
			w->ticket ? "not granted" : "missing",
			*cib_get(w->ticket, "vmha-reason") ? ": " : "",
			cib_get(w->ticket, "vmha-reason"));
	}
}

static void
look_self(struct why *w)
{
	const json_t *self = json_object_get(w->known.status, "self");
	const char *why = vmha_text(self, "seal_text");

	if (vmha_bool(self, "sealed")) {
		why_add(w->reasons, "seal",
			"it unseals by itself in a quorate membership, once "
			"the master has settled its list",
			"this host is sealed: %s",
			*why ? why : "no VM starts here");
	}
}

/* What the managers saw running, whatever the cluster says. */
static void
look_found(struct why *w)
{
	const json_t *one;
	size_t i;

	json_array_foreach(w->known.found, i, one)
	{
		if (strcmp(vmha_text(one, "vm"), w->vm) == 0) {
			why_add(w->reasons, "found", vmha_text(one, "todo"),
				"%s", vmha_text(one, "text"));
		}
	}
}

static void
look(struct why *w)
{
	look_lists(w);
	look_found(w);
	look_binds(w);
	look_ticket(w);
	why_room(&w->known, w->vm, w->manager, w->reasons);
	if (w->primitive) {
		cib_reasons(w->known.cib, w->primitive, w->reasons);
	} else if (w->known.cib) {
		why_add(w->reasons, "pacemaker",
			"\"crm resource\" names those that there are",
			"Pacemaker has no resource %s", w->vm);
	}
	look_self(w);
	known_gaps(&w->known, w->gaps);
}

static int
tell_json(struct why *w)
{
	bool has_runs = json_array_size(w->runs) > 0;
	bool is_known =
		has_runs || (w->known.status && json_array_size(w->maybe) == 0);
	struct known_admission one = known_admission(&w->known, w->vm);

	return vmha_json(
		w->v,
		json_pack(
			"{s:s, s:o, s:O, s:O, s:{s:s, s:s, s:s, s:s}, s:O, s:O, "
			"s:O, s:O, s:O?, s:o}",
			"vm", w->vm, "runs",
			is_known ? json_boolean(has_runs) : json_null(),
			"hosts", w->runs, "maybe", w->maybe, "ticket", "state",
			known_ticket_word(&w->known, w->vm), "reason",
			cib_get(w->ticket, "vmha-reason"), "owner",
			cib_get(w->ticket, "vmha-owner"), "term",
			cib_get(w->ticket, "vmha-term"), "lists", w->listed,
			"holds", w->holds, "reasons", w->reasons, "unknown",
			w->gaps, "manager", w->manager, "admission",
			*one.state ?
				json_pack("{s:s, s:s, s:s}", "state", one.state,
					  "text", one.text, "help", one.help) :
				json_null()));
}

static void
put_label(const char *label)
{
	printf("  %-*s", LABEL - 2, label);
}

static void
put_facts(const struct why *w)
{
	const char *reason = cib_get(w->ticket, "vmha-reason");
	const char *term = cib_get(w->ticket, "vmha-term");
	struct known_admission one = known_admission(&w->known, w->vm);
	const json_t *it;
	size_t i;

	if (strcmp(reason, known_ticket_word(&w->known, w->vm)) == 0) {
		reason = "";
	}
	if (*one.state && !known_is_refused(&w->known, w->vm)) {
		why_not_admitted(w->v, &one, LABEL);
	}
	put_label("ticket");
	printf("%s%s%s%s%s\n", known_ticket_word(&w->known, w->vm),
	       *reason ? ", " : "", reason, *term ? ", term " : "", term);
	json_array_foreach(w->listed, i, it)
	{
		put_label("list");
		printf("%s: %s (%s)\n", vmha_text(it, "host"),
		       vmha_text(it, "state"), vmha_text(it, "host_state"));
	}
	if (w->known.status && json_array_size(w->listed) == 0) {
		put_label("list");
		puts("no host has it on a list that could be read");
	}
	json_array_foreach(w->holds, i, it)
	{
		put_label("hold");
		printf("in the name of %s (incarnation %" PRId64
		       "), term %" PRId64 "%s%s\n",
		       vmha_text(it, "owner"), vmha_number(it, "incarnation"),
		       vmha_number(it, "term"),
		       *vmha_text(it, "by") ? ", by " : "",
		       vmha_text(it, "by"));
	}
	if (*vmha_text(w->manager, "sentence")) {
		put_label("manager");
		vmha_put_wrapped(vmha_text(w->manager, "sentence"), LABEL,
				 LABEL, w->v->screen.width, stdout);
	}
	if (*vmha_text(w->manager, "not_ready")) {
		put_label("ready");
		printf("no, for what waits for it: it %s\n",
		       vmha_text(w->manager, "not_ready"));
	}
	json_array_foreach(json_object_get(w->manager, "missing"), i, it)
	{
		put_label("missing");
		vmha_put_wrapped(json_string_value(it), LABEL, LABEL,
				 w->v->screen.width, stdout);
	}
}

static void
put_reasons(const struct why *w)
{
	unsigned int width = w->v->screen.width;
	const json_t *it;
	size_t i;

	if (json_array_size(w->runs) > 0 && json_array_size(w->reasons) > 0) {
		puts("\nWhy it would not start elsewhere:");
	}
	json_array_foreach(w->reasons, i, it)
	{
		printf("\n%-*s", LABEL, vmha_text(it, "rule"));
		vmha_put_wrapped(vmha_text(it, "text"), LABEL, LABEL, width,
				 stdout);
		printf("%*s-> ", LABEL, "");
		vmha_put_wrapped(vmha_text(it, "todo"), LABEL + 3, LABEL + 3,
				 width, stdout);
	}
	if (json_array_size(w->gaps) > 0) {
		puts("\nNot known, so that this may be incomplete:");
	}
	json_array_foreach(w->gaps, i, it)
	{
		fputs("  ", stdout);
		vmha_put_wrapped(json_string_value(it), 2, 2, width, stdout);
	}
}

static void
tell(const struct why *w)
{
	const json_t *host;
	size_t i;

	if (known_is_refused(&w->known, w->vm)) {
		printf("%s is refused: %s\n", w->vm,
		       known_admission(&w->known, w->vm).text);
	}
	printf("%s%s%s ", vmha_tone_on(&w->v->screen, TONE_STRONG), w->vm,
	       vmha_tone_off(&w->v->screen, TONE_STRONG));
	if (!w->known.status) {
		puts("may run or not: no list could be read.");
	} else if (json_array_size(w->maybe) > 0 &&
		   json_array_size(w->runs) == 0) {
		printf("may run on %s, which beats no more and is not proven "
		       "dead.\n",
		       json_string_value(json_array_get(w->maybe, 0)));
	} else if (json_array_size(w->runs) == 0) {
		puts("runs on no host whose list could be read.");
	}
	json_array_foreach(w->runs, i, host)
	{
		printf("%s%s", i ? ", " : "runs on ", json_string_value(host));
	}
	if (json_array_size(w->runs) > 0) {
		puts(".");
	}
	put_facts(w);
	put_reasons(w);
	if (w->known.status && w->known.cib && json_array_size(w->runs) == 0 &&
	    json_array_size(w->reasons) == 0) {
		puts("\nNothing that vmha knows of stands in its way. "
		     "\"crm_simulate -sL\" shows the scheduler's scores.");
	}
}

static bool
is_heard_of(const struct why *w)
{
	return w->primitive || json_array_size(w->listed) > 0 ||
	       known_found_of(&w->known, w->vm) ||
	       json_array_size(w->holds) > 0;
}

int
vmha_why(struct vmha *v)
{
	struct why w = { .v = v, .vm = v->args.operand[0] };
	int code = VMHA_OK;

	w.runs = json_array();
	w.maybe = json_array();
	w.listed = json_array();
	w.holds = json_array();
	w.reasons = json_array();
	w.gaps = json_array();
	gather(&w);
	look(&w);
	if (!w.known.status && !w.known.cib) {
		code = vmha_fail_with(v, w.known.status_code,
				      "nobody on this host can tell: %s; %s",
				      w.known.status_err.text,
				      w.known.cib_err.text);
	} else if (w.known.cib && !is_heard_of(&w)) {
		code = vmha_fail_with(
			v, -ESRCH,
			"no resource, no list and no hold is "
			"called %s; \"vmha status\" names the VMs",
			w.vm);
	} else if (v->args.is_json) {
		code = tell_json(&w);
	} else {
		tell(&w);
	}
	if (code == VMHA_OK && json_array_size(w.runs) == 0) {
		code = VMHA_FAILED;
	}
	json_decref(w.runs);
	json_decref(w.maybe);
	json_decref(w.listed);
	json_decref(w.holds);
	json_decref(w.reasons);
	json_decref(w.gaps);
	json_decref(w.manager);
	known_done(&w.known);
	return code;
}
