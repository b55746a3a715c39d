/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/duty: when the VMs of a host that is away are held. What
 * duty.c would send to others is faked, and must not be sent here.
 */
#include "../unit/unit.h"

#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define T0 100000u
#define SILENCE_MS 6000u

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
fdm_worker_ask(struct fdm_worker *worker, json_t *request, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	(void)worker;
	(void)request;
	(void)budget_ms;
	(void)done;
	(void)data;
	fail_msg("heartbeatd is asked");
}

void
fdm_child_run(struct fdm *one, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *one, bool is_good))
{
	(void)one;
	(void)argv;
	(void)limit_ms;
	(void)what;
	(void)done;
	fail_msg("a program is run");
}

/* One host that is no member since T0. */
static void
holds(void **state)
{
	struct fdm_snap snap = { .silence_ms = SILENCE_MS };
	struct fdm fdm = { .snap = &snap };
	struct fdm_host *host;
	uint64_t late_ms = T0 + SILENCE_MS + FDM_AWAY_GRACE_MS;

	(void)state;
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	g_array_set_size(snap.hosts, 1);
	host = &g_array_index(snap.hosts, struct fdm_host, 0);
	g_strlcpy(host->name, "h2", sizeof(host->name));
	fdm.away =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	fdm_duty_away(&fdm, T0);
	/* It has just died: its last beat is not old yet. A hold would cost
	 * each of its VMs two writes of its ticket. */
	host->is_fresh = true;
	assert_false(fdm_duty_may_hold(&fdm, host, T0));
	host->is_fresh = false;
	assert_false(fdm_duty_may_hold(&fdm, host, T0 + 3000));
	assert_false(fdm_duty_may_hold(&fdm, host, late_ms - 1));
	/* Neither dead nor alive, for too long. */
	assert_true(fdm_duty_may_hold(&fdm, host, late_ms));
	host->is_fresh = true;
	assert_true(fdm_duty_may_hold(&fdm, host, late_ms));
	/* It lives, cut off, and waits to be held. */
	host->is_sealed = true;
	assert_true(fdm_duty_may_hold(&fdm, host, T0));
	/* An old seal says nothing about now. */
	host->is_fresh = false;
	assert_false(fdm_duty_may_hold(&fdm, host, T0));
	g_hash_table_destroy(fdm.away);
	g_array_unref(snap.hosts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
