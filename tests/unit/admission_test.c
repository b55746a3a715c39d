/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/admission: the scenario file, policy by policy, with the values
 * on both sides of each boundary; then what no file can say: numbers out of
 * range, and each sentence.
 */
#include <errno.h>
#include <stdio.h>

#include "scn.h"

#include "ha/admission.h"

#define SCENARIOS "tests/scenarios/admission.scn"
#define HOSTS_MAX 16u
#define VMS_MAX 32u
#define RULES_MAX 4u
#define NAME_MAX_ 16u

struct world {
	const struct scn *scn;
	struct ha_inv_host hosts[HOSTS_MAX];
	struct ha_inv_vm vms[VMS_MAX];
	struct ha_inv_rule rules[RULES_MAX];
	struct ha_plan_demand used[VMS_MAX];
	char host_names[HOSTS_MAX][NAME_MAX_];
	char vm_names[VMS_MAX][NAME_MAX_];
	uint32_t allowed[VMS_MAX][HOSTS_MAX];
	uint32_t rule_vms[RULES_MAX][VMS_MAX];
	uint32_t targets[HOSTS_MAX];
	struct ha_inventory inv;
	struct ha_admission_policy policy;
	struct ha_admission_request request;
	struct ha_admission_answer answer;
	uint32_t told; /* sets of the certificate */
};

static const char *const REASONS[] = {
	[HA_ADMISSION_HOLDS] = "holds",
	[HA_ADMISSION_IS_DISABLED] = "disabled",
	[HA_ADMISSION_IS_OFF] = "off",
	[HA_ADMISSION_IS_LOWERED] = "lowered",
	[HA_ADMISSION_INSIDE] = "inside",
	[HA_ADMISSION_NO_HOST] = "no-host",
	[HA_ADMISSION_HOST_STATE] = "host-state",
	[HA_ADMISSION_HOST_FORBIDDEN] = "host-forbidden",
	[HA_ADMISSION_HOST_FAILOVER] = "host-failover",
	[HA_ADMISSION_NO_CANDIDATE] = "no-candidate",
	[HA_ADMISSION_CPU_SHORT] = "cpu-short",
	[HA_ADMISSION_MEMORY_SHORT] = "memory-short",
	[HA_ADMISSION_SLOTS_SHORT] = "slots-short",
	[HA_ADMISSION_NO_FAILOVER] = "no-failover",
	[HA_ADMISSION_FAILOVER_RED] = "failover-red",
	[HA_ADMISSION_NOT_EVACUATED] = "not-evacuated",
	[HA_ADMISSION_NOT_PLACED] = "not-placed",
	[HA_ADMISSION_NO_PLAN] = "no-plan",
	[HA_ADMISSION_SEARCH_BOUND] = "search-bound",
	[HA_ADMISSION_CHECKER_DIFFERS] = "checker-differs",
};
static const char *const VERDICTS[] = { "admit", "refuse", "satisfied",
					"violated" };
static const char *const OPS[] = { "none",    "power_on",    "raise",
				   "migrate", "remove_host", "fail_host" };
static const char *const STATES[] = { "online", "standby", "maintenance",
				      "offline", "error" };

static uint32_t
word_of(const struct scn *scn, const char *const *words, size_t n,
	const char *word)
{
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0) {
			return i;
		}
	}
	fail_msg("%s:%u: %s", scn->path, scn->line_no, word);
	return 0;
}

static uint32_t
index_of(const struct world *w, bool is_host, const char *name, size_t len)
{
	uint32_t n = is_host ? w->inv.n_hosts : w->inv.n_vms;

	for (uint32_t i = 0; i < n; i++) {
		const char *it = is_host ? w->host_names[i] : w->vm_names[i];

		if (strlen(it) == len && strncmp(it, name, len) == 0) {
			return i;
		}
	}
	fail_msg("%s:%u: who is %.*s", w->scn->path, w->scn->line_no, (int)len,
		 name);
	return 0;
}

/* "A,B" as indices. */
static uint32_t
take_list(const struct world *w, bool is_host, const char *list, uint32_t *to)
{
	uint32_t n = 0;

	while (*list) {
		size_t len = strcspn(list, ",");

		to[n++] = index_of(w, is_host, list, len);
		list += len;
		list += *list == ',';
	}
	return n;
}

static void
take_case(struct world *w, const struct scn *scn)
{
	memset(w, 0, sizeof(*w));
	w->scn = scn;
	w->inv.hosts = w->hosts;
	w->inv.vms = w->vms;
	w->inv.rules = w->rules;
}

