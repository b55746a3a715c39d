/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm add FILE.xml: domain XMLs become VMs of the cluster. All of them are
 * looked at before anything is written; one that is refused keeps the others
 * out too. Resource, gate and ticket come in one update: no scheduler run sees
 * a VM that could not be held.
 */
#include "add.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"

#define XML_END ".xml"

bool
add_is_file(const char *operand)
{
	size_t len = strlen(operand);

	return strchr(operand, '/') ||
	       (len > strlen(XML_END) &&
		strcmp(operand + len - strlen(XML_END), XML_END) == 0);
}

bool
add_has_files(const struct vmha_args *args)
{
	uint32_t i = 0;

	while (i < args->operands && !add_is_file(args->operand[i])) {
		i++;
	}
	return i < args->operands;
}

const char *
add_option(const struct vmha_args *args)
{
	return args->name         ? "name" :
	       args->priority     ? "priority" :
	       args->depends      ? "depends" :
	       args->ready        ? "ready" :
	       args->params.count ? "param" :
	       args->is_started   ? "start" :
	       args->is_forced    ? "force" :
	       args->wait_ms      ? "wait" :
				    NULL;
}

static void append(json_t *list, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void
append(json_t *list, const char *fmt, va_list ap)
{
	char text[HA_ERR_TEXT + HA_DOMAIN_SOURCE];
	json_t *value;

	vsnprintf(text, sizeof(text), fmt, ap);
	value = json_string(text);
	(void)json_array_append_new(
		list, value ? value : json_string("(a text that is no UTF-8)"));
}

void
add_note(struct add_vm *vm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(vm->notes, fmt, ap);
	va_end(ap);
}

void
add_refuse(struct add_vm *vm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(vm->refusals, fmt, ap);
	va_end(ap);
}

void
add_doubt(struct add_vm *vm, const char *todo, const char *fmt, ...)
{
	char text[HA_ERR_TEXT + HA_DOMAIN_SOURCE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (vm->job->v->args.is_forced) {
		add_note(vm, "%s", text);
	} else {
		add_refuse(vm, "%s: %s", text, todo);
	}
}

/* Utilization keeps a VM down where it counts and no host has any. */
static void
look_placement(struct add_vm *vm)
{
	const struct cib_node *cib = vm->job->cib;
	const char *strategy = cib_nvpair(cib_next(cib, NULL, "crm_config"),
					  "placement-strategy");

	if (strategy && strcmp(strategy, "default") != 0 &&
	    !cib_nvpair(cib_next(cib, NULL, "nodes"), "memory_mb")) {
		add_note(vm,
			 "placement-strategy=%s, but no host says what it has: "
			 "crm node utilization HOST set memory_mb N, and "
			 "cpu_mhz",
			 strategy);
	}
}

static int
begin(struct add *job)
{
	struct vmha *v = job->v;
	int rc = cib_read(&job->cib, &v->err);

	rc = rc < 0 ? rc : wait_has_quorum(job->cib, &v->err);
	if (rc < 0) {
		return rc;
	}
	job->vm = calloc(v->args.operands, sizeof(*job->vm));
	if (!job->vm) {
		return ha_err_set(&v->err, -ENOMEM, "no memory");
	}
	job->count = v->args.operands;
	for (uint32_t i = 0; i < job->count; i++) {
		job->vm[i].job = job;
		job->vm[i].path = v->args.operand[i];
		job->vm[i].params = json_object();
		job->vm[i].notes = json_array();
		job->vm[i].refusals = json_array();
		add_look_file(&job->vm[i]);
	}
	return 0;
}

/* After all files are read, since they may name each other. */
static size_t
look(struct add *job)
{
	size_t refused = 0;

	for (uint32_t i = 0; i < job->count; i++) {
		struct add_vm *vm = &job->vm[i];

		if (vm->is_read) {
			add_set_params(vm);
			add_look_disks(vm);
			add_look_others(vm);
			add_look_libvirt(vm);
			look_placement(vm);
		}
		vm->has_ticket = cib_ticket(job->cib, vm->name) != NULL;
		if (vm->has_ticket) {
			add_note(vm, "its ticket stood already and stays as it "
				     "is, it is the master's");
		}
		refused += json_array_size(vm->refusals) > 0;
	}
	return refused;
}

/* The CIB as it is now must say what was written. */
static int
verify(struct add *job)
{
	struct cib_node *now = NULL;
	struct ha_err *err = &job->v->err;
	int rc = cib_read(&now, err);

	for (uint32_t i = 0; rc == 0 && i < job->count; i++) {
		const char *name = job->vm[i].name;

		if (!cib_find(now, "primitive", "id", name) ||
		    !cib_gate(now, name) || !cib_ticket(now, name)) {
			rc = ha_err_set(err, -EIO,
					"the CIB was changed, but does not "
					"show %s, its gate and its ticket; "
					"look at it with cibadmin --query",
					name);
		}
	}
	cib_free(now);
	return rc;
}

static int
write_all(struct add *job)
{
	ha_autofree char *xml = add_xml(job);
	int rc;

	if (!xml) {
		return ha_err_set(&job->v->err, -ENOMEM, "no memory");
	}
	rc = cib_modify(xml, &job->v->err);
	return rc < 0 ? rc : verify(job);
}

static int
start_all(struct add *job)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < job->count; i++) {
		struct add_vm *vm = &job->vm[i];

		rc = wait_started(job->v, vm->name, vm->host, sizeof(vm->host),
				  &vm->took_ms);
		if (rc < 0) {
			return ha_err_prefix(&job->v->err, rc, "added, but ");
		}
	}
	return rc;
}

