/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/watch: the scenario file, and a random walk: a host that keeps
 * the writer's rules, datastores that fail, lag and hang, and a reader that
 * must never call the host dead while its watchdog runs, yet finds it dead
 * when it is and r datastores can be read.
 */
#include <stdio.h>

#include "scn.h"

#include "ha/evidence.h"
#include "ha/watch.h"

#define SCENARIOS "tests/scenarios/watch.scn"
#define READ_MS 10u

static void
take_beat(const struct scn *scn, struct ha_glimpse *glimpse)
{
	char *end;

	glimpse->kind = HA_GLIMPSE_BEAT;
	glimpse->incarnation = strtoull(scn->word[3], &end, 10);
	assert_int_equal(*end, '.');
	glimpse->sequence = strtoull(end + 1, NULL, 10);
	glimpse->is_armed = scn_has(scn, "armed");
	glimpse->is_disarmed = scn_has(scn, "stopped");
	glimpse->is_standing_down = scn_has(scn, "standing-down");
	assert_true(glimpse->is_armed || glimpse->is_disarmed ||
		    glimpse->is_standing_down || scn_has(scn, "starting"));
	glimpse->list_count = (uint32_t)scn_number(scn, "list", 0);
}

static bool
take_what(const struct scn *scn, struct ha_watch *watch, uint32_t store,
	  struct ha_glimpse *shown)
{
	const char *what = scn->word[2];

	if (strcmp(what, "none") == 0) {
		return false;
	}
	if (strcmp(what, "forget") == 0) {
		ha_watch_forget(watch, store);
		return false;
	}
	if (strcmp(what, "again") == 0) {
		return true;
	}
	memset(shown, 0, sizeof(*shown));
	if (strcmp(what, "beat") == 0) {
		take_beat(scn, shown);
	} else if (strcmp(what, "unclaimed") == 0) {
		shown->kind = HA_GLIMPSE_UNCLAIMED;
	} else if (strcmp(what, "damaged") == 0) {
		shown->kind = HA_GLIMPSE_DAMAGED;
		shown->fingerprint = scn_number(scn, "print", 1);
	} else {
		assert_string_equal(what, "foreign");
		shown->kind = HA_GLIMPSE_FOREIGN;
	}
	return true;
}

static void
scenarios(void **state)
{
	const struct ha_timing *timing = ha_profile_timing(HA_PROFILE_STANDARD);
	struct ha_glimpse shown[HA_STORES_MAX];
	struct ha_watch watch;
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		struct ha_watch_verdict got;
		uint64_t at_ms;

		if (strcmp(scn.word[0], "case") == 0) {
			ha_watch_init(&watch,
				      (uint32_t)scn_number(&scn, "stores", 0));
			continue;
		}
		assert_int_equal(scn.word[0][0], '@');
		at_ms = strtoull(scn.word[0] + 1, NULL, 10);
		for (uint32_t i = 0; i < watch.stores; i++) {
			if (scn_in_list(scn.word[1], i) &&
			    take_what(&scn, &watch, i, &shown[i])) {
				ha_watch_read(&watch, i, &shown[i], at_ms,
					      at_ms + scn_number(&scn, "took",
								 READ_MS));
			}
		}
		if (!scn.wants) {
			continue;
		}
		got = ha_watch_judge(&watch, timing,
				     scn_number(&scn, "about", 0));
		scn_same(&scn, ha_proof_name(got.proof), scn.word[scn.wants]);
		scn_same_number(&scn, "until", got.until_ms);
		scn_same_number(&scn, "since", got.since_ms);
		scn_same_number(&scn, "due", got.due_ms);
		scn_same_number(&scn, "silent", got.silent);
	}
	assert_true(scn.checks >= 60);
}

static void
fresh(void **state)
{
	const uint64_t at_ms[3] = { 100, 0, 99 };

	(void)state;
	assert_true(ha_watch_fresh(at_ms, 3, 99));
	assert_false(ha_watch_fresh(at_ms, 3, 100));
	assert_false(ha_watch_fresh(at_ms, 3, 101));
	assert_true(ha_watch_fresh(at_ms, 1, 100));
	assert_false(ha_watch_fresh(at_ms, 2, 0)); /* 0: never read */
	assert_false(ha_watch_fresh(at_ms, 0, 0));
}

/* ---- the walk ---------------------------------------------------------- */

#define STEP_MS 50u
#define WALK_STEPS 4000u
#define WALKS 600u

struct pending {
	uint64_t submitted_ms;
	uint64_t applied_ms; /* 0: none on its way */
	uint64_t completed_ms;
	uint64_t sequence;
};

struct world {
	uint64_t random;
	const struct ha_timing *timing;
	uint32_t stores;
	uint64_t now_ms;
	/* the host */
	bool is_alive;
	bool is_frozen; /* does nothing, its watchdog counts on */
	uint64_t sequence, next_beat_ms, fires_ms;
	struct ha_evidence evidence;
	struct pending writes[HA_STORES_MAX];
	bool host_lost[HA_STORES_MAX];
	/* datastores and reader */
	uint64_t disk[HA_STORES_MAX];
	bool reader_lost[HA_STORES_MAX];
	struct pending reads[HA_STORES_MAX];
	struct ha_watch watch;
	unsigned int deaths_found;
};