static void
take_host(struct world *w, const struct scn *scn)
{
	struct ha_inv_host *host = &w->hosts[w->inv.n_hosts];
	char *name = w->host_names[w->inv.n_hosts];
	const char *use = scn_text(scn, "use");

	assert_true(w->inv.n_hosts < HOSTS_MAX);
	snprintf(name, NAME_MAX_, "%s", scn->word[1]);
	*host = (struct ha_inv_host){
		.name = name,
		.cpu_mhz = strtoull(scn->word[2], NULL, 10),
		.memory_mb = strtoull(scn->word[3], NULL, 10),
		.max_vms = (uint32_t)scn_number(scn, "max", 0),
		.is_failover_host = scn_has(scn, "failover"),
	};
	/* "900/-": it tells its CPU alone */
	host->has_cpu_used = use && use[0] != '-';
	host->has_memory_used = use && strchr(use, '/')[1] != '-';
	host->cpu_used_mhz = use ? strtoull(use, NULL, 10) : 0;
	host->memory_used_mb =
		use ? strtoull(strchr(use, '/') + 1, NULL, 10) : 0;
	for (uint32_t i = 0; i < N_ELEMENTS(STATES); i++) {
		host->state = scn_has(scn, STATES[i]) ? (enum ha_inv_state)i :
							host->state;
	}
	w->inv.n_hosts++;
}

static void
take_vm(struct world *w, const struct scn *scn)
{
	uint32_t i = w->inv.n_vms;
	const char *on = scn_text(scn, "on");
	const char *allowed = scn_text(scn, "allowed");
	const char *use = scn_text(scn, "use");
	struct ha_inv_vm *vm = &w->vms[i];

	assert_true(i < VMS_MAX);
	snprintf(w->vm_names[i], NAME_MAX_, "%s", scn->word[1]);
	*vm = (struct ha_inv_vm){
		.name = w->vm_names[i],
		.cpu_mhz = strtoull(scn->word[2], NULL, 10),
		.memory_mb = strtoull(scn->word[3], NULL, 10),
		.overhead_mb = scn_number(scn, "over", 0),
		.host = on ? index_of(w, true, on, strlen(on)) : HA_INV_NONE,
		.is_on = on != NULL,
		.has_allowed = allowed != NULL,
		.allowed = w->allowed[i],
	};
	vm->n_allowed =
		allowed ? take_list(w, true, allowed, w->allowed[i]) : 0;
	if (use) {
		w->used[i].cpu_mhz = strtoull(use, NULL, 10);
		w->used[i].memory_mb = strtoull(strchr(use, '/') + 1, NULL, 10);
	}
	w->inv.n_vms++;
}

static void
take_rule(struct world *w, const struct scn *scn)
{
	uint32_t i = w->inv.n_rules++;

	assert_true(i < RULES_MAX);
	w->rules[i] = (struct ha_inv_rule){
		.type = scn_has(scn, "separate") ? HA_INV_SEPARATE :
						   HA_INV_TOGETHER,
		.vms = w->rule_vms[i],
		.n_vms = take_list(w, false, scn->word[2], w->rule_vms[i]),
		.is_mandatory = !scn_has(scn, "wish"),
	};
}

static void
take_policy(struct world *w, const struct scn *scn)
{
	static const char *const TYPES[] = { "percentage", "slot", "dedicated",
					     "disabled" };

	w->policy = (struct ha_admission_policy){
		.type = (enum ha_admission_type)word_of(
			scn, TYPES, N_ELEMENTS(TYPES), scn->word[1]),
		.guarantee = scn_has(scn, "plan") ? HA_ADMISSION_PLAN :
						    HA_ADMISSION_ARITHMETIC,
		.host_failures = (uint32_t)scn_number(scn, "level", 1),
		.has_cpu_percent = scn_text(scn, "cpu") != NULL,
		.has_memory_percent = scn_text(scn, "mem") != NULL,
		.cpu_percent = (uint32_t)scn_number(scn, "cpu", 0),
		.memory_percent = (uint32_t)scn_number(scn, "mem", 0),
		.slot_cpu_mhz = scn_number(scn, "slotcpu", 0),
		.slot_memory_mb = scn_number(scn, "slotmem", 0),
		.max_slot_cpu_mhz = scn_number(scn, "maxcpu", 0),
		.max_slot_memory_mb = scn_number(scn, "maxmem", 0),
		.default_cpu_mhz =
			scn_number(scn, "defcpu", HA_ADMISSION_CPU_MHZ_DEFAULT),
		.default_memory_mb = scn_number(scn, "defmem", 0),
		.performance_degradation = (uint32_t)scn_number(
			scn, "loses", HA_ADMISSION_DEGRADATION_DEFAULT),
	};
}

