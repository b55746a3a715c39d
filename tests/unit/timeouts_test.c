/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inequalities of docs/TIMEOUTS.md: the steps of an action fit into its
 * timeout, with the reserve that the runtime keeps for its own exit; and the
 * page names every number with its value.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "VirtualMachine/timeouts.h"
#include "ha/hypervisor.h"

#define PAGE "docs/TIMEOUTS.md"
/* agents/runtime keeps min(10 %, 2 s) of each timeout for the exit. */
#define RUNTIME_RESERVE_MS 2000
/* A SIGKILL'ed QEMU of 1 TiB gives its memory back at about 1 GiB in 10 ms. */
#define KILL_MS 5000

static void
stop_fits(void **state)
{
	(void)state;
	assert_true(VM_QMP_MS + VM_QUIT_MS + VM_TERM_MS + VM_ENDED_MS +
			    KILL_MS <=
		    VM_FORCE_RESERVE_MS);
	assert_true(VM_FORCE_RESERVE_MS * 3 <= VM_STOP_TIMEOUT_S * 1000);
	assert_true(VM_CONFIG_MS + VM_QMP_MS + VM_LIBVIRT_MS + VM_AGENT_ASK_MS +
			    VM_FORCE_RESERVE_MS + RUNTIME_RESERVE_MS <
		    VM_STOP_TIMEOUT_S * 1000);
}

static void
start_fits(void **state)
{
	(void)state;
	/* Undoing: QEMU is at its firmware at most, quit suffices. */
	assert_true(VM_QMP_MS + VM_QUIT_MS <= VM_START_RESERVE_MS);
	assert_true(2 * VM_CONFIG_MS + VM_LIBVIRT_MS + VM_START_RESERVE_MS +
			    RUNTIME_RESERVE_MS <
		    VM_START_TIMEOUT_S * 1000 / 2);
}

static void
monitor_fits(void **state)
{
	(void)state;
	/* The worst monitor: no record, config hangs, a QEMU in its exit,
	 * QEMU silent, libvirt silent. */
	assert_true(VM_CONFIG_MS + VM_DYING_MS + VM_QMP_MS + VM_QMP_AGAIN_MS +
			    VM_LIBVIRT_MS + VM_LISTING_MS + RUNTIME_RESERVE_MS <
		    VM_MONITOR_TIMEOUT_S * 1000);
	assert_true(VM_QMP_MS + VM_QMP_AGAIN_MS + VM_LIBVIRT_MS +
			    VM_LISTING_MS <
		    VM_MONITOR_INTERVAL_S * 1000);
}

static void
migration_fits(void **state)
{
	(void)state;
	assert_true(HA_HV_ABORT_WAIT_MS + 2 * VM_QMP_MS + RUNTIME_RESERVE_MS <
		    VM_MIGRATE_TO_TIMEOUT_S * 1000 / 4);
	assert_true(VM_QMP_MS + RUNTIME_RESERVE_MS <
		    VM_MIGRATE_FROM_TIMEOUT_S * 1000);
}

/* A number in the page that is not the one in the code is worse than none. */
static void
page_is_true(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} ROWS[] = {
#define MS(name) { "| `" #name "` |", NULL }
		MS(VM_QMP_MS),           MS(VM_LIBVIRT_MS),
		MS(VM_CONFIG_MS),        MS(VM_DYING_MS),
		MS(VM_QUIT_MS),          MS(VM_TERM_MS),
		MS(VM_FORCE_RESERVE_MS), MS(VM_AGENT_ASK_MS),
		MS(VM_START_RESERVE_MS), MS(VM_MIGRATE_PAUSE_MS),
		MS(VM_MIGRATE_STALL_MS), MS(VM_BUTTON_MS),
		MS(VM_PEER_MS),          MS(VM_QMP_AGAIN_MS),
		MS(VM_POLL_MS),          MS(VM_LISTING_MS),
		MS(VM_ENDED_MS),
#undef MS
	};
	static const unsigned int VALUES[] = {
		VM_QMP_MS,           VM_LIBVIRT_MS,       VM_CONFIG_MS,
		VM_DYING_MS,         VM_QUIT_MS,          VM_TERM_MS,
		VM_FORCE_RESERVE_MS, VM_AGENT_ASK_MS,     VM_START_RESERVE_MS,
		VM_MIGRATE_PAUSE_MS, VM_MIGRATE_STALL_MS, VM_BUTTON_MS,
		VM_PEER_MS,          VM_QMP_AGAIN_MS,     VM_POLL_MS,
		VM_LISTING_MS,       VM_ENDED_MS,
	};
	static char page[65536];
	FILE *f = fopen(PAGE, "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	page[n] = '\0';
	for (size_t i = 0; i < N_ELEMENTS(ROWS); i++) {
		const char *row = strstr(page, ROWS[i].name);
		char want[32];

		if (!row) {
			fail_msg("%s has no row for %s", PAGE, ROWS[i].name);
		}
		snprintf(want, sizeof(want), "| %u ms |", VALUES[i]);
		if (!strstr(row, want) ||
		    strchr(row, '\n') < strstr(row, want)) {
			fail_msg("%s: the row of %s does not say %s", PAGE,
				 ROWS[i].name, want);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_fits),
		cmocka_unit_test(start_fits),
		cmocka_unit_test(monitor_fits),
		cmocka_unit_test(migration_fits),
		cmocka_unit_test(page_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
