/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/evidence and lone: the scenario file, and the lone host's
 * conditions one by one.
 */
#include "scn.h"

#include "ha/evidence.h"

#define SCENARIOS "tests/scenarios/heartbeat.scn"

static void
take_write(const struct scn *scn, struct ha_evidence *evidence, uint64_t at_ms)
{
	const struct ha_timing *timing = ha_profile_timing(HA_PROFILE_STANDARD);

	for (uint32_t i = 0; i < evidence->stores; i++) {
		bool counts;

		if (!scn_in_list(scn->word[1], i)) {
			continue;
		}
		counts = ha_evidence_written(evidence, timing, i, at_ms,
					     at_ms + scn_number(scn, "took", 0),
					     scn_number(scn, "inc", 1),
					     scn_number(scn, "gen", 0));
		scn_same(scn, counts ? "evidence" : "late",
			 scn->word[scn->wants]);
	}
}

static void
check_pet(const struct scn *scn, uint64_t now_ms)
{
	struct ha_pet_facts facts = {
		.has_storage = scn_text(scn, "storage"),
		.storage_ms = scn_number(scn, "storage", 0),
		.has_ring = scn_text(scn, "ring"),
		.ring_ms = scn_number(scn, "ring", 0),
		.is_lone = scn_text(scn, "lone"),
		.lone_ms = scn_number(scn, "lone", 0),
	};
	struct ha_pet pet = ha_pet_judge(
		&facts, ha_profile_timing(HA_PROFILE_STANDARD), now_ms);

	scn_same(scn, ha_evidence_kind_name(pet.kind), scn->word[scn->wants]);
	scn_same_number(scn, "kill", pet.kill_at_ms);
}

static void
check_stands(struct scn *scn, const struct ha_evidence *evidence)
{
	uint64_t stamp_ms = 0;
	bool has = ha_evidence_stamp(evidence, &stamp_ms);
	const char *want = scn_text(scn, "stamp");

	if (want && strcmp(want, "none") == 0) {
		scn_same(scn, has ? "a stamp" : "none", want);
	} else if (want) {
		scn_same(scn, has ? "stamp" : "none", "stamp");
		scn_same_number(scn, "stamp", stamp_ms);
	}
	scn_same_number(scn, "inc", ha_evidence_incarnation(evidence));
	scn_same_number(scn, "gen", ha_evidence_generation(evidence));
	scn->checks++;
}

static void
scenarios(void **state)
{
	struct ha_evidence evidence;
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		if (strcmp(scn.word[0], "case") == 0) {
			ha_evidence_init(&evidence, (uint32_t)scn_number(
							    &scn, "stores", 0));
		} else if (strcmp(scn.word[0], "stands") == 0) {
			check_stands(&scn, &evidence);
		} else {
			uint64_t at_ms = strtoull(scn.word[0] + 1, NULL, 10);

			assert_int_equal(scn.word[0][0], '@');
			assert_true(scn.wants != 0);
			if (strcmp(scn.word[1], "pet") == 0) {
				check_pet(&scn, at_ms);
			} else {
				take_write(&scn, &evidence, at_ms);
			}
		}
	}
	assert_true(scn.checks >= 45);
}

/* What no scenario line can say: a clock that went back, stores that are
 * not there. */
static void
impossible(void **state)
{
	const struct ha_timing *timing = ha_profile_timing(HA_PROFILE_STANDARD);
	struct ha_evidence evidence;
	uint64_t stamp_ms = 77;

	(void)state;
	ha_evidence_init(&evidence, 0);
	assert_false(ha_evidence_written(&evidence, timing, 0, 1, 2, 1, 1));
	assert_false(ha_evidence_stamp(&evidence, &stamp_ms));
	assert_int_equal(ha_evidence_generation(&evidence), 0);
	assert_int_equal(ha_evidence_incarnation(&evidence), 0);
	ha_evidence_init(&evidence, 1);
	assert_false(ha_evidence_written(&evidence, timing, 1, 1, 2, 1, 1));
	assert_false(ha_evidence_written(&evidence, timing, 0, 50, 49, 1, 1));
	assert_false(ha_evidence_stamp(&evidence, &stamp_ms));
	assert_int_equal(stamp_ms, 77);
	ha_evidence_init(&evidence, HA_STORES_MAX + 1);
	assert_int_equal(evidence.stores, HA_STORES_MAX);
}

static void
lone(void **state)
{
	struct ha_hostset all = { { 0 } };
	struct ha_hostset out = { { 0 } };

	(void)state;
	ha_hostset_add(&all, 0);
	ha_hostset_add(&all, 1);
	ha_hostset_add(&all, HA_HOSTS_MAX - 1);
	ha_hostset_add(&out, 1);
	assert_false(ha_lone_allowed(true, true, true, &all, &out, 0));
	ha_hostset_add(&out, HA_HOSTS_MAX - 1);
	assert_true(ha_lone_allowed(true, true, true, &all, &out, 0));
	assert_false(ha_lone_allowed(false, true, true, &all, &out, 0));
	assert_false(ha_lone_allowed(true, false, true, &all, &out, 0));
	assert_false(ha_lone_allowed(true, true, false, &all, &out, 0));
	assert_false(ha_lone_allowed(true, true, true, &all, &out, 2));
	assert_false(ha_lone_allowed(true, true, true, &out, &out, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(impossible),
		cmocka_unit_test(lone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