static void
take_request(struct world *w, const struct scn *scn)
{
	const char *at = scn_text(scn, "at");
	enum ha_admission_op op = (enum ha_admission_op)word_of(
		scn, OPS, N_ELEMENTS(OPS), scn->word[1]);

	w->request = (struct ha_admission_request){
		.op = op,
		.vm = HA_INV_NONE,
		.host = at ? index_of(w, true, at, strlen(at)) : HA_INV_NONE,
		.hosts = w->targets,
		.has_cpu = scn_text(scn, "mhz") != NULL,
		.has_memory = scn_text(scn, "mb") != NULL,
		.cpu_mhz = scn_number(scn, "mhz", 0),
		.memory_mb = scn_number(scn, "mb", 0),
	};
	if (op == HA_ADMISSION_REMOVE_HOST || op == HA_ADMISSION_FAIL_HOST) {
		w->request.n_hosts =
			take_list(w, true, scn->word[2], w->targets);
	} else if (op != HA_ADMISSION_NONE) {
		w->request.vm =
			index_of(w, false, scn->word[2], strlen(scn->word[2]));
	}
}

static void
begin(void *closure)
{
	struct world *w = closure;

	w->told = 0;
}

static bool
told(const struct ha_plan_set *set, void *closure)
{
	struct world *w = closure;

	w->told += set != NULL;
	return true;
}

static struct ha_admission_question
question_of(struct world *w)
{
	return (struct ha_admission_question){
		.inv = &w->inv,
		.used = w->used,
		.policy = &w->policy,
		.request = &w->request,
		.begin = begin,
		.told = told,
		.closure = w,
	};
}

static void
expect_signed(const struct scn *scn, const char *key, int64_t got)
{
	const char *want = scn_text(scn, key);

	if (want && strtoll(want, NULL, 10) != got) {
		fail_msg("%s:%u: %s is %lld, wanted %s", scn->path,
			 scn->line_no, key, (long long)got, want);
	}
}

static void
expect_lists(const struct world *w, const struct scn *scn)
{
	static const char *const COLOURS[] = { "-", "green", "yellow", "red" };
	const struct ha_admission_answer *answer = &w->answer;
	char slots[128] = "";
	char colours[128] = "";
	uint32_t several = 0;

	for (uint32_t i = 0; i < w->inv.n_hosts; i++) {
		snprintf(slots + strlen(slots), sizeof(slots) - strlen(slots),
			 "%s%llu", i ? "," : "",
			 (unsigned long long)answer->host_slots[i]);
		snprintf(colours + strlen(colours),
			 sizeof(colours) - strlen(colours), "%s%s",
			 i ? "," : "", COLOURS[answer->colours[i]]);
	}
	for (uint32_t i = 0; i < w->inv.n_vms; i++) {
		several += answer->needs[i] > 1;
	}
	scn_same_number(scn, "several", several);
	if (scn_text(scn, "perhost")) {
		scn_same(scn, slots, scn_text(scn, "perhost"));
	}
	if (scn_text(scn, "colours")) {
		scn_same(scn, colours, scn_text(scn, "colours"));
	}
	if (scn_text(scn, "warns")) {
		scn_same(scn,
			 answer->use.warns_cpu && answer->use.warns_memory ?
				 "cpu,memory" :
			 answer->use.warns_cpu    ? "cpu" :
			 answer->use.warns_memory ? "memory" :
						    "none",
			 scn_text(scn, "warns"));
	}
	if (scn_text(scn, "to")) {
		scn_same(scn,
			 w->host_names[answer->inv.vms[w->request.vm].host],
			 scn_text(scn, "to"));
	}
}

