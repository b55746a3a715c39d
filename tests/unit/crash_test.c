/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/crash: the cases of tests/scenarios/crash.scn.
 */
#include <stdio.h>

#include "scn.h"

#include "ha/crash.h"

#define SCENARIOS "tests/scenarios/crash.scn"
#define S_MS 1000u
/* Not zero: a clock that begins there is not told from "never". */
#define T0_MS 5000u
#define CHECKS_MIN 40u

static const char *const NEWS[] = {
	[HA_CRASH_NONE] = "none",
	[HA_CRASH_FELL] = "fell",
	[HA_CRASH_CAME_BACK] = "came-back",
	[HA_CRASH_FORGIVEN] = "forgiven",
};

static void
take_moment(const struct scn *scn, struct ha_crash *memory)
{
	struct ha_crash_facts facts = {
		.is_wanted = !scn_has(scn, "unwanted"),
		.is_up = scn_has(scn, "up"),
		.is_fallen = scn_has(scn, "fallen"),
		.is_down = scn_has(scn, "down"),
		.is_listed = scn_has(scn, "listed"),
		.is_granted = scn_has(scn, "granted"),
		.is_cleaning = scn_has(scn, "cleaning"),
		.hosts = scn_number(scn, "hosts", 0),
		.failed_hosts = scn_number(scn, "failed", 0),
		.acted_hosts = scn_number(scn, "acted", 0),
		.failures = scn_number(scn, "failures", 0),
	};
	uint64_t now_ms = T0_MS + S_MS * strtoull(scn->word[0] + 1, NULL, 10);
	bool is_to_be_fallen = scn->words > scn->wants + 1;

	scn_same(scn, NEWS[ha_crash_step(memory, &facts, now_ms)],
		 scn->word[scn->wants]);
	scn_same(scn, memory->has_fallen ? "fallen" : "not fallen",
		 is_to_be_fallen ? scn->word[scn->wants + 1] : "not fallen");
}

static void
take_used(const struct scn *scn)
{
	struct ha_crash memory = { .is_counted = scn_has(scn, "counted") };
	char got[16];

	(void)snprintf(got, sizeof(got), "%u",
		       ha_crash_attempts(&memory, (uint32_t)scn_number(
							  scn, "attempts", 0)));
	scn_same(scn, got, scn->word[scn->wants]);
}

static void
scenarios(void **state)
{
	struct ha_crash memory = { .is_known = false };
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		if (strcmp(scn.word[0], "case") == 0) {
			memory = (struct ha_crash){ .is_known = false };
		} else if (strcmp(scn.word[0], "used") == 0) {
			take_used(&scn);
		} else {
			take_moment(&scn, &memory);
		}
	}
	assert_true(scn.checks >= CHECKS_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
