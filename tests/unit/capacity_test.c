/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose the capacity of a host is: what vmha wrote it may change, what a
 * person set stays, and nothing is written that stands there.
 */
#include <string.h>

#include "unit.h"

#include "ha/capacity.h"

static void
marks(void **state)
{
	static const struct {
		const char *mark, *name, *value;
		bool is_ours;
	} cases[] = {
		{ "cpu_mhz=9 memory_mb=8", "cpu_mhz", "9", true },
		{ "cpu_mhz=9 memory_mb=8", "memory_mb", "8", true },
		{ "cpu_mhz=9 memory_mb=8", "memory_mb", "9", false },
		{ "cpu_mhz=98", "cpu_mhz", "9", false },
		{ "cpu_mhz=9", "cpu_mhz", "98", false },
		{ "xcpu_mhz=9", "cpu_mhz", "9", false },
		{ " memory_mb=8,cpu_mhz=9 ", "cpu_mhz", "9", true },
		{ "cpu_mhz", "cpu_mhz", "", false },
		{ "cpu_mhz=", "cpu_mhz", "", true },
		{ "", "cpu_mhz", "9", false },
		{ NULL, "cpu_mhz", "9", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(ha_capacity_is_ours(cases[i].mark,
						     cases[i].name,
						     cases[i].value),
				 cases[i].is_ours);
	}
}

static const struct {
	struct ha_capacity_shown shown;
	bool cpu, memory, cpu_by_hand, memory_by_hand;
	const char *mark;
} PLANS[] = {
	/* new */
	{ { NULL, NULL, NULL },
	  true,
	  true,
	  false,
	  false,
	  "cpu_mhz=100 memory_mb=200" },
	/* as it is */
	{ { "100", "200", "cpu_mhz=100 memory_mb=200" },
	  false,
	  false,
	  false,
	  false,
	  "cpu_mhz=100 memory_mb=200" },
	/* ours, and memory was added */
	{ { "100", "150", "cpu_mhz=100 memory_mb=150" },
	  false,
	  true,
	  false,
	  false,
	  "cpu_mhz=100 memory_mb=200" },
	/* one by hand */
	{ { "50", "150", "cpu_mhz=100 memory_mb=150" },
	  false,
	  true,
	  true,
	  false,
	  "memory_mb=200" },
	{ { "50", "200", "memory_mb=200" },
	  false,
	  false,
	  true,
	  false,
	  "memory_mb=200" },
	/* both, before vmha ever wrote */
	{ { "50", "60", NULL }, false, false, true, true, "" },
	/* somebody's number that happens to be right is theirs */
	{ { "100", "200", NULL }, false, false, true, true, "" },
	/* given back */
	{ { NULL, "200", "memory_mb=200" },
	  true,
	  false,
	  false,
	  false,
	  "cpu_mhz=100 memory_mb=200" },
};

static void
plans(void **state)
{
	const struct ha_capacity has = { .is_cpu_known = true,
					 .cpu_mhz = 100,
					 .memory_mb = 200 };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(PLANS); i++) {
		struct ha_capacity_plan plan;

		ha_capacity_judge(&PLANS[i].shown, &has, &plan);
		assert_int_equal(plan.writes_cpu, PLANS[i].cpu);
		assert_int_equal(plan.writes_memory, PLANS[i].memory);
		assert_int_equal(plan.writes_mark,
				 PLANS[i].cpu || PLANS[i].memory);
		assert_int_equal(plan.is_cpu_by_hand, PLANS[i].cpu_by_hand);
		assert_int_equal(plan.is_memory_by_hand,
				 PLANS[i].memory_by_hand);
		assert_string_equal(plan.mark, PLANS[i].mark);
	}
}

/* A frequency that nobody tells is no capacity of 0. */
static void
unknown_cpu(void **state)
{
	const struct ha_capacity has = { .memory_mb = 200 };
	const struct ha_capacity_shown none = { NULL, NULL, NULL };
	const struct ha_capacity_shown ours = { "100", "200",
						"cpu_mhz=100 memory_mb=200" };
	struct ha_capacity_plan plan;

	(void)state;
	ha_capacity_judge(&none, &has, &plan);
	assert_false(plan.writes_cpu);
	assert_string_equal(plan.mark, "memory_mb=200");
	ha_capacity_judge(&ours, &has, &plan);
	assert_false(plan.writes_cpu);
	assert_false(plan.writes_mark);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks),
		cmocka_unit_test(plans),
		cmocka_unit_test(unknown_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
