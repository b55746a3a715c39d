/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha recover: VMs that are held and that nobody will grant, since no master
 * is left: shows for each what stands against it and what would be taken on
 * trust, and with --yes grants the tickets. It never touches the lists: an
 * entry or a hold of a host that is not proven dead binds on, and the table
 * says so; "vmha host confirm-dead" is the word that ends it.
 */
#include "why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROW_BYTES 640u

struct recover {
	struct vmha *v;
	struct known known;
	json_t *rows; /* [{resource, ticket, trust, binds}] */
};

static bool
is_wanted(const struct vmha *v, const char *name)
{
	for (uint32_t i = 0; i < v->args.operands; i++) {
		if (strcmp(v->args.operand[i], name) == 0) {
			return true;
		}
	}
	return v->args.operands == 0;
}

/* As its user wants it: nothing to recover, unless he names it. One that is to
 * run waits for a master. */
static bool
is_left_off(const struct recover *r, const struct cib_node *ticket)
{
	return r->v->args.operands == 0 &&
	       (cib_is_kept_off(ticket) ||
		(cib_is_powered_off(ticket) && known_master(&r->known)));
}

static const json_t *
row_of(const struct recover *r, const char *name)
{
	const json_t *it;
	size_t i;

	json_array_foreach(r->rows, i, it)
	{
		if (strcmp(vmha_text(it, "resource"), name) == 0) {
			return it;
		}
	}
	return NULL;
}

static bool
is_named_before(const json_t *binds, size_t at)
{
	const char *name = vmha_text(json_array_get(binds, at), "host");

	for (size_t i = 0; i < at; i++) {
		if (strcmp(vmha_text(json_array_get(binds, i), "host"), name) ==
		    0) {
			return true;
		}
	}
	return false;
}

/* What nobody can prove, in one sentence. */
static void
trust_of(const struct recover *r, const json_t *binds, char *buffer,
	 size_t size)
{
	const json_t *it;
	size_t used = 0;
	size_t i;

	buffer[0] = '\0';
	json_array_foreach(binds, i, it)
	{
		const char *name = vmha_text(it, "host");
		int n;

		if (is_named_before(binds, i)) {
			continue;
		}
		n = snprintf(buffer + used, size - used, "%s%s",
			     used ? ", " : "", name);
		used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
	}
	if (used > 0) {
		snprintf(buffer + used, size - used,
			 ": it may run there; it starts elsewhere only after "
			 "\"vmha host confirm-dead\" for each of them");
	} else if (!r->known.status || !r->known.is_holds_complete) {
		snprintf(buffer, size,
			 "that no host runs it: the lists or holds can't all "
			 "be read here");
	} else {
		snprintf(buffer, size,
			 "nothing: no list and no hold stands against it");
	}
}

static void
look(struct recover *r)
{
	const struct cib_node *vm = NULL;
	char trust[400];

	while ((vm = cib_next_vm(r->known.cib, vm))) {
		const char *name = cib_get(vm, "id");
		const struct cib_node *ticket = cib_ticket(r->known.cib, name);
		json_t *binds;

		if (!is_wanted(r->v, name) || !cib_gate(r->known.cib, name) ||
		    cib_is_granted(ticket) || is_left_off(r, ticket)) {
			continue;
		}
		binds = known_binds(&r->known, name);
		trust_of(r, binds, trust, sizeof(trust));
		(void)json_array_append_new(
			r->rows,
			json_pack("{s:s, s:s, s:s, s:s, s:o}", "resource", name,
				  "ticket",
				  !ticket                    ? "missing" :
				  cib_is_powered_off(ticket) ? "off" :
							       "held",
				  "reason", cib_get(ticket, "vmha-reason"),
				  "trust", trust, "binds", binds));
	}
}

/* A name that is asked for and not shown is told why. */
static int
check_names(struct recover *r)
{
	struct vmha *v = r->v;

	for (uint32_t i = 0; i < v->args.operands; i++) {
		const char *name = v->args.operand[i];

		if (row_of(r, name)) {
			continue;
		}
		return ha_err_set(
			&v->err, -ESRCH, "%s %s", name,
			!cib_find(r->known.cib, "primitive", "id", name) ?
				"is no resource of Pacemaker" :
			!cib_gate(r->known.cib, name) ?
				"has no gate, so no ticket keeps it from "
				"starting; vmha why tells what does" :
				"has its ticket; vmha why tells what else "
				"keeps it from starting");
	}
	return 0;
}

