/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: a host has left and is not proven dead, and a fence
 * device that knows nothing of order may switch it off at any moment. Those
 * that have to wait lose their tickets before; nothing is granted before the
 * proof; and order outlasts starts that were too early.
 */
#include "waits_scene.h"

#define TWO                                                                  \
	{                                                                    \
		ON_H2("low", PRIORITY("low")), ON_H2("db", PRIORITY("high")) \
	}

static void
h2_leaves(struct scene *s)
{
	s->is_h2_away = true;
	s->is_h2_out = true;
}

static void
h2_is_proven_dead(struct scene *s)
{
	s->is_h2_away = s->is_h2_out = s->is_h2_fenced = false;
	s->is_h2_dead = true;
}

/* Order is judged before the proof, and low's ticket is revoked. */
static void
low_waits(struct scene *s)
{
	look(s, T0);
	h2_leaves(s);
	look(s, T0 + 100);
	s->vms[0].ticket = 0;
}

static void
assert_foreseen(const struct scene *s, const char *id)
{
	assert_true(row(s, id)->is_foreseen);
	assert_false(row(s, id)->verdict.is_granted);
}

static void
assert_ticket(const struct scene *s, const char *id, const char *words)
{
	char *text = fdm_ticket_text(row(s, id), 1);

	if (!strstr(text, words)) {
		fail_msg("\"%s\" is not in %s", words, text);
	}
	g_free(text);
}

static void
later_waves_lose_their_tickets(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	look(&s, T0);
	assert_false(row(&s, "low")->is_foreseen);
	h2_leaves(&s);
	look(&s, T0 + 100);
	assert_foreseen(&s, "db");
	assert_foreseen(&s, "low");
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_false(row(&s, "db")->waits);
	/* Whoever writes it all the same does not grant it. */
	assert_false(fdm_row_is_granted(row(&s, "db")));
	assert_ticket(&s, "db", "granted=\"false\" vmha-state=\"held\"");
	assert_true(fdm_ticket_differs(row(&s, "low"), 1));
	assert_ticket(&s, "low",
		      "granted=\"false\" vmha-state=\"waiting\" "
		      "vmha-reason=\"waits-for-priority\" "
		      "vmha-owner=\"\"");
	assert_text(&s, "low", T0 + 100, "waits for priority high: db");
	/* The proof changes nothing of what was written. */
	s.vms[0].ticket = 0;
	h2_is_proven_dead(&s);
	look(&s, T0 + 8000);
	assert_false(row(&s, "low")->is_foreseen);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_granted(&s, "db", 1);
	comes_up(&s.vms[1]);
	look(&s, T0 + 9000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* Pacemaker takes it for fenced, the lists do not: each start is refused until
 * its silence is proven. That is no attempt and no lack of room. */
static void
starts_before_the_proof(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	low_waits(&s);
	s.is_h2_fenced = true;
	s.is_h2_out = false;
	s.vms[1].at = "h1";
	s.vms[1].past = REFUSED;
	look(&s, T0 + 500);
	assert_true(row(&s, "db")->vm->was_refused);
	look(&s, T0 + 30000);
	assert_foreseen(&s, "db");
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	h2_is_proven_dead(&s);
	look(&s, T0 + 30500);
	look(&s, T0 + 30000 + FDM_NO_ROOM_MS + FDM_REFUSED_MS - 1);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	/* Its failures are cleared, and Pacemaker goes on. */
	s.vms[1].at = "h3";
	s.vms[1].past = STARTS;
	look(&s, T0 + 50000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	comes_up(&s.vms[1]);
	look(&s, T0 + 51000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* Refused for good: it holds up nobody for ever. */
static void
refused_for_good(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	low_waits(&s);
	s.vms[1].at = "h1";
	s.vms[1].past = REFUSED;
	h2_is_proven_dead(&s);
	look(&s, T0 + 1000);
	look(&s, T0 + 1000 + FDM_NO_ROOM_MS + FDM_REFUSED_MS);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
without_order_nothing_is_written(void **state)
{
	struct scene s = { .vms = { ON_H2("a", ""), ON_H2("b", "") } };

	(void)state;
	look(&s, T0);
	h2_leaves(&s);
	look(&s, T0 + 100);
	assert_false(row(&s, "a")->is_foreseen);
	assert_false(row(&s, "b")->is_foreseen);
	assert_false(row(&s, "a")->waits || row(&s, "b")->waits);
	end(&s);
}

/* SAFETY 20: this side may be the one that is cut off. */
static void
without_quorum_nobody_waits(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	look(&s, T0);
	s.is_h2_lost = true;
	look(&s, T0 + 100);
	assert_false(row(&s, "low")->is_foreseen);
	assert_false(row(&s, "low")->waits);
	end(&s);
}

/* SAFETY 21: it was away for a moment. What runs there gets its ticket back,
 * and was never restarted. */
static void
it_comes_back(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	low_waits(&s);
	s.is_h2_away = s.is_h2_out = false;
	look(&s, T0 + 600);
	assert_granted(&s, "low", 0);
	assert_granted(&s, "db", 0);
	assert_true(fdm_ticket_differs(row(&s, "low"), 1));
	assert_ticket(&s, "low", "granted=\"true\"");
	end(&s);
}

/* It lives on, cut off: what waited is held, and no longer anybody's turn. */
static void
it_is_held(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	low_waits(&s);
	s.is_h2_held = true;
	look(&s, T0 + 2000);
	assert_true(fdm_row_is_bound(row(&s, "low")));
	assert_false(row(&s, "low")->waits);
	assert_true(fdm_ticket_differs(row(&s, "low"), 1));
	assert_ticket(&s, "low",
		      "granted=\"false\" vmha-state=\"held\" "
		      "vmha-reason=\"held\" vmha-owner=\"h2\"");
	assert_ticket(&s, "db", "vmha-state=\"held\"");
	end(&s);
}

/* The master died with it: the next one reads the same from the tickets. */
static void
a_new_master_goes_on(void **state)
{
	struct scene s = { .vms = TWO };

	(void)state;
	h2_leaves(&s);
	s.vms[0].ticket = 0;
	look(&s, T0);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_false(row(&s, "db")->waits);
	h2_is_proven_dead(&s);
	look(&s, T0 + 5000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_granted(&s, "db", 1);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_waves_lose_their_tickets),
		cmocka_unit_test(starts_before_the_proof),
		cmocka_unit_test(refused_for_good),
		cmocka_unit_test(without_order_nothing_is_written),
		cmocka_unit_test(without_quorum_nobody_waits),
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(it_is_held),
		cmocka_unit_test(a_new_master_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
