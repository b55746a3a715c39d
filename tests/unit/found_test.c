/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/found: stories of looks (tests/scenarios/found.scn), and for each
 * cell of facts that nothing is done that no evidence carries. */
#include "scn.h"

#include "ha/found.h"

#define SCENARIOS "tests/scenarios/found.scn"

static enum ha_found_entry
entry_of(const struct scn *scn, const char *key)
{
	const char *text = scn_text(scn, key);

	assert_non_null(text);
	if (strcmp(text, "listed") == 0) {
		return HA_FOUND_LISTED;
	}
	if (strcmp(text, "passing") == 0) {
		return HA_FOUND_PASSING;
	}
	assert_string_equal(text, "unlisted");
	return HA_FOUND_UNLISTED;
}

static const char *
wanted(const struct scn *scn, const char *key)
{
	const char *text = scn_text(scn, key);

	return text ? text : "none";
}

static bool
wants(const struct scn *scn, const char *word)
{
	for (size_t i = scn_given(scn); i < scn->words; i++) {
		if (strcmp(scn->word[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static void
same_flag(const struct scn *scn, const char *word, bool got)
{
	if (wants(scn, word) != got) {
		fail_msg("%s:%u: \"%s\" is %d", scn->path, scn->line_no, word,
			 got);
	}
}

static void
stories(void **state)
{
	struct ha_found_memory memory = { .looks = 0 };
	struct scn scn;
	uint64_t now_ms = 0;
	unsigned int looks = 0;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		struct ha_found_facts facts;
		struct ha_found_verdict verdict;

		if (strcmp(scn.word[0], "vm") == 0) {
			memory = (struct ha_found_memory){ .looks = 0 };
			continue;
		}
		assert_string_equal(scn.word[0], "look");
		facts = (struct ha_found_facts){
			.is_sure = !scn_has(&scn, "unsure"),
			.is_acting = scn_has(&scn, "acting"),
			.is_configured = scn_has(&scn, "configured"),
			.is_here = scn_has(&scn, "here"),
			.is_ours = scn_has(&scn, "ours"),
			.is_active = scn_has(&scn, "active"),
			.is_untold = scn_has(&scn, "untold"),
			.entry = entry_of(&scn, "list"),
			.other = entry_of(&scn, "other"),
		};
		verdict = ha_found_step(&memory, &facts, ++now_ms);
		looks++;
		scn_same(&scn, ha_found_kind_name(verdict.begun),
			 wanted(&scn, "begun"));
		scn_same(&scn, ha_found_kind_name(verdict.ended),
			 wanted(&scn, "ended"));
		same_flag(&scn, "list", verdict.must_list);
		same_flag(&scn, "clear", verdict.may_clear);
		same_flag(&scn, "look", verdict.must_look);
	}
	assert_true(looks > 40);
}

static struct ha_found_facts
cell(unsigned int bits)
{
	return (struct ha_found_facts){
		.is_sure = bits & 1u,
		.is_acting = bits & 2u,
		.is_configured = bits & 4u,
		.is_here = bits & 8u,
		.is_ours = bits & 16u,
		.is_active = bits & 32u,
		.is_untold = bits & 64u,
		.entry = (enum ha_found_entry)((bits >> 7) % 3),
		.other = (enum ha_found_entry)((bits >> 7) / 3 % 3),
	};
}

/* Seen for ever, from nothing. */
static void
every_cell(void **state)
{
	unsigned int found = 0;

	(void)state;
	for (unsigned int bits = 0; bits < 128u * 9u; bits++) {
		struct ha_found_facts facts = cell(bits);
		struct ha_found_memory memory = { .looks = 0 };
		struct ha_found_verdict first, second;
		bool is_moving = !facts.is_sure || facts.is_acting ||
				 facts.entry == HA_FOUND_PASSING ||
				 facts.other == HA_FOUND_PASSING;

		first = ha_found_step(&memory, &facts, 1);
		assert_int_equal(first.begun, HA_FOUND_NONE);
		assert_false(first.must_list);
		assert_false(first.may_clear);
		second = ha_found_step(&memory, &facts, 2);
		assert_int_equal(second.ended, HA_FOUND_NONE);
		assert_int_equal(memory.kind, second.begun);
		if (is_moving) {
			assert_int_equal(second.begun, HA_FOUND_NONE);
			assert_false(second.must_list || second.may_clear);
			assert_true(ha_found_is_over(&memory));
			continue;
		}
		found += second.begun != HA_FOUND_NONE;
		assert_int_equal(first.must_look,
				 second.begun != HA_FOUND_NONE ||
					 second.must_list);
		/* Pacemaker has not said that it is not here. */
		assert_false(facts.is_untold && facts.is_configured &&
			     facts.is_here && second.begun != HA_FOUND_NONE);
		/* What has a process is never cleared, and only that listed. */
		assert_false(second.may_clear && facts.is_here);
		assert_false(second.must_list && !facts.is_here);
		assert_false(second.may_clear && facts.is_active);
		assert_int_equal(ha_found_is_process(second.begun),
				 second.begun != HA_FOUND_NONE &&
					 facts.is_here);
		if (facts.is_active && facts.other == HA_FOUND_UNLISTED) {
			assert_true(second.begun == HA_FOUND_NONE ||
				    second.begun == HA_FOUND_ORPHAN);
		}
	}
	assert_true(found > 20);
}

static void
names(void **state)
{
	(void)state;
	for (int i = 0; i < HA_FOUND_N; i++) {
		assert_int_equal(ha_found_kind_from(ha_found_kind_name(
					 (enum ha_found_kind)i)),
				 i);
	}
	assert_int_equal(ha_found_kind_from(""), HA_FOUND_N);
	assert_int_equal(ha_found_kind_from("hand"), HA_FOUND_N);
	assert_string_equal(ha_found_kind_name(HA_FOUND_N), "none");
}

static void
since(void **state)
{
	struct ha_found_facts facts = {
		.is_sure = true,
		.is_configured = true,
		.is_here = true,
		.entry = HA_FOUND_LISTED,
	};
	struct ha_found_memory memory = { .looks = 0 };

	(void)state;
	(void)ha_found_step(&memory, &facts, 100);
	(void)ha_found_step(&memory, &facts, 200);
	(void)ha_found_step(&memory, &facts, 300);
	assert_int_equal(memory.since_ms, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories),
		cmocka_unit_test(every_cell),
		cmocka_unit_test(names),
		cmocka_unit_test(since),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
