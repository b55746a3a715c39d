/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the commands of admission control get their cluster and its policy:
 * an inventory file, which has its own; a CIB in a file; or the live CIB, of
 * which the documented defaults are judged, changed by options. Must never
 * take a policy that the file does not have, nor pass over an option.
 */
#include "admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 20,000 VMs with every key are 6 MB. */
#define INVENTORY_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define INVENTORY_MS 60000u

int
weighing_fail(struct vmha *v, int code)
{
	if (v->args.is_json) {
		(void)vmha_json(v, json_pack("{s:s}", "error",
					     v->err.text[0] ? v->err.text :
							      strerror(-code)));
	}
	/* 1 and 3 are answers: who can't be asked has not given one. */
	(void)vmha_fail(v, code);
	return code == -ETIMEDOUT ? VMHA_TIMEOUT : VMHA_BAD_INPUT;
}

static bool
is_word(enum vmha_option_id id, const char *value)
{
	const char *words = vmha_options()[id].words;

	while (words && *words) {
		size_t len = strcspn(words, " ");

		if (strlen(value) == len && strncmp(words, value, len) == 0) {
			return true;
		}
		words += len;
		words += *words == ' ';
	}
	return false;
}

static bool
has_policy_option(const struct vmha_args *args)
{
	return args->policy || args->guarantee || args->failover_hosts ||
	       args->host_failures != VMHA_NOT_GIVEN;
}

static int
check_words(struct vmha *v)
{
	const struct vmha_args *args = &v->args;
	const struct {
		enum vmha_option_id id;
		const char *value;
	} words[] = { { OPT_OUTPUT, args->output },
		      { OPT_POLICY, args->policy },
		      { OPT_GUARANTEE, args->guarantee } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct vmha_option *option = &vmha_options()[words[i].id];

		if (words[i].value && !is_word(words[i].id, words[i].value)) {
			return ha_err_set(
				&v->err, -EINVAL, "--%s: \"%s\" is none of: %s",
				option->name, words[i].value, option->words);
		}
	}
	return 0;
}

/* An option that would change nothing is refused. */
static int
check_sense(struct vmha *v)
{
	const struct vmha_args *args = &v->args;

	if (args->inventory && args->cib) {
		return ha_err_set(&v->err, -EINVAL,
				  "--inventory and --cib are two clusters: "
				  "name one of them");
	}
	if (args->inventory && has_policy_option(args)) {
		return ha_err_set(&v->err, -EINVAL,
				  "an inventory file is judged by its own "
				  "\"policy\": change it there");
	}
	if (args->failover_hosts && args->policy &&
	    strcmp(args->policy, "dedicated") != 0) {
		return ha_err_set(&v->err, -EINVAL,
				  "--failover-hosts goes with "
				  "--policy=dedicated, not with %s",
				  args->policy);
	}
	if (args->policy && strcmp(args->policy, "disabled") == 0 &&
	    (args->guarantee || args->host_failures != VMHA_NOT_GIVEN)) {
		return ha_err_set(&v->err, -EINVAL,
				  "--policy=disabled looks at no failures: "
				  "leave --host-failures and --guarantee out");
	}
	return 0;
}

static int
check_options(struct vmha *v)
{
	if (check_words(v) < 0 || check_sense(v) < 0) {
		(void)vmha_fail(v, -EINVAL);
		return VMHA_USAGE;
	}
	if (v->args.output && strcmp(v->args.output, "json") == 0) {
		v->args.is_json = true;
	}
	return 0;
}

json_t *
weighing_names(const char *list)
{
	json_t *names = json_array();

	while (*list) {
		size_t len = strcspn(list, ",");

		(void)json_array_append_new(names, json_stringn(list, len));
		list += len;
		list += *list == ',';
	}
	return names;
}

/* The keys that the options set; the decoder has the defaults. */
static json_t *
option_policy(const struct vmha_args *args)
{
	json_t *policy = json_object();
	const char *type = args->policy;

	if (!type && args->failover_hosts) {
		type = "dedicated";
	}
	if (type) {
		(void)json_object_set_new(policy, "type", json_string(type));
	}
	if (args->guarantee) {
		(void)json_object_set_new(policy, "guarantee",
					  json_string(args->guarantee));
	}
	if (args->host_failures != VMHA_NOT_GIVEN) {
		(void)json_object_set_new(policy, "host_failures",
					  json_integer(args->host_failures));
	}
	if (args->failover_hosts) {
		(void)json_object_set_new(policy, "failover_hosts",
					  weighing_names(args->failover_hosts));
	}
	return policy;
}

