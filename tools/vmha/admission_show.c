/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer of admission control for people: the verdict and its sentence,
 * what would help, bars of what is reserved, hosts, and for explain the steps
 * of the arithmetic and the plan. Tells what libha has decided, no more.
 */
#include "admission.h"

#include <inttypes.h>
#include <string.h>

#define BAR_CELLS 20u
#define HOST_BAR_CELLS 10u
#define BAR_BYTES 128u
#define COLUMNS_MAX 8u
#define NAMES_BYTES 80u
#define PLAN_ROWS_MAX 200u /* of explain; --output=json has all */

void
weighing_show_verdict(const struct vmha *v, bool is_yes, const char *word,
		      const char *reason, const char *help)
{
	enum vmha_tone tone = is_yes ? TONE_GOOD : TONE_BAD;

	printf("%s%s%s: %s\n", vmha_tone_on(&v->screen, tone), word,
	       vmha_tone_off(&v->screen, tone), reason);
	if (help[0]) {
		printf("What would help: %s\n", help);
	}
}

static void
put_share(const struct vmha *v, const char *name, const char *unit,
	  const struct ha_admission_share *share)
{
	char bar[BAR_BYTES];

	printf("%-7s %s  %" PRIu64 " of %" PRIu64 " %s reserved", name,
	       vmha_bar(&v->screen, share->demand, share->capacity, BAR_CELLS,
			bar, sizeof(bar)),
	       share->demand, share->capacity, unit);
}

static void
put_shares(const struct vmha *v, const struct weighing *w)
{
	const struct ha_admission_answer *answer = &w->answer;
	const struct ha_admission_share *shares[] = { &answer->cpu,
						      &answer->memory };
	static const char *const NAMES[] = { "CPU", "memory" };
	static const char *const UNITS[] = { "MHz", "MB" };

	for (unsigned int i = 0; i < 2; i++) {
		put_share(v, NAMES[i], UNITS[i], shares[i]);
		if (shares[i]->demand > shares[i]->capacity) {
			printf(", %" PRIu64 " too many",
			       shares[i]->demand - shares[i]->capacity);
		} else if (w->file->policy.type == HA_ADMISSION_PERCENTAGE) {
			printf(", %" PRId64 " %% left",
			       shares[i]->current_percent);
		}
		if (w->file->policy.type == HA_ADMISSION_PERCENTAGE) {
			printf(", %" PRIu64 " %% to be kept free",
			       shares[i]->configured_percent);
		}
		putchar('\n');
	}
}

/* An inventory file is judged by its own policy, and says so itself. */
static void
put_standing(const struct weighing *w)
{
	if (w->is_cib) {
		puts(weighing_standing(w));
	}
}

static void
put_policy(const struct weighing *w)
{
	const struct ha_admission_policy *policy = &w->file->policy;
	const struct ha_admission_answer *answer = &w->answer;

	printf("Policy %s", ha_inventory_policy_name(policy->type));
	if (policy->type == HA_ADMISSION_DISABLED) {
		putchar('\n');
		put_standing(w);
		return;
	}
	printf(", %" PRIu32 " host failure%s, guarantee %s",
	       policy->host_failures, policy->host_failures == 1 ? "" : "s",
	       policy->guarantee == HA_ADMISSION_PLAN ? "plan" : "arithmetic");
	if (answer->has_plan && answer->plan.verdict == HA_PLAN_YES &&
	    policy->host_failures > 0) {
		printf(": a place for every VM in each of %" PRIu64
		       " failure%s, checked",
		       answer->plan.sets, answer->plan.sets == 1 ? "" : "s");
	}
	putchar('\n');
	put_standing(w);
}

/* What the machines on a host reserve, and how many run. */
static void
sum_host(const struct ha_admission_answer *answer, uint32_t host,
	 struct ha_plan_demand *ret_sum, uint32_t *ret_count)
{
	*ret_sum = (struct ha_plan_demand){ 0 };
	*ret_count = 0;
	for (uint32_t i = 0; i < answer->inv.n_vms; i++) {
		if (answer->inv.vms[i].is_on &&
		    answer->inv.vms[i].host == host) {
			ret_sum->cpu_mhz += answer->demand[i].cpu_mhz;
			ret_sum->memory_mb += answer->demand[i].memory_mb;
			*ret_count += 1;
		}
	}
}

