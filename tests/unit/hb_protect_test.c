/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list of a daemon that runs: written to every datastore, in
 * copies that take turns, never over the newest whole one; read back by
 * another, newest first; not written by one that is master no more. Real
 * files, real I/O, real threads.
 */
#include "hb_hosts.h"

#include "heartbeat/serve.h"

static struct hb *const A = &test_hb[0];
static struct hb *const B = &test_hb[1];
static struct hbs a, b;
static struct hbs_client client;

static void
be_master(struct hb *hb, uint64_t term)
{
	pthread_mutex_lock(&hb->lock);
	hb->master_term = term;
	pthread_mutex_unlock(&hb->lock);
}

static void
want(struct hbs *s, uint64_t term, uint32_t count, uint32_t order)
{
	struct ha_protected_list list = {
		.slot = s->hb->self,
		.term = term,
		.count = count,
		.vms = calloc(count + 1, sizeof(*list.vms)),
	};

	assert_non_null(list.vms);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(list.vms[i].resource, sizeof(list.vms[i].resource),
			 "vm%u", i);
		list.vms[i].order = order;
	}
	hbs_protect_want(s, &list);
	free(list.vms);
}

/* As main's loop does, until it is so. */
#define look_until(s, fact)                                         \
	do {                                                        \
		uint64_t end_ms = ha_clock_now_ms() + FAR_MS;       \
                                                                    \
		while (!(fact)) {                                   \
			hbs_protect_look(s, ha_clock_now_ms());     \
			ha_clock_sleep_ms(2, end_ms);               \
			if (ha_clock_left_ms(end_ms) == 0) {        \
				fail_msg("not in time: %s", #fact); \
			}                                           \
		}                                                   \
	} while (0)

static uint64_t
copy_at(const struct hb *hb, uint32_t copy)
{
	const struct ha_region *region = &hb->layout.protected_list;

	return region->first + copy * region->blocks / 2;
}

/* Generation of that copy, straight from the file; 0: no whole list. */
static uint64_t
copy_on(const struct hb *hb, uint32_t store, uint32_t copy)
{
	static uint8_t blocks[64u * HA_BLOCK];
	static struct ha_protected_vm vms[4096];
	struct ha_protected_list list = { .vms = vms };
	uint32_t n = (uint32_t)(hb->layout.protected_list.blocks / 2);

	assert_true(n <= 64);
	area_get(store, copy_at(hb, copy), blocks, n);
	return ha_protected_list_decode(&hb->sb, copy, blocks, n,
					N_ELEMENTS(vms), &list) == HA_BLOCK_OK ?
		       list.generation :
		       0;
}

static void
tear(const struct hb *hb, uint32_t store, uint32_t copy, uint32_t block)
{
	uint8_t bytes[HA_BLOCK];

	memset(bytes, 0x5a, sizeof(bytes));
	area_put(store, copy_at(hb, copy) + block, bytes, 1);
}

/* Reads it as "protected" does; what was read is the best. */
static void
read_all(struct hbs *s)
{
	struct hbs_wait *wait = &s->waits[0];

	wait->client = &client;
	wait->kind = HBS_WAIT_PROTECTED;
	wait->since_ms = ha_clock_now_ms();
	look_until(s, hbs_protect_count_read(s, wait->since_ms) == STORES &&
			      hbs_protect_is_best(s, wait->since_ms));
	wait->client = NULL;
}

static int
begin(void **state)
{
	(void)areas_make(state);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.hb = A;
	b.hb = B;
	host_joined(A, "alpha");
	return 0;
}

static void
drop(struct hbs *s)
{
	for (uint32_t i = 0; i < STORES; i++) {
		ha_disk_buffer_free(s->protect.areas[i].buffer);
	}
	free(s->protect.best.vms);
	free(s->protect.want.vms);
}

static void
copies_take_turns(void **state)
{
	(void)state;
	be_master(A, 5);
	for (uint64_t i = 1; i <= 4; i++) {
		want(&a, 5, (uint32_t)(30 + i), (uint32_t)i);
		look_until(&a, hbs_protect_count(&a, 5, i) == STORES);
		for (uint32_t k = 0; k < STORES; k++) {
			uint64_t one = copy_on(A, k, 0);
			uint64_t two = copy_on(A, k, 1);

			assert_true((one == i && two == i - 1) ||
				    (one == i - 1 && two == i));
		}
	}
	/* The same list again is not written again. */
	want(&a, 5, 34, 4);
	assert_true(a.protect.want.generation == 4);
	drop(&a);
	host_end(A);
}

static void
torn_write_shows_the_other(void **state)
{
	(void)state;
	be_master(A, 5);
	for (uint64_t i = 1; i <= 2; i++) {
		want(&a, 5, 60, (uint32_t)i);
		look_until(&a, hbs_protect_count(&a, 5, i) == STORES);
	}
	be_master(A, 0);
	/* The second block of the newest, everywhere. */
	for (uint32_t k = 0; k < STORES; k++) {
		tear(A, k, copy_on(A, k, 0) == 2 ? 0 : 1, 1);
	}
	host_joined(B, "beta");
	read_all(&b);
	assert_true(b.protect.best.term == 5 && b.protect.best.generation == 1);
	assert_int_equal(b.protect.best.count, 60);
	assert_int_equal(b.protect.best.vms[59].order, 1);
	/* The next master writes over the torn one, not over that. */
	be_master(B, 6);
	want(&b, 6, 10, 3);
	look_until(&b, hbs_protect_count(&b, 6, 1) == STORES);
	for (uint32_t k = 0; k < STORES; k++) {
		assert_true(copy_on(A, k, 0) == 1 && copy_on(A, k, 1) == 1);
	}
	read_all(&b);
	assert_true(b.protect.best.term == 6 && b.protect.best.count == 10);
	/* Both torn on one: the others tell. */
	tear(A, 0, 0, 0);
	tear(A, 0, 1, 0);
	read_all(&a);
	assert_true(a.protect.best.term == 6 && a.protect.best.count == 10);
	assert_true(a.protect.areas[0].term == 0);
	drop(&a);
	drop(&b);
	host_end(A);
	host_end(B);
}

/* Two writes of a master while another host reads: between the first block
 * and the whole copy it gets longer, within the same blocks. */
static void
list_that_grows_is_refused(void **state)
{
	static uint8_t longer[HA_BLOCK];
	const struct hbs_area *area = &b.protect.areas[0];
	struct ha_protected_list list;

	(void)state;
	assert_int_equal(ha_protected_list_blocks(1),
			 ha_protected_list_blocks(41));
	be_master(A, 5);
	want(&a, 5, 1, 1);
	look_until(&a, hbs_protect_count(&a, 5, 1) == STORES);
	assert_true(copy_on(A, 0, 0) == 1 && copy_on(A, 0, 1) == 0);
	want(&a, 5, 41, 2);
	list = a.protect.want;
	list.generation = 3;
	ha_protected_list_encode(&A->sb, &list, 0, longer);
	be_master(A, 0);
	host_joined(B, "beta");
	b.waits[0].client = &client;
	b.waits[0].kind = HBS_WAIT_PROTECTED;
	b.waits[0].since_ms = ha_clock_now_ms();
	look_until(&b, area->step == HBS_AREA_SECOND);
	area_put(0, copy_at(A, 0), longer, 1);
	look_until(&b,
		   hbs_protect_count_read(&b, b.waits[0].since_ms) == STORES);
	assert_true(area->term == 0);
	assert_true(b.protect.best.term == 5 && b.protect.best.count == 1);
	b.waits[0].client = NULL;
	read_all(&b);
	assert_true(area->generation == 3);
	assert_int_equal(b.protect.best.count, 41);
	drop(&a);
	drop(&b);
	host_end(A);
	host_end(B);
}

/* What was read once and is not there any more is not told. */
static void
blank_is_no_list(void **state)
{
	(void)state;
	read_all(&a);
	assert_true(a.protect.best.term == 0);
	be_master(A, 5);
	want(&a, 5, 36, 1);
	look_until(&a, hbs_protect_count(&a, 5, 1) == STORES);
	for (uint32_t k = 0; k < STORES; k++) {
		tear(A, k, 0, 0);
		tear(A, k, 1, 0);
	}
	be_master(A, 0);
	read_all(&a);
	assert_true(a.protect.best.term == 0 && a.protect.best.count == 0);
	drop(&a);
	host_end(A);
}

static void
former_master_writes_nothing(void **state)
{
	(void)state;
	host_joined(B, "beta");
	be_master(A, 5);
	want(&a, 5, 40, 1);
	look_until(&a, hbs_protect_count(&a, 5, 1) == STORES);
	be_master(B, 6);
	want(&b, 6, 20, 2);
	look_until(&b, hbs_protect_count(&b, 6, 1) == STORES);
	/* It does not know yet; it reads before it writes. */
	want(&a, 5, 41, 1);
	for (uint32_t i = 0; i < STORES; i++) {
		a.protect.areas[i].read_ms = 0;
	}
	look_until(&a, hbs_protect_is_past(&a, 5));
	/* And it knows. */
	be_master(A, 0);
	for (uint32_t i = 0; i < 50; i++) {
		hbs_protect_look(&a, ha_clock_now_ms());
		ha_clock_sleep_ms(2, ha_clock_now_ms() + FAR_MS);
	}
	assert_true(a.protect.want.term == 0);
	read_all(&b);
	assert_true(b.protect.best.term == 6 && b.protect.best.count == 20);
	drop(&a);
	drop(&b);
	host_end(A);
	host_end(B);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(copies_take_turns, begin),
		cmocka_unit_test_setup(torn_write_shows_the_other, begin),
		cmocka_unit_test_setup(list_that_grows_is_refused, begin),
		cmocka_unit_test_setup(blank_is_no_list, begin),
		cmocka_unit_test_setup(former_master_writes_nothing, begin),
	};

	(void)argc;
	(void)alarm(TEST_END_S);
	hosts_setup(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
