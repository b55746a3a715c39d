/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the commands of admission control get their cluster and its policy:
 * an inventory file, which has its own; a CIB in a file; or the live CIB, whose
 * FaultDomain has one, without it the documented defaults, changed by options.
 * Must never take a policy that nobody has set, nor pass over an option.
 */
#include "admission.h"
#include "policy.h"

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

/* The keys that the options set, in the place of the cluster's. */
static void
put_options(const struct vmha_args *args, json_t *policy)
{
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
}

/* What the master refuses is to run, and counts as off until it is admitted. */
static void
drop_refused(struct weighing *w)
{
	struct ha_cibinv *inv = w->facts.inv;

	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		struct ha_inv_vm *vm = &inv->own_vms[i];
		const struct cib_node *ticket =
			cib_ticket(w->facts.cib, vm->name);

		if (!policy_is_refused(ticket) || vm->host != HA_INV_NONE) {
			continue;
		}
		vm->is_on = false;
		(void)json_array_append_new(
			w->warnings,
			json_sprintf("%s is refused, and counts as off: %s",
				     vm->name, policy_refusal(ticket)));
	}
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

/* "vms[4].hosts_allowed[0]: ..." is a place in a file that nobody has: the
 * object and the key by their names. */
static void
name_place(const json_t *root, struct ha_err *err)
{
	static const struct {
		const char *array, *what;
	} KINDS[] = { { "vms[", "VM" }, { "hosts[", "host" } };
	const char *what = NULL;
	const char *name = "";
	struct ha_err old = *err;
	const char *key = old.text;
	const char *rest = strstr(key, ": ");

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		size_t len = strlen(KINDS[i].array);
		char kind[sizeof("hosts")] = "";

		if (strncmp(key, KINDS[i].array, len) == 0) {
			memcpy(kind, KINDS[i].array, len - 1);
			what = KINDS[i].what;
			name = vmha_text(
				json_array_get(json_object_get(root, kind),
					       strtoul(key + len, NULL, 10)),
				"name");
		}
	}
	if (strncmp(key, "policy.", 7) != 0 &&
	    strncmp(key, "request.", 8) != 0 && !*name) {
		return;
	}
	key += strcspn(key, ".");
	key += *key == '.';
	/* Those of the CIB are looked at before. */
	if (strncmp(key, "failover_hosts", 14) == 0) {
		what = "option";
		name = "--failover-hosts";
		key = "";
	}
	if (rest) {
		(void)ha_err_set(err, 0, "%s%s%s%s%.*s%s", what ? what : "",
				 what ? " " : "", name,
				 what && *key ? ", " : "",
				 (int)strcspn(key, "[:"), key, rest);
	}
}

int
weighing_take(struct vmha *v, struct weighing *w, json_t *root)
{
	struct ha_inventory_file *file = NULL;
	int rc = ha_inventory_decode_json(root, &file, &v->err);

	if (rc < 0) {
		if (w->is_cib) {
			name_place(root, &v->err);
		}
		return rc;
	}
	ha_inventory_file_free(w->file);
	w->file = file;
	count_homeless(w);
	return 0;
}

/* The cluster's policy with the options' keys. */
static int
put_policy(struct vmha *v, struct weighing *w, json_t *root)
{
	const struct cib_node *cib = w->facts.cib;
	json_t *policy =
		policy_resource(cib) ?
			policy_json(cib, &w->facts.inv->inv, w->warnings) :
			json_object();

	if (!policy || !root) {
		json_decref(policy);
		return ha_err_set(&v->err, -ENOMEM, "no memory");
	}
	w->resource = cib_get(policy_resource(cib), "id");
	w->is_enforced = *w->resource && !w->has_options &&
			 !policy_is_stopped(cib) &&
			 strcmp(vmha_text(policy, "type"), "disabled") != 0;
	put_options(&v->args, policy);
	return json_object_set_new(root, "policy", policy) < 0 ?
		       ha_err_set(&v->err, -ENOMEM, "no memory") :
		       0;
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
	drop_refused(w);
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
	rc = put_policy(v, w, root);
	rc = rc < 0 ? rc : weighing_take(v, w, root);
	json_decref(root);
	return rc;
}

int
weighing_load_cluster(struct vmha *v, struct weighing *w)
{
	*w = (struct weighing){ .file = NULL };
	return load_cib(v, w);
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
	bool is_disabled = w->file->policy.type == HA_ADMISSION_DISABLED;

	return !w->is_cib ? "The policy is the file's" :
	       w->has_options && *w->resource ?
			    "The policy is the cluster's, changed by the "
			    "options; the cluster itself enforces its own" :
	       w->has_options ? "The policy is that of the options; nobody "
				"enforces one without ocf:vmha:FaultDomain" :
	       !*w->resource ? "The policy is the default (--policy and others "
			       "change it); nobody enforces one without "
			       "ocf:vmha:FaultDomain" :
	       is_disabled ? "The policy is the cluster's: nothing is refused" :
	       policy_is_stopped(w->facts.cib) ?
			     "The policy is the cluster's, and nobody enforces "
			     "it: its ocf:vmha:FaultDomain is stopped" :
			     "The policy is the cluster's, and its master "
			     "enforces it";
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
			 *w->resource   ? "cluster" :
					  "default",
			 "enforced", (int)w->is_enforced);
}
