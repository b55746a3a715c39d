/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm import: a primitive of ocf:heartbeat:VirtualDomain becomes one of
 * ocf:vmha:VirtualMachine while its guest runs on. Unmanaged while the
 * definition is another, so that Pacemaker stops nothing; managed again only
 * when the new agent's probes have found the guest where it was and nowhere
 * else. Otherwise the old definition comes back, the same way.
 */
#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/domain.h"
#include "wait.h"

#define READ_MS 10000u /* a config share that hangs */
#define ANSWER_MS 600000u
#define GUEST_AGENT "org.qemu.guest_agent.0"

static bool
is_old(const struct cib_node *node)
{
	return strcmp(cib_get(node, "class"), "ocf") == 0 &&
	       strcmp(cib_get(node, "provider"), "heartbeat") == 0 &&
	       strcmp(cib_get(node, "type"), "VirtualDomain") == 0;
}

static int
refuse_kind(struct import *job)
{
	struct ha_err *err = &job->v->err;
	const struct cib_node *in;
	char agent[200];

	if (!job->primitive) {
		return ha_err_set(err, -ESRCH, "Pacemaker has no resource %s",
				  job->rsc);
	}
	if (*cib_get(job->primitive, "template")) {
		return ha_err_set(err, -EPERM,
				  "%s is made from the template %s, which "
				  "others may use too; give it a definition of "
				  "its own first",
				  job->rsc,
				  cib_get(job->primitive, "template"));
	}
	if (!is_old(job->primitive)) {
		return ha_err_set(err, -EPERM,
				  "%s is %s; only ocf:heartbeat:VirtualDomain "
				  "can be imported",
				  job->rsc,
				  cib_agent(job->cib, job->primitive, agent,
					    sizeof(agent)));
	}
	in = cib_container(job->primitive);
	if (in) {
		return ha_err_set(err, -EPERM,
				  "%s stands in %s %s, whose parts can have no "
				  "gate; take it out and order it by "
				  "constraints first",
				  job->rsc, in->name, cib_get(in, "id"));
	}
	if (!cib_is_managed(job->cib, job->primitive)) {
		return ha_err_set(err, -EPERM,
				  "%s is not managed, or the cluster is in "
				  "maintenance: end that first (crm resource "
				  "manage %s)",
				  job->rsc, job->rsc);
	}
	return 0;
}

/* The guest must stand still, so to speak, while its agent is another. */
static int
refuse_state(struct import *job)
{
	struct cib_past past;
	const struct cib_node *at = cib_active_on(job->cib, job->rsc, &past);
	const char *host = at ? cib_get(at, "uname") : "";

	if (at && past.where != CIB_ON) {
		return ha_err_set(&job->v->err, -EBUSY,
				  "%s: %s %s on %s%s%s; import it when that "
				  "has ended",
				  job->rsc, past.operation,
				  past.where == CIB_BUSY ? "is under way" :
							   "failed",
				  host, *past.reason ? ": " : "", past.reason);
	}
	if (at && cib_host(job->cib, host) == CIB_HOST_OFFLINE) {
		return ha_err_set(&job->v->err, -EBUSY,
				  "%s ran on %s, which is offline", job->rsc,
				  host);
	}
	snprintf(job->host, sizeof(job->host), "%s", host);
	return 0;
}

/* {name: value}; the first set that names it counts. */
static int
read_params(struct import *job, json_t **ret_old)
{
	const struct cib_node *set = job->primitive->first;
	json_t *old = json_object();

	for (; set; set = set->next) {
		const struct cib_node *at = NULL;

		if (!cib_is(set, "instance_attributes")) {
			continue;
		}
		if (cib_child(set, "rule") || *cib_get(set, "id-ref")) {
			json_decref(old);
			return ha_err_set(&job->v->err, -EPERM,
					  "the parameters of %s hang on a rule "
					  "or on another resource; give it "
					  "plain ones first",
					  job->rsc);
		}
		while ((at = cib_next(set, at, "nvpair"))) {
			if (!json_object_get(old, cib_get(at, "name"))) {
				(void)json_object_set_new(
					old, cib_get(at, "name"),
					json_string(cib_get(at, "value")));
			}
		}
	}
	*ret_old = old;
	return 0;
}