static uint64_t
draw(struct world *world, uint64_t n)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return world->random % n;
}

static void
host_step(struct world *world)
{
	struct ha_pet_facts facts = { .has_storage = false };
	struct ha_pet pet;

	if (world->now_ms >= world->fires_ms) {
		world->is_alive = false;
	}
	if (!world->is_alive || world->is_frozen) {
		return;
	}
	if (world->now_ms >= world->next_beat_ms) {
		world->sequence++;
		world->next_beat_ms = world->now_ms + world->timing->beat_ms;
		for (uint32_t i = 0; i < world->stores; i++) {
			struct pending *write = &world->writes[i];

			if (write->applied_ms != 0 || world->host_lost[i]) {
				continue;
			}
			write->submitted_ms = world->now_ms;
			write->sequence = world->sequence;
			write->applied_ms = world->now_ms + draw(world, 1500);
			write->completed_ms =
				write->applied_ms + draw(world, 200);
		}
	}
	facts.has_storage =
		ha_evidence_stamp(&world->evidence, &facts.storage_ms);
	pet = ha_pet_judge(&facts, world->timing, world->now_ms);
	if (pet.kind != HA_EVIDENCE_NONE) {
		world->fires_ms = world->now_ms + world->timing->watchdog_ms;
	}
}

static void
disk_step(struct world *world, uint32_t i)
{
	struct pending *write = &world->writes[i];
	struct pending *read = &world->reads[i];

	if (write->applied_ms != 0 && world->now_ms >= write->applied_ms) {
		world->disk[i] = write->sequence;
	}
	if (write->applied_ms != 0 && world->now_ms >= write->completed_ms) {
		if (world->is_alive && !world->is_frozen) {
			(void)ha_evidence_written(
				&world->evidence, world->timing, i,
				write->submitted_ms, world->now_ms, 1, 1);
		}
		write->applied_ms = 0;
	}
	if (read->applied_ms != 0 && world->now_ms >= read->applied_ms &&
	    read->sequence == 0) {
		read->sequence = world->disk[i]; /* picked up now */
	}
	if (read->applied_ms != 0 && world->now_ms >= read->completed_ms) {
		struct ha_glimpse glimpse = { .kind = HA_GLIMPSE_BEAT,
					      .incarnation = 1,
					      .sequence = read->sequence,
					      .is_armed = true };

		ha_watch_read(&world->watch, i, &glimpse, read->submitted_ms,
			      world->now_ms);
		read->applied_ms = 0;
	}
	if (read->applied_ms == 0 && !world->reader_lost[i] &&
	    draw(world, 10) == 0) {
		read->submitted_ms = world->now_ms;
		read->sequence = 0;
		read->applied_ms = world->now_ms + draw(world, 400) + 1;
		read->completed_ms = read->applied_ms + draw(world, 400);
	}
}

static void
trouble(struct world *world)
{
	if (draw(world, 40) == 0) {
		uint32_t i = (uint32_t)draw(world, world->stores);

		world->host_lost[i] = draw(world, 3) == 0;
	}
	if (draw(world, 40) == 0) {
		uint32_t i = (uint32_t)draw(world, world->stores);

		world->reader_lost[i] = draw(world, 3) == 0;
	}
	if (draw(world, 100) == 0) {
		world->is_frozen = draw(world, 4) == 0;
	}
}

static void
walk_once(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	world->timing = ha_profile_timing(HA_PROFILE_STANDARD);
	world->stores = 1 + (uint32_t)draw(world, HA_STORES_MAX);
	world->now_ms = 1000;
	world->is_alive = true;
	world->fires_ms = world->now_ms + world->timing->watchdog_ms;
	ha_evidence_init(&world->evidence, world->stores);
	ha_watch_init(&world->watch, world->stores);
	for (uint32_t i = 0; i < world->stores; i++) {
		world->disk[i] = 1;
	}
	world->sequence = 1;
	for (unsigned int step = 0; step < WALK_STEPS; step++) {
		struct ha_watch_verdict verdict;

		world->now_ms += STEP_MS;
		trouble(world);
		host_step(world);
		for (uint32_t i = 0; i < world->stores; i++) {
			disk_step(world, i);
		}
		verdict = ha_watch_judge(&world->watch, world->timing, 0);
		if (verdict.proof == HA_PROOF_SILENT) {
			if (world->is_alive) {
				fail_msg("seed %llu: alive at %llu, called "
					 "dead until %llu",
					 (unsigned long long)seed,
					 (unsigned long long)world->now_ms,
					 (unsigned long long)verdict.until_ms);
			}
			world->deaths_found++;
			return;
		}
	}
}

static void
never_dead_while_alive(void **state)
{
	struct world world;
	unsigned int found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++) {
		walk_once(&world, seed);
		found += world.deaths_found;
	}
	/* A walk in which nobody dies, or nobody sees it, tests nothing. */
	assert_true(found > WALKS / 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(fresh),
		cmocka_unit_test(never_dead_while_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
