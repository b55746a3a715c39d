/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm add and remove: the gate by which the fault domain master can keep
 * Pacemaker from starting a VM that another host may still run. Gate and
 * ticket come and go in one update each, so that no scheduler run sees a gate
 * without its ticket. Without quorum nothing is written: a minority's newer
 * configuration would win when the cluster heals.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "add.h"
#include "ask.h"
#include "cib.h"
#include "ha/cleanup.h"
#include "wait.h"

#define ROW_BYTES 1024u /* a gate or a ticket, or their XPath */
#define NAME_MAX_BYTES 128u

enum outcome {
	VM_ADD,
	VM_MEND, /* a gate or ticket that is incomplete or wrong */
	VM_DONE, /* as it is wanted */
	VM_REMOVE,
	VM_REFUSED,
};

struct job {
	struct vmha *v;
	struct cib_node *cib;
	json_t *rows; /* [{resource, result, why}] */
	unsigned int refused, todo;
	char *constraints, *tickets; /* XML for the update */
	char *xpath;
	size_t room, used_constraints, used_tickets, used_xpath;
};

static void append(char *buffer, size_t room, size_t *used, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

static void
append(char *buffer, size_t room, size_t *used, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buffer + *used, room - *used, fmt, ap);
	va_end(ap);
	/* What is cut is no XML and no XPath any more: cibadmin refuses it. */
	if (n > 0) {
		*used +=
			(size_t)n < room - *used ? (size_t)n : room - *used - 1;
	}
}

/* Of what was not written. */
static void
take_back(struct job *job)
{
	bool is_dry_run = job->v->args.is_dry_run;
	json_t *it;
	size_t i;

	json_array_foreach(job->rows, i, it)
	{
		const char *result = vmha_text(it, "result");
		char text[32];

		if (strcmp(result, "refused") != 0 &&
		    strcmp(result, "unchanged") != 0) {
			snprintf(text, sizeof(text), "%s %s",
				 is_dry_run ? "would be" : "not", result);
			(void)json_object_set_new(it, "result",
						  json_string(text));
		}
	}
}

static void
row(struct job *job, const char *resource, enum outcome outcome,
    const char *why)
{
	static const char *const WORDS[] = {
		[VM_ADD] = "added",       [VM_MEND] = "mended",
		[VM_DONE] = "unchanged",  [VM_REMOVE] = "removed",
		[VM_REFUSED] = "refused",
	};

	job->refused += outcome == VM_REFUSED;
	job->todo += outcome != VM_REFUSED && outcome != VM_DONE;
	(void)json_array_append_new(
		job->rows, json_pack("{s:s, s:s, s:s}", "resource", resource,
				     "result", WORDS[outcome], "why", why));
}

/* Why it can't be gated; empty: it can. */
static void
refusal(const struct job *job, const struct cib_node *primitive,
	const char *name, char *buffer, size_t size)
{
	const struct cib_node *in;
	char agent[200];

	buffer[0] = '\0';
	if (!primitive) {
		snprintf(buffer, size,
			 "Pacemaker has no primitive resource of this name");
		return;
	}
	if (!cib_is_ours(job->cib, primitive, "VirtualMachine")) {
		snprintf(buffer, size,
			 "it is %s; only ocf:vmha:VirtualMachine asks the "
			 "lists before it starts",
			 cib_agent(job->cib, primitive, agent, sizeof(agent)));
		return;
	}
	in = cib_container(primitive);
	if (in) {
		snprintf(buffer, size,
			 "it stands in %s %s, whose parts can't be gated one "
			 "by one; take it out and order it by constraints",
			 in->name, cib_get(in, "id"));
		return;
	}
	if (strlen(name) >= 64) {
		snprintf(buffer, size,
			 "its name has more than 63 characters, which no VM "
			 "list takes");
	}
}

static bool
is_planned(const struct job *job, const char *name)
{
	const json_t *it;
	size_t i;

	json_array_foreach(job->rows, i, it)
	{
		if (strcmp(vmha_text(it, "resource"), name) == 0) {
			return true;
		}
	}
	return false;
}