static enum vmha_tone
colour_tone(enum ha_admission_colour colour)
{
	switch (colour) {
	case HA_ADMISSION_NO_COLOUR:
		return TONE_PLAIN;
	case HA_ADMISSION_GREEN:
		return TONE_GOOD;
	case HA_ADMISSION_YELLOW:
		return TONE_WARN;
	case HA_ADMISSION_RED:
		return TONE_BAD;
	}
	return TONE_PLAIN;
}

static void
add_bar(const struct vmha *v, struct vmha_table *table, bool is_online,
	uint64_t part, uint64_t whole)
{
	char bar[BAR_BYTES];

	if (!is_online) {
		vmha_table_add(table, TONE_DIM, "-");
		return;
	}
	vmha_table_add(table, part > whole ? TONE_BAD : TONE_PLAIN,
		       "%s %" PRIu64 "/%" PRIu64,
		       vmha_bar(&v->screen, part, whole, HOST_BAR_CELLS, bar,
				sizeof(bar)),
		       part, whole);
}

/* "web1 web2 +7". */
static void
add_names(struct vmha_table *table, const struct ha_inventory *inv,
	  uint32_t host)
{
	char text[NAMES_BYTES] = "";
	size_t used = 0;
	uint32_t more = 0;

	for (uint32_t i = 0; i < inv->n_vms; i++) {
		const struct ha_inv_vm *vm = &inv->vms[i];
		size_t len = strlen(vm->name);

		if (!vm->is_on || vm->host != host) {
			continue;
		}
		if (more > 0 || used + len + 1 >= sizeof(text)) {
			more++;
			continue;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%s", used ? " " : "", vm->name);
	}
	if (more > 0) {
		vmha_table_add(table, TONE_PLAIN, "%s +%" PRIu32, text, more);
	} else {
		vmha_table_add(table, TONE_PLAIN, "%s", text);
	}
}

/* Of policy slot or dedicated; else nothing. */
static void
add_special(struct vmha_table *table, const struct weighing *w, uint32_t host)
{
	enum ha_admission_type type = w->file->policy.type;
	enum ha_admission_colour colour = w->answer.colours[host];

	if (type == HA_ADMISSION_SLOT) {
		vmha_table_add(table, TONE_PLAIN, "%" PRIu64,
			       w->answer.host_slots[host]);
	} else if (type == HA_ADMISSION_DEDICATED) {
		vmha_table_add(table, colour_tone(colour), "%s",
			       colour == HA_ADMISSION_NO_COLOUR ?
				       "" :
				       ha_inventory_colour_name(colour));
	}
}

void
weighing_show_hosts(const struct vmha *v, const struct weighing *w,
		    bool has_names)
{
	enum ha_admission_type type = w->file->policy.type;
	const struct ha_admission_answer *answer = &w->answer;
	const char *titles[COLUMNS_MAX] = { "HOST", "STATE", "CPU MHZ",
					    "MEMORY MB", ">VMS" };
	unsigned int columns = 5;
	struct vmha_table table;

	if (type == HA_ADMISSION_SLOT || type == HA_ADMISSION_DEDICATED) {
		titles[columns++] =
			type == HA_ADMISSION_SLOT ? ">SLOTS" : "FAILOVER";
	}
	if (has_names) {
		titles[columns++] = "WHICH";
	}
	vmha_table_init(&table, titles);
	for (uint32_t i = 0; i < answer->inv.n_hosts; i++) {
		const struct ha_inv_host *host = &answer->inv.hosts[i];
		bool is_online = host->state == HA_INV_ONLINE;
		struct ha_plan_demand sum;
		uint32_t count;

		sum_host(answer, i, &sum, &count);
		vmha_table_add(&table, TONE_STRONG, "%s", host->name);
		vmha_table_add(&table, is_online ? TONE_PLAIN : TONE_WARN, "%s",
			       ha_inventory_state_name(host->state));
		add_bar(v, &table, is_online, sum.cpu_mhz, host->cpu_mhz);
		add_bar(v, &table, is_online, sum.memory_mb, host->memory_mb);
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu32, count);
		add_special(&table, w, i);
		if (has_names) {
			add_names(&table, &answer->inv, i);
		}
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

void
weighing_show_all_warnings(const struct vmha *v, const struct weighing *w)
{
	for (int is_memory = 0; is_memory < 2; is_memory++) {
		struct ha_err text = HA_ERR_INIT;

		if (ha_admission_warning(&w->file->policy, &w->answer.use,
					 is_memory == 1, &text)) {
			printf("%s!%s %s\n",
			       vmha_tone_on(&v->screen, TONE_WARN),
			       vmha_tone_off(&v->screen, TONE_WARN), text.text);
		}
	}
	for (uint32_t i = 0; i < w->answer.inv.n_hosts; i++) {
		if (w->answer.colours[i] == HA_ADMISSION_YELLOW) {
			printf("%s!%s VMs run on failover host %s: move them "
			       "away, it is kept for the VMs of failed hosts\n",
			       vmha_tone_on(&v->screen, TONE_WARN),
			       vmha_tone_off(&v->screen, TONE_WARN),
			       w->answer.inv.hosts[i].name);
		}
	}
	/* With the guarantee "plan" that is a refusal, and told as one. */
	if (!w->answer.has_all_placed &&
	    w->answer.reason != HA_ADMISSION_NOT_EVACUATED) {
		printf("%s!%s not every VM of the hosts that leave has another "
		       "place\n",
		       vmha_tone_on(&v->screen, TONE_WARN),
		       vmha_tone_off(&v->screen, TONE_WARN));
	}
	weighing_show_warnings(v, w);
}

void
weighing_show_warnings(const struct vmha *v, const struct weighing *w)
{
	for (size_t i = 0; i < json_array_size(w->warnings); i++) {
		printf("%s!%s %s\n", vmha_tone_on(&v->screen, TONE_WARN),
		       vmha_tone_off(&v->screen, TONE_WARN),
		       json_string_value(json_array_get(w->warnings, i)));
	}
}

void
weighing_show_cluster(const struct vmha *v, const struct weighing *w)
{
	put_policy(w);
	put_shares(v, w);
	/* Of a refusal for which the hosts that leave are not even empty there
	 * is no cluster to be shown. */
	if (w->answer.has_all_placed ||
	    w->file->request.op != HA_ADMISSION_REMOVE_HOST) {
		putchar('\n');
		weighing_show_hosts(v, w, false);
	}
	weighing_show_all_warnings(v, w);
}

void
weighing_show(const struct vmha *v, const struct weighing *w)
{
	weighing_show_verdict(v, ha_admission_is_yes(w->answer.verdict),
			      ha_inventory_verdict_name(w->answer.verdict),
			      w->reason.text, w->help.text);
	putchar('\n');
	weighing_show_cluster(v, w);
}

static void
explain_share(const struct weighing *w, const char *name, const char *unit,
	      const struct ha_admission_share *share, bool is_configured)
{
	const struct ha_admission_policy *policy = &w->file->policy;

	printf("%s: (%" PRIu64 " - %" PRIu64 ") / %" PRIu64 " %s = %" PRId64
	       " %% left, whole percents\n",
	       name, share->capacity, share->demand, share->capacity, unit,
	       share->current_percent);
	if (is_configured) {
		printf("  to be kept free: %" PRIu64 " %%, as configured\n",
		       share->configured_percent);
	} else {
		printf("  to be kept free: the share of the %" PRIu32
		       " largest host%s, rounded up: %" PRIu64 " %%\n",
		       policy->host_failures,
		       policy->host_failures == 1 ? "" : "s",
		       share->configured_percent);
	}
}

static void
explain_slots(const struct weighing *w)
{
	const struct ha_admission_slots *slots = &w->answer.slots;
	const struct ha_admission_policy *policy = &w->file->policy;
	bool has_any = false;

	printf("Slot: %" PRIu64 " MHz (%s) and %" PRIu64 " MB (%s)\n",
	       slots->cpu_mhz,
	       policy->slot_cpu_mhz     ? "as configured" :
	       policy->max_slot_cpu_mhz ? "the largest demand, bounded" :
					  "the largest demand",
	       slots->memory_mb,
	       policy->slot_memory_mb     ? "as configured" :
	       policy->max_slot_memory_mb ? "the largest demand, bounded" :
					    "the largest demand");
	printf("%" PRIu64 " slots in all, %" PRIu64 " used; %" PRIu64
	       " are left without the %" PRIu32 " largest host%s: %" PRIu64
	       " free for more VMs\n",
	       slots->total, slots->used, slots->left, policy->host_failures,
	       policy->host_failures == 1 ? "" : "s", slots->unreserved);
	printf("The cluster can lose %" PRIu32 " of its largest hosts\n",
	       slots->failover_capacity);
	for (uint32_t i = 0; i < w->answer.inv.n_vms; i++) {
		if (w->answer.needs[i] > 1) {
			printf("%s%s (%" PRIu64 ")",
			       has_any ? ", " : "VMs that need several slots: ",
			       w->answer.inv.vms[i].name, w->answer.needs[i]);
			has_any = true;
		}
	}
	if (has_any) {
		putchar('\n');
	}
}

static void
explain_policy(const struct weighing *w)
{
	const struct ha_admission_policy *policy = &w->file->policy;

	switch (policy->type) {
	case HA_ADMISSION_PERCENTAGE:
		explain_share(w, "CPU", "MHz", &w->answer.cpu,
			      policy->has_cpu_percent);
		explain_share(w, "Memory", "MB", &w->answer.memory,
			      policy->has_memory_percent);
		break;
	case HA_ADMISSION_SLOT:
		explain_slots(w);
		break;
	case HA_ADMISSION_DEDICATED:
		puts("Failover hosts: green is online and empty, yellow has "
		     "VMs, red is not online");
		break;
	case HA_ADMISSION_DISABLED:
		puts("Nothing is computed and nothing is refused");
		break;
	}
	puts("Only online hosts count, and the reservations of VMs that are "
	     "on");
}

/* Names of the array, with commas. */
static void
join(const json_t *names, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < json_array_size(names); i++) {
		int n = snprintf(buffer + used, size - used, "%s%s",
				 i ? ", " : "",
				 json_string_value(json_array_get(names, i)));

		if (n < 0 || (size_t)n >= size - used) {
			return;
		}
		used += (size_t)n;
	}
}

static void
explain_plan(const struct vmha *v, const struct weighing *w)
{
	static const char *const TITLES[] = { "IF THIS FAILS", "VM", "GOES TO",
					      NULL };
	struct vmha_table table;
	size_t rows = 0;

	vmha_table_init(&table, TITLES);
	for (size_t i = 0; i < json_array_size(w->certificate); i++) {
		const json_t *set = json_array_get(w->certificate, i);
		const json_t *moves = json_object_get(set, "moves");
		char failed[HA_ERR_TEXT];

		join(json_object_get(set, "failed"), failed, sizeof(failed));
		for (size_t m = 0; m < json_array_size(moves); m++) {
			const json_t *move = json_array_get(moves, m);

			if (++rows > PLAN_ROWS_MAX) {
				continue;
			}
			vmha_table_add(&table, TONE_STRONG, "%s",
				       m == 0 ? failed : "");
			vmha_table_add(
				&table, TONE_PLAIN, "%s",
				json_string_value(json_object_get(move, "vm")));
			vmha_table_add(
				&table, TONE_PLAIN, "%s",
				json_string_value(json_object_get(move, "to")));
		}
	}
	if (rows > 0) {
		putchar('\n');
		vmha_table_print(&table, &v->screen, stdout);
	}
	if (w->is_too_large) {
		puts("\nThe plan is too large to be shown");
	}
	if (rows > PLAN_ROWS_MAX) {
		printf("... and %zu more; --output=json has all\n",
		       rows - PLAN_ROWS_MAX);
	}
	vmha_table_done(&table);
}

void
weighing_explain(const struct vmha *v, const struct weighing *w)
{
	putchar('\n');
	explain_policy(w);
	if (w->answer.has_plan && w->answer.plan.verdict == HA_PLAN_YES) {
		explain_plan(v, w);
	}
}