static void note(struct import *job, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
note(struct import *job, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(job->notes, json_string(text));
}

/* With its UUID, hosts that can't read the config file can prove that it does
 * not run there. */
static void
learn_config(struct import *job)
{
	static struct ha_domain domain;
	const char *path = vmha_text(job->map.params, "config");
	struct ha_err err = HA_ERR_INIT;
	ha_autofree char *xml = NULL;
	size_t len = 0;
	int rc;

	if (!*path) {
		return;
	}
	vmha_step("reading", path, READ_MS);
	rc = vmha_file_read(path, HA_DOMAIN_XML_MAX, &xml, &len, &err);
	rc = rc < 0 ? rc : ha_domain_parse(xml, len, &domain, &err);
	if (rc < 0) {
		note(job,
		     "%s can't be read on this host, so that uuid is not set; "
		     "set it by hand, hosts that can't read the file need it",
		     path);
		return;
	}
	job->has_guest_agent = strstr(xml, GUEST_AGENT) != NULL;
	if (domain.uuid[0]) {
		(void)json_object_set_new(job->map.params, "uuid",
					  json_string(domain.uuid));
	} else {
		note(job,
		     "%s names no <uuid>: it is found by its name alone until "
		     "its next start",
		     path);
	}
}

/* What a guest lacks that the agent has not started itself. */
static void
add_notes(struct import *job)
{
	if (*job->host) {
		note(job,
		     "its QEMU has no monitor socket of the agent's own before "
		     "its next start by the cluster: until then each monitor "
		     "asks libvirt, and while libvirtd hangs it sees the "
		     "process alone");
		note(job,
		     "until then its guest can be asked to shut down by its "
		     "guest agent alone%s; where none answers, stop cuts its "
		     "power",
		     job->has_guest_agent ? "" :
					    " (its config shows none here)");
	}
	note(job, "next: vmha vm add %s, so that it can be held", job->rsc);
}

static int
make_xml(struct import *job)
{
	job->swap = import_xml(job->primitive, job->map.params, true);
	job->after = import_xml(job->primitive, job->map.params, false);
	job->back = import_xml(job->primitive, NULL, true);
	job->before = import_xml(job->primitive, NULL, false);
	return job->swap && job->after && job->back && job->before ?
		       0 :
		       ha_err_set(&job->v->err, -ENOMEM, "no memory");
}

static int
refuse_problems(struct import *job)
{
	const json_t *problems = job->map.problems;
	size_t count = json_array_size(problems);

	if (count == 0 || job->v->args.is_forced) {
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		wait_say(job->v, "%s: %s", job->rsc,
			 json_string_value(json_array_get(problems, i)));
	}
	return ha_err_set(&job->v->err, -EPERM,
			  "%s has %zu setting%s that ocf:vmha:VirtualMachine "
			  "does not have (%s); change that, or --force drops "
			  "it. Nothing was changed",
			  job->rsc, count, count == 1 ? "" : "s",
			  json_string_value(json_array_get(problems, 0)));
}

static int
prepare(struct import *job)
{
	json_t *old = NULL;
	int rc = wait_is_name(job->rsc, &job->v->err);

	rc = rc < 0 ? rc : cib_read(&job->cib, &job->v->err);
	if (rc < 0) {
		return rc;
	}
	job->primitive = cib_find(job->cib, "primitive", "id", job->rsc);
	rc = refuse_kind(job);
	rc = rc < 0 ? rc : wait_has_quorum(job->cib, &job->v->err);
	rc = rc < 0 ? rc : refuse_state(job);
	rc = rc < 0 ? rc : read_params(job, &old);
	if (rc < 0) {
		return rc;
	}
	map_make(old, &job->map);
	json_decref(old);
	rc = refuse_problems(job);
	if (rc == 0) {
		learn_config(job);
		add_notes(job);
		rc = make_xml(job);
	}
	return rc;
}

static int
ask_back(struct import *job)
{
	char answer[16];

	if (!*job->host || job->has_guest_agent || job->v->args.is_yes) {
		return 0;
	}
	if (!isatty(STDIN_FILENO)) {
		return ha_err_set(&job->v->err, -EPERM,
				  "until the next start of %s nothing but a "
				  "guest agent could shut its guest down, and "
				  "its config shows none here: stop would cut "
				  "its power. Say --yes. Nothing was changed",
				  job->rsc);
	}
	vmha_step("waiting for", "your answer", ANSWER_MS);
	fprintf(stderr,
		"Until the next start of %s a stop cuts its power: its config "
		"shows no guest agent here.\nType \"yes\" to go on: ",
		job->rsc);
	if (!fgets(answer, sizeof(answer), stdin) ||
	    strcmp(answer, "yes\n") != 0) {
		return ha_err_set(&job->v->err, -ECANCELED,
				  "nothing was changed");
	}
	return 0;
}

static json_t *
commands(const struct import *job)
{
	char *first = NULL;
	char *second = NULL;
	char *third = NULL;
	json_t *list = NULL;

	if (asprintf(&first, "cibadmin --replace --xml-text '%s'", job->swap) <
	    0) {
		first = NULL;
	} else if (asprintf(&second, "crm resource refresh %s", job->rsc) < 0) {
		second = NULL;
	} else if (asprintf(&third, "cibadmin --replace --xml-text '%s'",
			    job->after) < 0) {
		third = NULL;
	} else {
		list = json_pack("[s, s, s]", first, second, third);
	}
	free(first);
	free(second);
	free(third);
	return list;
}

static void
put_list(const struct import *job)
{
	static const char *const TITLES[] = { "VIRTUALDOMAIN", "VIRTUALMACHINE",
					      "", NULL };
	struct vmha_table table;
	const json_t *it;
	size_t i;

	vmha_table_init(&table, TITLES);
	json_array_foreach(job->map.rows, i, it)
	{
		const char *value = vmha_text(it, "value");
		const char *to = vmha_text(it, "to");

		vmha_table_add(&table, TONE_PLAIN, "%s%s%s",
			       vmha_text(it, "from"), *value ? "=" : "", value);
		vmha_table_add(&table, TONE_PLAIN, "%s%s%s", *to ? to : "-",
			       *to ? "=" : "", vmha_text(it, "new"));
		vmha_table_add(&table, TONE_PLAIN, "%s", vmha_text(it, "text"));
	}
	vmha_table_print(&table, &job->v->screen, stdout);
	vmha_table_done(&table);
	json_array_foreach(job->map.problems, i, it)
	{
		printf("dropped: %s\n", json_string_value(it));
	}
}

static int
tell(struct import *job)
{
	struct vmha *v = job->v;
	bool is_dry_run = v->args.is_dry_run;
	json_t *list = commands(job);
	const json_t *it;
	size_t i;
	int code = VMHA_OK;

	if (v->args.is_json) {
		code = vmha_json(
			v, json_pack("{s:s, s:s, s:b, s:O, s:O, s:O, s:O, "
				     "s:O?}",
				     "vm", job->rsc, "host", job->host,
				     "dry_run", (int)is_dry_run, "parameters",
				     job->map.params, "mapped", job->map.rows,
				     "dropped", job->map.problems, "notes",
				     job->notes, "commands", list));
	} else {
		put_list(job);
		json_array_foreach(job->notes, i, it)
		{
			printf("note: %s\n", json_string_value(it));
		}
		json_array_foreach(list, i, it)
		{
			if (is_dry_run) {
				puts(json_string_value(it));
			}
		}
		if (!is_dry_run) {
			printf("%s is an ocf:vmha:VirtualMachine now; its "
			       "guest was not touched.\n",
			       job->rsc);
		}
	}
	json_decref(list);
	return code;
}

int
vmha_vm_import(struct vmha *v)
{
	struct import job = { .v = v,
			      .rsc = v->args.operand[0],
			      .notes = json_array() };
	int code;
	int rc = prepare(&job);

	if (rc == 0 && !v->args.is_dry_run) {
		rc = ask_back(&job);
		rc = rc < 0 ? rc : import_carry_out(&job);
	}
	code = rc < 0 ? vmha_fail(v, rc) : tell(&job);
	map_done(&job.map);
	json_decref(job.notes);
	cib_free(job.cib);
	free(job.swap);
	free(job.after);
	free(job.back);
	free(job.before);
	return code;
}
