/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new VM as XML for one update of the CIB, and as commands for people. Both
 * say the same, down to the ids that crm shell makes: tests compare them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "add.h"

/* das.vmCpuMinMHz, what vSphere counts for a VM that reserves nothing; here of
 * each vCPU. */
#define VCPU_MHZ 32u

/* What the agent advises; tests hold it against its meta-data. */
static const struct op {
	const char *name;
	unsigned int timeout_s, interval_s;
} OPS[] = {
	{ "start", 90, 0 },        { "stop", 180, 0 },
	{ "monitor", 30, 10 },     { "migrate_to", 300, 0 },
	{ "migrate_from", 60, 0 },
};
#define N_OPS (sizeof(OPS) / sizeof(OPS[0]))

uint64_t
add_cpu_mhz(const struct add_vm *vm)
{
	return (uint64_t)vm->domain.vcpus * VCPU_MHZ;
}

static const char *
migrate_word(const struct add_vm *vm)
{
	return vm->may_migrate ? "true" : "false";
}

static void
put_pair(FILE *out, const struct add_vm *vm, const char *set, const char *name,
	 const char *value)
{
	fprintf(out, "<nvpair id=\"%s-%s-%s\"", vm->name, set, name);
	cib_put_attr(out, "name", name);
	cib_put_attr(out, "value", value);
	fputs("/>", out);
}

static void
put_primitive(FILE *out, const struct add_vm *vm)
{
	const char *id = vm->name;
	const char *name;
	json_t *value;
	char number[32];

	fprintf(out,
		"<primitive id=\"%s\" class=\"ocf\" provider=\"vmha\" "
		"type=\"VirtualMachine\"><instance_attributes "
		"id=\"%s-instance_attributes\">",
		id, id);
	json_object_foreach(vm->params, name, value)
	{
		put_pair(out, vm, "instance_attributes", name,
			 json_string_value(value));
	}
	fputs("</instance_attributes><operations>", out);
	for (size_t i = 0; i < N_OPS; i++) {
		fprintf(out,
			"<op id=\"%s-%s-%us\" name=\"%s\" timeout=\"%us\" "
			"interval=\"%us\"/>",
			id, OPS[i].name, OPS[i].interval_s, OPS[i].name,
			OPS[i].timeout_s, OPS[i].interval_s);
	}
	fprintf(out, "</operations><meta_attributes id=\"%s-meta_attributes\">",
		id);
	put_pair(out, vm, "meta_attributes", "allow-migrate", migrate_word(vm));
	if (!vm->job->v->args.is_started) {
		put_pair(out, vm, "meta_attributes", "target-role", "Stopped");
	}
	fprintf(out, "</meta_attributes><utilization id=\"%s-utilization\">",
		id);
	snprintf(number, sizeof(number), "%" PRIu64, add_cpu_mhz(vm));
	put_pair(out, vm, "utilization", "cpu_mhz", number);
	snprintf(number, sizeof(number), "%" PRIu64, vm->domain.memory_mib);
	put_pair(out, vm, "utilization", "memory_mb", number);
	fputs("</utilization></primitive>", out);
}

char *
add_xml(const struct add *job)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	fputs("<cib><configuration><resources>", out);
	for (uint32_t i = 0; i < job->count; i++) {
		put_primitive(out, &job->vm[i]);
	}
	fputs("</resources><constraints>", out);
	for (uint32_t i = 0; i < job->count; i++) {
		const char *name = job->vm[i].name;

		fprintf(out,
			"<rsc_ticket id=\"" CIB_GATE "%s\" rsc=\"%s\" "
			"ticket=\"" CIB_TICKET "%s\" loss-policy=\"freeze\"/>",
			name, name, name);
	}
	fputs("</constraints></configuration><status><tickets>", out);
	for (uint32_t i = 0; i < job->count; i++) {
		char *ticket;

		if (job->vm[i].has_ticket) {
			continue;
		}
		ticket = cib_new_ticket(job->cib, job->vm[i].name);
		fputs(ticket ? ticket : "", out);
		free(ticket);
	}
	fputs("</tickets></status></cib>", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void
put_crm(FILE *out, const struct add_vm *vm)
{
	const char *name;
	json_t *value;

	fprintf(out, "primitive %s ocf:vmha:VirtualMachine \\\n    params",
		vm->name);
	json_object_foreach(vm->params, name, value)
	{
		fprintf(out, " %s=\"%s\"", name, json_string_value(value));
	}
	for (size_t i = 0; i < N_OPS; i++) {
		fprintf(out, " \\\n    op %s timeout=%us interval=%us",
			OPS[i].name, OPS[i].timeout_s, OPS[i].interval_s);
	}
	fprintf(out, " \\\n    meta allow-migrate=%s%s", migrate_word(vm),
		vm->job->v->args.is_started ? "" : " target-role=Stopped");
	fprintf(out,
		" \\\n    utilization cpu_mhz=%" PRIu64 " memory_mb=%" PRIu64
		"\n",
		add_cpu_mhz(vm), vm->domain.memory_mib);
	fprintf(out,
		"rsc_ticket " CIB_GATE "%s " CIB_TICKET "%s: %s "
		"loss-policy=freeze\n",
		vm->name, vm->name, vm->name);
}

/* The ticket first, where nobody else makes it: a gate without it keeps a VM
 * down. */
char *
add_script(const struct add *job)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	for (uint32_t i = 0; i < job->count; i++) {
		if (!job->vm[i].has_ticket && !cib_has_manager(job->cib)) {
			fprintf(out,
				"crm_ticket --ticket " CIB_TICKET
				"%s --grant --force\n",
				job->vm[i].name);
		}
	}
	fputs("crm configure load update - <<'END'\n", out);
	for (uint32_t i = 0; i < job->count; i++) {
		put_crm(out, &job->vm[i]);
	}
	fputs("END\n", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