/* SAFETY 20, and: as long as a master lives, tickets are its own. */
static int
may_write(struct recover *r)
{
	struct vmha *v = r->v;
	const json_t *master = known_master(&r->known);

	if (!cib_is_quorate(r->known.cib)) {
		return ha_err_set(&v->err, -EAGAIN,
				  "this cluster has no quorum: no ticket is "
				  "written. Do it on the side that has quorum");
	}
	if (master && !v->args.is_forced) {
		return ha_err_set(
			&v->err, -EBUSY,
			"%s is master and decides about tickets: it would "
			"take back at once what is not proven. vmha why "
			"tells what it waits for; --force grants nevertheless",
			vmha_text(master, "name"));
	}
	if (!r->known.status && !v->args.is_forced) {
		return ha_err_set(
			&v->err, -ENOTCONN,
			"the heartbeat daemon of this host does not tell "
			"whether a master lives (%s); start it, or say "
			"--force",
			r->known.status_err.text);
	}
	return 0;
}

static int
grant(struct recover *r)
{
	size_t room = (json_array_size(r->rows) + 1) * ROW_BYTES;
	char *xml = calloc(1, room);
	size_t used = 0;
	const json_t *it;
	size_t i;
	int rc;

	if (!xml) {
		return ha_err_set(&r->v->err, -ENOMEM, "no memory");
	}
	used += (size_t)snprintf(xml, room, "<cib><status><tickets>");
	json_array_foreach(r->rows, i, it)
	{
		used += (size_t)snprintf(
			xml + used, room - used,
			"<ticket_state id=\"" CIB_TICKET
			"%.128s\" granted=\"true\" last-granted=\"%lld\" "
			"vmha-state=\"granted\" vmha-reason=\"recovered\" "
			"vmha-owner=\"\" vmha-term=\"%" PRId64 "\"/>",
			vmha_text(it, "resource"), (long long)time(NULL),
			known_term(&r->known));
	}
	snprintf(xml + used, room - used, "</tickets></status></cib>");
	rc = cib_modify(xml, &r->v->err);
	free(xml);
	return rc;
}

static void
put_rows(const struct recover *r)
{
	unsigned int width = r->v->screen.width;
	const json_t *it;
	size_t i;

	json_array_foreach(r->rows, i, it)
	{
		const char *reason = vmha_text(it, "reason");

		printf("%s%s%s  ticket %s%s%s\n",
		       vmha_tone_on(&r->v->screen, TONE_STRONG),
		       vmha_text(it, "resource"),
		       vmha_tone_off(&r->v->screen, TONE_STRONG),
		       vmha_text(it, "ticket"), *reason ? ": " : "", reason);
		fputs("  on trust: ", stdout);
		vmha_put_wrapped(vmha_text(it, "trust"), 4, 12, width, stdout);
	}
}

static int
tell(struct recover *r, bool is_granted)
{
	struct vmha *v = r->v;
	json_t *gaps = json_array();
	const json_t *it;
	size_t i;
	int code = VMHA_OK;

	known_gaps(&r->known, gaps);
	if (v->args.is_json) {
		code = vmha_json(v, json_pack("{s:O, s:b, s:I, s:O}", "vms",
					      r->rows, "granted",
					      (int)is_granted, "term",
					      (json_int_t)known_term(&r->known),
					      "unknown", gaps));
		json_decref(gaps);
		return code;
	}
	put_rows(r);
	json_array_foreach(gaps, i, it)
	{
		fputs("not known: ", stdout);
		vmha_put_wrapped(json_string_value(it), 2, 11, v->screen.width,
				 stdout);
	}
	json_decref(gaps);
	if (json_array_size(r->rows) == 0) {
		puts("No gated VM is without its ticket: there is nothing to "
		     "recover.");
	} else if (is_granted) {
		puts("\nThese tickets are granted.");
	} else {
		puts("\nNothing was changed. With --yes these tickets are "
		     "granted, on your word for what stands above.");
	}
	return code;
}

int
vmha_recover(struct vmha *v)
{
	struct recover r = { .v = v, .rows = json_array() };
	bool is_granted = false;
	int code;
	int rc;

	known_gather(v, &r.known);
	rc = r.known.cib ? 0 :
			   ha_err_set(&v->err, r.known.cib_code,
				      "%s: tickets can't be seen or written",
				      r.known.cib_err.text);
	if (rc == 0) {
		look(&r);
		rc = check_names(&r);
	}
	if (rc == 0 && v->args.is_yes && json_array_size(r.rows) > 0) {
		rc = may_write(&r);
		if (rc == 0) {
			rc = grant(&r);
			is_granted = rc == 0;
		}
	}
	if (rc < 0 && json_array_size(r.rows) > 0 && !v->args.is_json) {
		put_rows(&r);
	}
	code = rc < 0 ? vmha_fail(v, rc) : tell(&r, is_granted);
	if (code == VMHA_OK && !is_granted && json_array_size(r.rows) > 0) {
		code = VMHA_FAILED;
	}
	json_decref(r.rows);
	known_done(&r.known);
	return code;
}
