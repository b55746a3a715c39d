/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sequence a beat takes: readers follow the highest one to the VM list
 * (SAFETY 14), so along the sequences of a host the list generations never
 * fall, however its datastores overtake each other.
 */
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "heartbeat/store.h"

#define STORES 3u
#define VMS 4u
#define STEPS 20000u
#define KEPT 4096u

static struct hb hb;
static struct hb_store stores[STORES];
static struct ha_listed_vm own_vms[STORES][VMS];
static struct ha_listed_vm vms[VMS];

static int
begin(void **state)
{
	(void)state;
	memset(&hb, 0, sizeof(hb));
	memset(stores, 0, sizeof(stores));
	hb.conf.stores = STORES;
	hb.sb.stores = STORES;
	hb.sb.slots = 1;
	hb.sb.vms = VMS;
	hb.incarnation = 1;
	hb.is_claimed = true;
	hb.list.vms = vms;
	snprintf(hb.table.names[0], sizeof(hb.table.names[0]), "alpha");
	for (uint32_t i = 0; i < STORES; i++) {
		stores[i].hb = &hb;
		stores[i].index = i;
		stores[i].own_vms = own_vms[i];
		hb.stores[i] = &stores[i];
	}
	return 0;
}

/* What store.c does when the write of the list has ended. */
static void
list_written(struct hb_store *st)
{
	st->list = st->going;
	st->is_beat_next = true;
}

static struct ha_beat
beat_of(struct hb_store *st)
{
	struct ha_beat beat;

	st->is_beat_next = false;
	hb_beat_assemble(st, &beat);
	return beat;
}

/* The older list hung on its way to one datastore, while the newer one was
 * flushed on the two others. */
static void
late_list_does_not_hide_a_newer_one(void **state)
{
	struct ha_beat old;
	struct ha_beat new;

	(void)state;
	hb.list.generation = 5;
	hb_list_take(&stores[0]);
	hb.list.generation = 6;
	hb.list.count = 1;
	hb_list_take(&stores[1]);
	list_written(&stores[1]);
	new = beat_of(&stores[1]);
	assert_int_equal(new.list_generation, 6);
	assert_int_equal(new.list_count, 1);
	list_written(&stores[0]);
	old = beat_of(&stores[0]);
	assert_int_equal(old.list_generation, 5);
	assert_true(old.sequence < new.sequence);
	/* And once it has caught up, it leads again. */
	hb_list_take(&stores[0]);
	list_written(&stores[0]);
	old = beat_of(&stores[0]);
	assert_int_equal(old.list_generation, 6);
	assert_true(old.sequence > new.sequence);
}

static uint32_t
next_random(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* Lists change and writes end in any order; the writer's steps are those of
 * write_step() in store.c. */
static void
generations_never_fall_along_the_sequences(void **state)
{
	static uint64_t generation_of[KEPT];
	static uint32_t on_store[KEPT];
	bool is_list_going[STORES] = { false };
	uint64_t last[STORES] = { 0 };
	uint64_t before = 0;

	(void)state;
	memset(generation_of, 0xff, sizeof(generation_of));
	for (uint32_t i = 0; i < STEPS && hb.sequence + 2 < KEPT; i++) {
		struct hb_store *st = &stores[next_random() % STORES];
		struct ha_beat beat;

		if (next_random() % 4 == 0) {
			hb.list.generation++;
		}
		if (is_list_going[st->index]) {
			is_list_going[st->index] = false;
			list_written(st);
			continue;
		}
		if (!st->is_beat_next && hb_list_is_behind(st)) {
			hb_list_take(st);
			is_list_going[st->index] = true;
			continue;
		}
		beat = beat_of(st);
		/* Never twice, and always forward on one datastore. */
		assert_int_equal(generation_of[beat.sequence], UINT64_MAX);
		assert_true(beat.sequence > last[st->index]);
		last[st->index] = beat.sequence;
		generation_of[beat.sequence] = beat.list_generation;
		on_store[beat.sequence] = st->index;
	}
	assert_true(last[0] > KEPT / 4 && last[1] > KEPT / 4);
	for (uint32_t i = 0; i < KEPT; i++) {
		if (generation_of[i] == UINT64_MAX) {
			continue;
		}
		if (generation_of[i] < before) {
			fail_msg("sequence %u on datastore %u names list %llu "
				 "after list %llu",
				 i, on_store[i],
				 (unsigned long long)generation_of[i],
				 (unsigned long long)before);
		}
		before = generation_of[i];
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(late_list_does_not_hide_a_newer_one,
				       begin),
		cmocka_unit_test_setup(
			generations_never_fall_along_the_sequences, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