static void
expect(const struct world *w, const struct scn *scn)
{
	const struct ha_admission_answer *answer = &w->answer;
	const struct ha_admission_share *is_short =
		answer->reason == HA_ADMISSION_MEMORY_SHORT ? &answer->memory :
							      &answer->cpu;

	if (strcmp(VERDICTS[answer->verdict], scn->word[scn->wants]) != 0) {
		fail_msg("%s:%u: got %s (%s)", scn->path, scn->line_no,
			 VERDICTS[answer->verdict], REASONS[answer->reason]);
	}
	if (scn_text(scn, "reason")) {
		scn_same(scn, REASONS[answer->reason], scn_text(scn, "reason"));
	}
	expect_signed(scn, "cpu", answer->cpu.current_percent);
	expect_signed(scn, "mem", answer->memory.current_percent);
	scn_same_number(scn, "keepcpu", answer->cpu.configured_percent);
	scn_same_number(scn, "keepmem", answer->memory.configured_percent);
	scn_same_number(scn, "demandcpu", answer->cpu.demand);
	scn_same_number(scn, "demandmem", answer->memory.demand);
	scn_same_number(scn, "missing", is_short->missing);
	scn_same_number(scn, "slotcpu", answer->slots.cpu_mhz);
	scn_same_number(scn, "slotmem", answer->slots.memory_mb);
	scn_same_number(scn, "slots", answer->slots.total);
	scn_same_number(scn, "used", answer->slots.used);
	scn_same_number(scn, "free", answer->slots.unreserved);
	scn_same_number(scn, "capacity", answer->slots.failover_capacity);
	scn_same_number(scn, "conservative", answer->is_conservative);
	scn_same_number(scn, "displaced", answer->displaced);
	scn_same_number(scn, "placed", answer->has_all_placed);
	if (scn_text(scn, "sets")) {
		scn_same_number(scn, "sets", w->told);
		scn_same_number(scn, "sets", answer->plan.sets);
	}
	expect_lists(w, scn);
}

/* Exactly the memory that was asked for: one byte more is found. */
static void
judge(struct world *w, const struct scn *scn)
{
	struct ha_admission_question question = question_of(w);
	struct ha_err reason;
	struct ha_err help;
	void *work;

	take_request(w, scn);
	work = malloc(ha_admission_work_bytes(&question));
	assert_non_null(work);
	assert_int_equal(ha_admission_judge(&question, work, &w->answer, NULL),
			 0);
	ha_admission_text(&question, &w->answer, &reason, &help);
	if (!reason.text[0] ||
	    !help.text[0] != ha_admission_is_yes(w->answer.verdict)) {
		fail_msg("%s:%u: no sentence: %s / %s", scn->path, scn->line_no,
			 reason.text, help.text);
	}
	expect(w, scn);
	free(work);
}

static void
test_scenarios(void **state)
{
	static struct world world;
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		if (strcmp(scn.word[0], "case") == 0) {
			take_case(&world, &scn);
		} else if (strcmp(scn.word[0], "host") == 0) {
			take_host(&world, &scn);
		} else if (strcmp(scn.word[0], "vm") == 0) {
			take_vm(&world, &scn);
		} else if (strcmp(scn.word[0], "rule") == 0) {
			take_rule(&world, &scn);
		} else if (strcmp(scn.word[0], "policy") == 0) {
			take_policy(&world, &scn);
		} else if (strcmp(scn.word[0], "ask") == 0) {
			judge(&world, &scn);
		} else {
			fail_msg("%s:%u: %s", scn.path, scn.line_no,
				 scn.word[0]);
		}
	}
	assert_true(scn.checks > 130);
}

/* A cluster that holds, for one number at a time to be spoilt. */
static void
take_sound(struct world *w)
{
	static const struct scn NO_SCN = { .path = "sound" };

	take_case(w, &NO_SCN);
	w->hosts[0] = (struct ha_inv_host){ .name = "h1",
					    .cpu_mhz = 10000,
					    .memory_mb = 10000 };
	w->hosts[1] = w->hosts[0];
	w->hosts[1].name = "h2";
	w->vms[0] = (struct ha_inv_vm){ .name = "a", .is_on = true };
	w->vms[1] = (struct ha_inv_vm){ .name = "b", .host = HA_INV_NONE };
	w->inv.n_hosts = 2;
	w->inv.n_vms = 2;
	w->policy = (struct ha_admission_policy){
		.host_failures = 1,
		.default_cpu_mhz = HA_ADMISSION_CPU_MHZ_DEFAULT,
	};
	w->request = (struct ha_admission_request){ .vm = HA_INV_NONE,
						    .host = HA_INV_NONE };
}

static int
judge_code(struct world *w)
{
	struct ha_admission_question question = question_of(w);
	struct ha_err err = HA_ERR_INIT;
	void *work = malloc(ha_admission_work_bytes(&question));
	int rc;

	assert_non_null(work);
	rc = ha_admission_judge(&question, work, &w->answer, &err);
	assert_int_equal(rc < 0, err.text[0] != '\0');
	free(work);
	return rc;
}