static void
plan_add(struct job *job, const char *name)
{
	const struct cib_node *primitive =
		cib_find(job->cib, "primitive", "id", name);
	const struct cib_node *gate = cib_gate(job->cib, name);
	const struct cib_node *ticket = cib_ticket(job->cib, name);
	bool is_sound = gate && cib_gate_is_sound(gate);
	bool is_admitted = false;
	char why[400];

	if (is_planned(job, name)) {
		return;
	}
	refusal(job, primitive, name, why, sizeof(why));
	if (why[0]) {
		row(job, name, VM_REFUSED, why);
		return;
	}
	if (is_sound && ticket) {
		row(job, name, VM_DONE,
		    cib_is_granted(ticket) ?
			    "has its gate, ticket granted" :
		    cib_is_powered_off(ticket) ?
			    "has its gate; powered off, so its ticket is taken "
			    "away until it is started" :
			    "has its gate, ticket not granted: vmha why tells");
		return;
	}
	if (!is_sound) {
		append(job->constraints, job->room, &job->used_constraints,
		       "<rsc_ticket id=\"%s%s\" rsc=\"%s\" ticket=\"%s%s\" "
		       "loss-policy=\"freeze\"/>",
		       gate ? "" : CIB_GATE, gate ? cib_get(gate, "id") : name,
		       name, CIB_TICKET, name);
	}
	/* A ticket that stands is the master's word: it stays. */
	if (!ticket) {
		ha_autofree char *text = cib_new_ticket(job->cib, name);

		is_admitted = text && strstr(text, "\"true\"");
		append(job->tickets, job->room, &job->used_tickets, "%s",
		       text ? text : "");
	}
	row(job, name, gate ? VM_MEND : VM_ADD,
	    !gate    ? (ticket ? "its ticket stood already and stays as it is" :
			is_admitted ? "gate made, ticket granted" :
				      "gate made; the master grants its "
				      "ticket when it is admitted") :
	    is_sound ? "its ticket was missing" :
		       "loss-policy is freeze now");
}

static void
plan_remove(struct job *job, const char *name)
{
	const struct cib_node *gate = cib_gate(job->cib, name);
	const struct cib_node *ticket = cib_ticket(job->cib, name);

	char why[400] = "";

	if (is_planned(job, name)) {
		return;
	}
	if (job->v->args.is_whole) {
		delete_refusal(job->cib, name, why, sizeof(why));
	}
	if (why[0]) {
		row(job, name, VM_REFUSED, why);
		return;
	}
	if (!gate && !ticket && !job->v->args.is_whole) {
		row(job, name, VM_DONE, "has neither gate nor ticket");
		return;
	}
	if (gate && !cib_is_granted(ticket) && !cib_is_powered_off(ticket) &&
	    !job->v->args.is_forced) {
		row(job, name, VM_REFUSED,
		    "its ticket is not granted: another host may run it, and "
		    "without the gate Pacemaker tries to start it again and "
		    "again. vmha why tells who; --force removes it "
		    "nevertheless");
		return;
	}
	append(job->xpath, job->room, &job->used_xpath,
	       "%s//rsc_ticket[@rsc='%s' and @ticket='%s%s'] | "
	       "//ticket_state[@id='%s%s']",
	       job->used_xpath ? " | " : "", name, CIB_TICKET, name, CIB_TICKET,
	       name);
	if (job->v->args.is_whole) {
		append(job->xpath, job->room, &job->used_xpath,
		       " | //primitive[@id='%s'] | //rsc_location[@rsc='%s']",
		       name, name);
	}
	row(job, name, VM_REMOVE,
	    job->v->args.is_whole ?
		    "the resource, its gate, ticket and locations" :
	    !cib_is_off(job->cib, name) ?
		    "gate and ticket taken away. It runs, and nothing protects "
		    "it any more: vmha vm add" :
		    "gate and ticket taken away");
}

static bool
is_name(const char *name)
{
	/* It goes into XML and XPath: an id (XML 1.0, Name), no markup. */
	return *name && strlen(name) < NAME_MAX_BYTES &&
	       strcspn(name, "\"'<>&[]|/ \t\n") == strlen(name);
}

static int
begin(struct job *job)
{
	struct vmha *v = job->v;
	const struct cib_node *vm = NULL;
	size_t count = v->args.operands;
	int rc = cib_read(&job->cib, &v->err);

	if (rc < 0) {
		return rc;
	}
	while ((vm = cib_next_vm(job->cib, vm))) {
		count++;
	}
	job->room = (count + 1) * ROW_BYTES;
	job->constraints = calloc(1, job->room);
	job->tickets = calloc(1, job->room);
	job->xpath = calloc(1, job->room);
	job->rows = json_array();
	if (!job->constraints || !job->tickets || !job->xpath || !job->rows) {
		return ha_err_set(&v->err, -ENOMEM, "no memory");
	}
	for (uint32_t i = 0; i < v->args.operands; i++) {
		if (!is_name(v->args.operand[i])) {
			return ha_err_set(&v->err, -EINVAL,
					  "\"%s\" is no resource name",
					  v->args.operand[i]);
		}
	}
	if (!cib_is_quorate(job->cib)) {
		return ha_err_set(&v->err, -EAGAIN,
				  "this cluster has no quorum: nothing is "
				  "written, since a minority's newer "
				  "configuration would win when it heals. Do "
				  "it on the side that has quorum");
	}
	return 0;
}

static void
end(struct job *job)
{
	cib_free(job->cib);
	json_decref(job->rows);
	free(job->constraints);
	free(job->tickets);
	free(job->xpath);
}

static int
write_all(struct job *job)
{
	char *xml = NULL;
	int rc = 0;

	if (job->used_xpath) {
		return cib_delete(job->xpath, &job->v->err);
	}
	if (asprintf(&xml,
		     "<cib><configuration><constraints>%s</constraints>"
		     "</configuration><status><tickets>%s</tickets></status>"
		     "</cib>",
		     job->constraints, job->tickets) < 0) {
		return ha_err_set(&job->v->err, -ENOMEM, "no memory");
	}
	rc = cib_modify(xml, &job->v->err);
	free(xml);
	return rc;
}

