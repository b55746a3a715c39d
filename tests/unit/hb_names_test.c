/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots that change their names while a daemon runs: a name that nobody ever
 * beat under was a mistake and is corrected; a slot with a history keeps its
 * name. Neither may cost a running host its datastores.
 */
#include "hb_hosts.h"

static struct hb *const A = &test_hb[0];

static int
host_begin(void **state)
{
	(void)areas_make(state);
	host_joined(A, HOST_NAMES[0]);
	return 0;
}

static int
host_done(void **state)
{
	(void)state;
	host_end(A);
	return 0;
}

static void
tables_put(uint32_t slot, const char *name)
{
	struct ha_slot_table table = { { "alpha", "beta", "gamma" } };
	uint8_t *blocks = calloc(A->layout.table.blocks, HA_BLOCK);

	assert_non_null(blocks);
	memset(table.names[slot], 0, sizeof(table.names[slot]));
	snprintf(table.names[slot], sizeof(table.names[slot]), "%s", name);
	for (uint32_t i = 0; i < STORES; i++) {
		struct ha_superblock sb = area_superblock(i);

		ha_slot_table_encode(&sb, &table, blocks);
		area_put(i, A->layout.table.first, blocks,
			 A->layout.table.blocks);
	}
	free(blocks);
}

/* As after errors on all paths: every datastore must prove itself again. */
static void
reopen_all(void)
{
	size_t count = (size_t)A->layout.total_blocks;
	uint8_t *saved = malloc(count * HA_BLOCK);

	assert_non_null(saved);
	for (uint32_t i = 0; i < STORES; i++) {
		area_get(i, 0, saved, count);
		assert_int_equal(truncate(test_file[i], 0), 0);
		wait_for(A, !A->views[i].is_open);
		assert_int_equal(
			truncate(test_file[i], (off_t)(count * HA_BLOCK)), 0);
		area_put(i, 0, saved, count);
		wait_for(A, A->views[i].is_working);
	}
	free(saved);
}

static void
unused_name_is_corrected(void **state)
{
	(void)state;
	tables_put(1, "betty");
	wait_for(A, strcmp(A->table.names[1], "betty") == 0);
	reopen_all();
	assert_string_equal(A->table.names[1], "betty");
}

static void
used_name_stays(void **state)
{
	(void)state;
	tables_put(0, "omega");
	wait_for(A, A->views[0].beats > 5);
	assert_string_equal(A->table.names[0], "alpha");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, host_begin, host_done)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(unused_name_is_corrected),
		CASE(used_name_stays),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