static void
test_bounds(void **state)
{
	static struct world w;
	const struct {
		uint64_t *number;
		uint64_t max;
	} numbers[] = {
		{ &w.hosts[1].cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.hosts[1].memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.hosts[1].cpu_used_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.hosts[1].memory_used_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.vms[1].cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.vms[1].memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.vms[1].overhead_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.used[1].cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.used[1].memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.policy.slot_cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.policy.slot_memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.policy.max_slot_cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.policy.max_slot_memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.policy.default_cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.policy.default_memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
		{ &w.request.cpu_mhz, HA_ADMISSION_CPU_MHZ_MAX },
		{ &w.request.memory_mb, HA_ADMISSION_MEMORY_MB_MAX },
	};
	uint32_t *const smalls[] = { &w.policy.cpu_percent,
				     &w.policy.memory_percent,
				     &w.policy.performance_degradation };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(numbers); i++) {
		take_sound(&w);
		*numbers[i].number = numbers[i].max;
		assert_int_equal(judge_code(&w), 0);
		*numbers[i].number = numbers[i].max + 1;
		assert_int_equal(judge_code(&w), -ERANGE);
	}
	for (size_t i = 0; i < N_ELEMENTS(smalls); i++) {
		take_sound(&w);
		*smalls[i] = HA_ADMISSION_PERCENT_MAX;
		assert_int_equal(judge_code(&w), 0);
		*smalls[i] = HA_ADMISSION_PERCENT_MAX + 1;
		assert_int_equal(judge_code(&w), -ERANGE);
	}
	take_sound(&w);
	w.policy.host_failures = HA_PLAN_FAILURES_MAX;
	assert_int_equal(judge_code(&w), 0);
	w.policy.host_failures++;
	assert_int_equal(judge_code(&w), -ERANGE);
}

static void
test_indices(void **state)
{
	static struct world w;
	uint32_t target = 2;

	(void)state;
	take_sound(&w);
	w.vms[0].host = 2;
	assert_int_equal(judge_code(&w), -ERANGE);
	take_sound(&w);
	w.request.op = HA_ADMISSION_POWER_ON;
	assert_int_equal(judge_code(&w), -EINVAL);
	w.request.vm = 2;
	assert_int_equal(judge_code(&w), -EINVAL);
	w.request.vm = 0; /* is on */
	assert_int_equal(judge_code(&w), -EINVAL);
	w.request.vm = 1;
	assert_int_equal(judge_code(&w), 0);
	w.request.host = 2;
	assert_int_equal(judge_code(&w), -EINVAL);
	w.request.host = 1;
	assert_int_equal(judge_code(&w), 0);
	w.request.op = HA_ADMISSION_MIGRATE;
	w.request.host = HA_INV_NONE;
	assert_int_equal(judge_code(&w), -EINVAL);
	w.request.op = HA_ADMISSION_REMOVE_HOST;
	w.request.hosts = &target;
	w.request.n_hosts = 1;
	assert_int_equal(judge_code(&w), -EINVAL);
	target = 1;
	assert_int_equal(judge_code(&w), 0);
}

/* A search that may take no step says no, and that it is one of caution. */
static void
test_step_bound(void **state)
{
	static struct world w;
	struct ha_admission_question question;
	struct ha_err reason;
	struct ha_err help;
	void *work;

	(void)state;
	take_sound(&w);
	w.vms[0].cpu_mhz = 1000;
	question = question_of(&w);
	question.all_steps = 1;
	work = malloc(ha_admission_work_bytes(&question));
	assert_non_null(work);
	assert_int_equal(ha_admission_judge(&question, work, &w.answer, NULL),
			 0);
	assert_int_equal(w.answer.verdict, HA_ADMISSION_VIOLATED);
	assert_int_equal(w.answer.reason, HA_ADMISSION_SEARCH_BOUND);
	assert_true(w.answer.is_conservative);
	ha_admission_text(&question, &w.answer, &reason, &help);
	assert_non_null(strstr(reason.text, "to be safe"));
	/* Where the arithmetic refuses nothing was left to search. */
	w.policy.has_cpu_percent = true;
	w.policy.cpu_percent = 100;
	assert_int_equal(ha_admission_judge(&question, work, &w.answer, NULL),
			 0);
	assert_int_equal(w.answer.reason, HA_ADMISSION_CPU_SHORT);
	assert_false(w.answer.is_conservative);
	free(work);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_step_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