/* The CIB as it is now must say what was written. */
static int
verify(struct job *job)
{
	struct cib_node *now = NULL;
	const json_t *it;
	size_t i;
	int rc = cib_read(&now, &job->v->err);

	json_array_foreach(job->rows, i, it)
	{
		const char *name = vmha_text(it, "resource");
		bool is_removed =
			strcmp(vmha_text(it, "result"), "removed") == 0;
		bool has_both = cib_gate(now, name) && cib_ticket(now, name);

		if (rc < 0 || strcmp(vmha_text(it, "result"), "refused") == 0 ||
		    strcmp(vmha_text(it, "result"), "unchanged") == 0) {
			continue;
		}
		if (is_removed ?
			    (cib_gate(now, name) || cib_ticket(now, name) ||
			     (job->v->args.is_whole &&
			      cib_find(now, "primitive", "id", name))) :
			    !has_both) {
			rc = ha_err_set(&job->v->err, -EIO,
					"the CIB was changed, but does not "
					"show gate and ticket of %s as they "
					"were written; look at it with "
					"cibadmin --query",
					name);
		}
	}
	cib_free(now);
	return rc;
}

static void
put_rows(const struct job *job)
{
	static const char *const TITLES[] = { "VM", "RESULT", "", NULL };
	struct vmha_table table;
	const json_t *it;
	size_t i;

	vmha_table_init(&table, TITLES);
	json_array_foreach(job->rows, i, it)
	{
		bool is_bad = strcmp(vmha_text(it, "result"), "refused") == 0;

		vmha_table_add(&table, TONE_STRONG, "%s",
			       vmha_text(it, "resource"));
		vmha_table_add(&table, is_bad ? TONE_BAD : TONE_GOOD, "%s",
			       vmha_text(it, "result"));
		vmha_table_add(&table, TONE_PLAIN, "%s", vmha_text(it, "why"));
	}
	vmha_table_print(&table, &job->v->screen, stdout);
	vmha_table_done(&table);
}

/* Named VMs are changed all or not at all; of --all those that can be. */
static int
finish(struct job *job)
{
	struct vmha *v = job->v;
	bool is_held_back = job->refused > 0 && !v->args.is_all;
	bool is_written = job->todo > 0 && !is_held_back && !v->args.is_dry_run;
	int rc = is_written ? write_all(job) : 0;
	int code;

	if (rc == 0 && is_written) {
		rc = verify(job);
	}
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	if (!is_written) {
		take_back(job);
	}
	if (v->args.is_json) {
		code = vmha_json(v,
				 json_pack("{s:O, s:b, s:b}", "vms", job->rows,
					   "dry_run", (int)v->args.is_dry_run,
					   "written", (int)is_written));
	} else {
		put_rows(job);
		code = VMHA_OK;
	}
	if (v->args.is_dry_run && job->todo > 0) {
		vmha_say(v, "\nThis is what would be done; nothing was "
			    "written (--dry-run).");
	}
	if (code == VMHA_OK && job->refused > 0) {
		return vmha_fail_with(v, -EPERM, "%u of %zu can't be done%s",
				      job->refused, json_array_size(job->rows),
				      is_held_back ? "; nothing was written" :
						     "");
	}
	return code;
}

int
vmha_vm_add(struct vmha *v)
{
	struct job job = { .v = v };
	const struct cib_node *vm = NULL;
	const char *option = add_option(&v->args);
	int code;
	int rc;

	if (add_has_files(&v->args)) {
		return vmha_vm_add_files(v);
	}
	if (option) {
		vmha_fail_with(v, -EINVAL,
			       "--%s is for a VM that is made of a file (a "
			       "slash or \".xml\" in its name); a resource is "
			       "changed by \"crm resource\"",
			       option);
		return VMHA_USAGE;
	}
	if (v->args.is_all == (v->args.operands > 0)) {
		vmha_fail_with(v, -EINVAL,
			       "name the VMs, or say --all, and not both");
		return VMHA_USAGE;
	}
	rc = begin(&job);
	if (rc < 0) {
		code = vmha_fail(v, rc);
	} else {
		for (uint32_t i = 0; i < v->args.operands; i++) {
			plan_add(&job, v->args.operand[i]);
		}
		while (v->args.is_all && (vm = cib_next_vm(job.cib, vm))) {
			if (is_name(cib_get(vm, "id"))) {
				plan_add(&job, cib_get(vm, "id"));
			}
		}
		code = finish(&job);
	}
	end(&job);
	return code;
}

int
vmha_vm_remove(struct vmha *v)
{
	struct job job = { .v = v };
	int rc = begin(&job);
	int code;

	if (rc < 0) {
		code = vmha_fail(v, rc);
	} else {
		for (uint32_t i = 0; i < v->args.operands; i++) {
			plan_remove(&job, v->args.operand[i]);
		}
		code = finish(&job);
	}
	end(&job);
	return code;
}