/* The file knows no VM that is on and has no host. It counts in the sums all
 * the same: Pacemaker is about to start it. */
static void
count_homeless(struct weighing *w)
{
	const struct ha_cibinv *inv = w->facts.inv;

	for (uint32_t i = 0; w->is_cib && i < inv->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &inv->inv.vms[i];

		if (vm->is_on && vm->host == HA_INV_NONE) {
			ha_inventory_file_set_on(w->file, i);
		}
	}
}

int
weighing_take(struct vmha *v, struct weighing *w, json_t *root)
{
	struct ha_inventory_file *file = NULL;
	int rc = ha_inventory_decode_json(root, &file, &v->err);

	if (rc < 0) {
		return rc;
	}
	ha_inventory_file_free(w->file);
	w->file = file;
	count_homeless(w);
	return 0;
}

static int
load_cib(struct vmha *v, struct weighing *w)
{
	json_t *root = NULL;
	int rc;

	w->is_cib = true;
	w->source = v->args.cib ? v->args.cib : "the cluster";
	rc = cib_facts_read(v, &w->facts);
	if (rc < 0) {
		return rc;
	}
	w->warnings = json_incref(w->facts.warnings);
	for (uint32_t i = 0; i < w->facts.inv->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &w->facts.inv->inv.vms[i];

		if (vm->is_on && vm->host == HA_INV_NONE) {
			(void)json_array_append_new(
				w->warnings,
				json_sprintf("%s is to run, and runs nowhere "
					     "yet: the sums count it, the plan "
					     "does not",
					     vm->name));
		}
	}
	root = ha_cibinv_json(&w->facts.inv->inv);
	rc = root ? json_object_set_new(root, "policy",
					option_policy(&v->args)) :
		    -1;
	rc = rc < 0 ? ha_err_set(&v->err, -ENOMEM, "no memory") :
		      weighing_take(v, w, root);
	json_decref(root);
	return rc;
}

static int
load_file(struct vmha *v, struct weighing *w)
{
	const char *path = vmha_input_path(v->args.inventory);
	char *text = NULL;
	size_t len = 0;
	int rc;

	w->source = path;
	vmha_step("reading", path, INVENTORY_MS);
	rc = vmha_file_read(path, INVENTORY_BYTES_MAX, &text, &len, &v->err);
	if (rc == 0) {
		rc = ha_inventory_decode(text, len, &w->file, &v->err);
	}
	free(text);
	return rc;
}

int
weighing_load(struct vmha *v, struct weighing *w)
{
	int rc = check_options(v);

	*w = (struct weighing){ .has_options = has_policy_option(&v->args) };
	if (rc != 0) {
		return rc;
	}
	rc = v->args.inventory ? load_file(v, w) : load_cib(v, w);
	if (rc == 0 && !w->warnings) {
		w->warnings = json_array();
	}
	return rc < 0 ? weighing_fail(v, rc) : 0;
}

const char *
weighing_standing(const struct weighing *w)
{
	return !w->is_cib ?
		       "The policy is the file's" :
	       w->has_options ?
		       "The policy is that of the options; the cluster itself "
		       "does not enforce one yet" :
		       "The policy is the default (--policy and others change "
		       "it); the cluster itself does not enforce one yet";
}

json_t *
weighing_policy_json(const struct weighing *w)
{
	const struct ha_admission_policy *policy = &w->file->policy;
	const struct ha_inventory *inv = &w->file->inv;
	json_t *hosts = json_array();

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		/* Of other policies it is a host like any other. */
		if (policy->type == HA_ADMISSION_DEDICATED &&
		    inv->hosts[i].is_failover_host) {
			(void)json_array_append_new(
				hosts, json_string(inv->hosts[i].name));
		}
	}
	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:b}", "type",
			 ha_inventory_policy_name(policy->type), "guarantee",
			 policy->guarantee == HA_ADMISSION_PLAN ? "plan" :
								  "arithmetic",
			 "host_failures", (json_int_t)policy->host_failures,
			 "failover_hosts", hosts, "set_by",
			 !w->is_cib     ? "file" :
			 w->has_options ? "options" :
					  "default",
			 "enforced", 0);
}