static const char *
result(const struct add *job, const struct add_vm *vm, bool is_written)
{
	return json_array_size(vm->refusals) ? "refused" :
	       is_written                    ? "added" :
	       job->v->args.is_dry_run       ? "would be added" :
					       "not added";
}

static void
put_lines(const char *mark, const char *name, const json_t *lines)
{
	const json_t *it;
	size_t i;

	json_array_foreach(lines, i, it)
	{
		printf("%s%s: %s\n", mark, name, json_string_value(it));
	}
}

/* One that is taken: what it is in the cluster. */
static void
put_taken(const struct add_vm *vm, const char *mark, const char *word)
{
	const char *host = vm->host;

	printf("%s%s: %s, %" PRIu64 " MiB, %u vCPU%s (%" PRIu64
	       " MHz), %s%s%s\n",
	       mark, vm->name, word, vm->domain.memory_mib, vm->domain.vcpus,
	       vm->domain.vcpus == 1 ? "" : "s", add_cpu_mhz(vm),
	       vm->may_migrate ? "live migration" : "no live migration",
	       *host ? "; runs on " : "", host);
}

static void
put_text(const struct add *job, bool is_written)
{
	/* What a dry run prints can be run as it is. */
	const char *mark = job->v->args.is_dry_run ? "# " : "";

	for (uint32_t i = 0; i < job->count; i++) {
		const struct add_vm *vm = &job->vm[i];
		const char *name = vm->name[0] ? vm->name : vm->path;
		char word[64];

		snprintf(word, sizeof(word), "%srefused: ", mark);
		if (json_array_size(vm->refusals) == 0) {
			put_taken(vm, mark, result(job, vm, is_written));
		}
		put_lines(word, name, vm->refusals);
		snprintf(word, sizeof(word), "%snote: ", mark);
		put_lines(word, name, vm->notes);
		if (is_written && !job->v->args.is_started) {
			printf("%s is stopped; next: vmha vm start %s\n", name,
			       name);
		}
	}
}

static json_t *
row(const struct add *job, const struct add_vm *vm, bool is_written)
{
	const char *why = json_string_value(json_array_get(vm->refusals, 0));

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:O, s:b, s:I, s:I, s:O, s:O, s:s}",
		"resource", vm->name, "result", result(job, vm, is_written),
		"why", why ? why : "", "file", vm->path, "parameters",
		vm->params, "allow_migrate", (int)vm->may_migrate, "memory_mb",
		(json_int_t)vm->domain.memory_mib, "cpu_mhz",
		(json_int_t)add_cpu_mhz(vm), "refusals", vm->refusals, "notes",
		vm->notes, "host", vm->host);
}

static int
tell(const struct add *job, size_t refused, bool is_written)
{
	struct vmha *v = job->v;
	bool has_script = v->args.is_dry_run && refused == 0;
	ha_autofree char *script = has_script ? add_script(job) : NULL;
	json_t *rows;

	if (has_script && !script) {
		return vmha_fail_with(v, -ENOMEM, "no memory");
	}
	if (!v->args.is_json) {
		put_text(job, is_written);
		fputs(script ? script : "", stdout);
		return VMHA_OK;
	}
	rows = json_array();
	for (uint32_t i = 0; i < job->count; i++) {
		(void)json_array_append_new(rows,
					    row(job, &job->vm[i], is_written));
	}
	return vmha_json(v, json_pack("{s:o, s:b, s:b, s:s}", "vms", rows,
				      "dry_run", (int)v->args.is_dry_run,
				      "written", (int)is_written, "script",
				      script ? script : ""));
}

static int
run(struct add *job)
{
	struct vmha *v = job->v;
	bool is_written = false;
	size_t refused;
	int rc = begin(job);
	int code;

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	refused = look(job);
	if (refused == 0 && !v->args.is_dry_run) {
		rc = write_all(job);
		if (rc < 0) {
			return vmha_fail(v, rc);
		}
		is_written = true;
		rc = v->args.is_started ? start_all(job) : 0;
	}
	code = tell(job, refused, is_written);
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	return code == VMHA_OK && refused > 0 ?
		       vmha_fail_with(v, -EPERM,
				      "%zu of %u can't be added; nothing was "
				      "written",
				      refused, job->count) :
		       code;
}

int
vmha_vm_add_files(struct vmha *v)
{
	struct add job = { .v = v };
	int code;

	for (uint32_t i = 0; i < v->args.operands; i++) {
		if (!add_is_file(v->args.operand[i])) {
			vmha_fail_with(v, -EINVAL,
				       "%s is no domain XML (no slash, no "
				       "\".xml\"): name files, or resources, "
				       "and not both",
				       v->args.operand[i]);
			return VMHA_USAGE;
		}
	}
	if (v->args.is_all || (v->args.name && v->args.operands > 1)) {
		vmha_fail_with(v, -EINVAL,
			       v->args.is_all ? "--all is for resources that "
						"there are, not for files" :
						"--name names one VM, and "
						"there are several files");
		return VMHA_USAGE;
	}
	code = run(&job);
	for (uint32_t i = 0; i < job.count; i++) {
		json_decref(job.vm[i].params);
		json_decref(job.vm[i].notes);
		json_decref(job.vm[i].refusals);
	}
	free(job.vm);
	cib_free(job.cib);
	return code;
}
