/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/ended: an agent that has stopped what was left of a VM
 * asks whether it has to wait. The CIB is faked: which ticket is revoked, and
 * what the agent hears, is what is tested. When a crash counts, and for how
 * long it makes wait: tests/unit/waits_crash_test.c.
 */
#include "fakes.h"

#include <errno.h>

#include "../unit/waits_scene.h"
#include "ha/clock.h"

#define AGENT 7u
#define OTHER 8u
#define ATTEMPTS 5       /* restart_attempts, by default */
#define RETRY_MS 120000u /* the first of restart_retry_waits */
/* Its monitor found it gone, its stop is under way. */
#define DYING DIED("30") OP("x_stop_0", "stop", "-1", "193", "-1")
/* The second time: the ticket says that its first attempt was after a crash. */
#define CRASHED                                                         \
	{                                                               \
		.id = "a", .ticket = 1, .attempt = 1, .is_crash = true, \
		.past = DYING, .listed_at = "h1", .listed = "running"   \
	}

static struct scene s;
static struct fdm fdm;

/* A new copy and a new snapshot: this is h1, and h3 is master. */
static void
see(void)
{
	struct fdm_host *master;

	look(&s, ha_clock_now_ms());
	s.snap.is_quorate = true;
	g_strlcpy(s.snap.self, "h1", sizeof(s.snap.self));
	master = &g_array_index(s.snap.hosts, struct fdm_host, 2);
	master->is_master = master->is_fresh = true;
	master->term = 9;
	fdm.facts = s.facts;
	fdm.snap = &s.snap;
	fdm.rows = s.rows;
	fdm.restart = s.restart;
}

static void
begin(struct vm vm)
{
	memset(&s, 0, sizeof(s));
	memset(&fdm, 0, sizeof(fdm));
	s.vms[0] = vm;
	fdm.protect = fdm_protect_new();
	fdm.ends = g_ptr_array_new_with_free_func(g_free);
	fake_begin(FAKE_CIB);
	see();
}

static void
finish(void)
{
	g_ptr_array_unref(fdm.ends);
	fdm_protect_free(fdm.protect);
	end(&s);
	fake_end();
}

static struct fdm_vm *
vm(void)
{
	return &g_array_index(s.facts->vms, struct fdm_vm, 0);
}

static struct fdm_row *
the_row(void)
{
	return &g_array_index(s.rows, struct fdm_row, 0);
}

static void
ask(uint32_t client, bool is_gone)
{
	json_t *request =
		json_pack("{s:s, s:b}", "resource", "a", "gone", is_gone);

	assert_null(fdm_op_ended(&fdm, client, request));
	json_decref(request);
}

static void
assert_told(uint32_t answers, uint32_t client, int kept)
{
	assert_int_equal(fake.answers, answers);
	assert_int_equal(fake.client, client);
	assert_true(json_is_true(json_object_get(fake.answer, "ok")));
	assert_int_equal(
		json_integer_value(json_object_get(fake.answer, "kept")), kept);
}

static void
assert_revokes(void)
{
	assert_int_equal(fake.updates, 1);
	assert_non_null(strstr(fake.update, "id=\"vmha-a\" granted=\"false\" "
					    "vmha-state=\"waiting\" "
					    "vmha-reason=\"waits-for-retry\""));
	assert_non_null(strstr(fake.update, "vmha-term=\"9\""));
}

/* It may start: said at once, and nothing is written. */
static void
assert_may_start(const char *what)
{
	ask(AGENT, true);
	if (fake.updates != 0 || fake.answers != 1) {
		fail_msg("%s: %u updates, %u answers", what, fake.updates,
			 fake.answers);
	}
	assert_told(1, AGENT, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
}

/* ---- a crash ----------------------------------------------------------------- */

static void
the_next_crash_waits(void **state)
{
	(void)state;
	begin((struct vm)CRASHED);
	ask(AGENT, true);
	assert_revokes();
	/* The answer is the CIB's, however long that takes. */
	fdm_ended_tick(&fdm, ha_clock_now_ms() + 2 * FDM_BACK_MS);
	assert_int_equal(fake.answers, 0);
	assert_int_equal(fake.updates, 1);
	fake.written(fake.written_data, 0, "");
	assert_told(1, AGENT, 1);
	fdm_ended_tick(&fdm, ha_clock_now_ms() + 2 * FDM_BACK_MS);
	assert_int_equal(fake.answers, 1);
	assert_int_equal(fdm.ends->len, 0);
	finish();
}

static void
what_could_not_be_written_may_start(void **state)
{
	(void)state;
	begin((struct vm)CRASHED);
	ask(AGENT, true);
	fake.written(fake.written_data, -ENOTCONN, "the CIB is away");
	assert_told(1, AGENT, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
}

/* It is judged as if it were off the list, on rows of its own: those of the
 * daemon stay as they are. */
static void
the_rows_stay(void **state)
{
	(void)state;
	begin((struct vm)CRASHED);
	ask(AGENT, true);
	assert_true(the_row()->is_listed_here);
	assert_false(the_row()->waits);
	assert_null(fdm.restart->ending);
	finish();
}

/* Who stops it was faster than the news of its crash. */
static void
news_may_come_late(void **state)
{
	struct vm one = CRASHED;
	uint64_t before_ms, after_ms;

	(void)state;
	one.past = UP;
	begin(one);
	before_ms = ha_clock_now_ms();
	ask(AGENT, true);
	fdm_ended_tick(&fdm, before_ms + FDM_BACK_MS - 1);
	assert_int_equal(fake.answers, 0);
	s.vms[0].past = DYING;
	see();
	fdm_ended_tick(&fdm, before_ms + FDM_BACK_MS - 1);
	assert_revokes();
	fake.written(fake.written_data, 0, "");
	assert_told(1, AGENT, 1);
	finish();
	/* Or do not come at all. */
	begin(one);
	before_ms = ha_clock_now_ms();
	ask(AGENT, true);
	after_ms = ha_clock_now_ms();
	fdm_ended_tick(&fdm, before_ms + FDM_BACK_MS - 1);
	assert_int_equal(fake.answers, 0);
	fdm_ended_tick(&fdm, after_ms + FDM_BACK_MS);
	assert_int_equal(fake.updates, 0);
	assert_told(1, AGENT, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
	/* It ran until it was stopped: no crash to hear of. */
	begin(one);
	ask(AGENT, false);
	assert_told(1, AGENT, 0);
	finish();
}

/* ---- what is no crash, or is not this host's alone ------------------------------- */

static void
what_is_not_ours_alone_may_start(void **state)
{
	(void)state;
	begin((struct vm)CRASHED);
	vm()->is_managed = false;
	assert_may_start("unmanaged");
	begin((struct vm)CRASHED);
	vm()->is_wanted = false;
	assert_may_start("stopped by its user");
	begin((struct vm)CRASHED);
	vm()->ticket.is_there = false;
	assert_may_start("without a ticket");
	begin((struct vm)CRASHED);
	vm()->ticket.is_granted = false;
	assert_may_start("not granted");
	begin((struct vm)CRASHED);
	the_row()->gate = HA_PROTECT_POWERED_OFF;
	assert_may_start("powered off");
	begin((struct vm)CRASHED);
	vm()->busy_nodes |= UINT64_C(1) << 2;
	assert_may_start("under way on h3");
	begin((struct vm)CRASHED);
	vm()->up_nodes |= UINT64_C(1) << 2;
	assert_may_start("up on h3");
	begin((struct vm)CRASHED);
	g_strlcpy(s.snap.self, "h3", sizeof(s.snap.self));
	assert_may_start("another host's");
	begin((struct vm)CRASHED);
	g_strlcpy(s.snap.self, "h9", sizeof(s.snap.self));
	assert_may_start("a host that the CIB does not know");
	begin((struct vm)CRASHED);
	g_array_set_size(s.rows, 0);
	assert_may_start("without a gate");
	/* On another host's list, which binds it; or not free yet. */
	begin((struct vm)CRASHED);
	the_row()->verdict.is_granted = false;
	the_row()->verdict.why = HA_TICKET_OWNED;
	the_row()->is_listed_here = false;
	assert_may_start("bound");
	begin((struct vm)CRASHED);
	the_row()->verdict.why = HA_TICKET_FREE;
	assert_true(the_row()->is_listed_here);
	assert_may_start("listed, and does not run");
}

static void
after_the_last_attempt_it_is_given_up(void **state)
{
	struct vm one = CRASHED;

	(void)state;
	one.attempt = ATTEMPTS;
	begin(one);
	ask(AGENT, true);
	assert_int_equal(fake.updates, 1);
	assert_non_null(strstr(fake.update, "vmha-reason=\"given-up\""));
	finish();
}

static void
whose_wait_is_over_may_start(void **state)
{
	struct vm one = CRASHED;

	(void)state;
	one.past = UP;
	begin(one);
	ask(AGENT, true);
	s.vms[0].past = DYING;
	see();
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	fdm_ended_tick(&fdm, ha_clock_now_ms() + RETRY_MS);
	assert_int_equal(fake.updates, 0);
	assert_told(1, AGENT, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
}

/* Off the list before anybody asks: it is ours, and waits. */
static void
what_is_off_the_list_waits_too(void **state)
{
	struct vm one = CRASHED;

	(void)state;
	one.listed = NULL;
	begin(one);
	assert_false(the_row()->is_listed_here);
	ask(AGENT, true);
	assert_revokes();
	finish();
}

static void
in_doubt_it_may_start(void **state)
{
	(void)state;
	begin((struct vm)CRASHED);
	fake.is_snap_old = true;
	assert_may_start("heartbeatd is away");
	begin((struct vm)CRASHED);
	s.snap.is_quorate = false;
	assert_may_start("no quorum");
	begin((struct vm)CRASHED);
	s.facts->have_quorum = false;
	assert_may_start("Pacemaker has no quorum");
	begin((struct vm)CRASHED);
	fdm.rows = NULL;
	assert_may_start("nothing is judged yet");
	begin((struct vm)CRASHED);
	fdm.facts = NULL;
	assert_may_start("no CIB");
	begin((struct vm)CRASHED);
	g_array_index(s.snap.hosts, struct fdm_host, 2).is_master = false;
	assert_may_start("no master");
}

static void
the_first_crash_may_start(void **state)
{
	struct vm one = CRASHED;

	(void)state;
	one.attempt = 0;
	one.is_crash = false;
	one.past = UP;
	begin(one);
	s.vms[0].past = DYING;
	see();
	assert_may_start("first crash");
	/* Nobody has heard of it. */
	begin((struct vm){ .id = "b", .ticket = 1 });
	assert_may_start("no such VM");
}

static void
a_request_must_name_it(void **state)
{
	static const char *const REQUESTS[] = {
		"{}",
		"{\"resource\":\"\"}",
		"{\"resource\":3}",
	};
	char name[HA_RESOURCE_NAME + 1];
	json_t *request, *answer;

	(void)state;
	begin((struct vm)CRASHED);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i <= N_ELEMENTS(REQUESTS); i++) {
		request = i < N_ELEMENTS(REQUESTS) ?
				  json_loads(REQUESTS[i], 0, NULL) :
				  json_pack("{s:s}", "resource", name);
		answer = fdm_op_ended(&fdm, AGENT, request);
		assert_true(json_is_false(json_object_get(answer, "ok")));
		assert_int_equal(
			json_integer_value(json_object_get(answer, "errno")),
			EINVAL);
		assert_int_equal(fdm.ends->len, 0);
		json_decref(answer);
		json_decref(request);
	}
	assert_int_equal(fake.answers, 0);
	finish();
}

/* ---- its user stops it, and starts it again -------------------------------- */

#define STOPPING UP OP("x_stop_0", "stop", "-1", "193", "-1")

/* a runs and needs b, which is down. */
static void
begin_dependent(void)
{
	begin((struct vm){ .id = "a",
			   .params = PAIR("restart_depends", "b"),
			   .ticket = 1,
			   .past = UP,
			   .listed_at = "h1",
			   .listed = "running" });
	s.vms[1] = (struct vm){ .id = "b", .ticket = 1, .past = OFF };
	see();
}

static void
assert_keeps_for(const char *reason)
{
	char want[128];

	assert_int_equal(fake.updates, 1);
	(void)snprintf(want, sizeof(want),
		       "id=\"vmha-a\" granted=\"false\" vmha-state=\"waiting\" "
		       "vmha-reason=\"%s\"",
		       reason);
	assert_non_null(strstr(fake.update, want));
	fake.written(fake.written_data, 0, "");
	assert_told(1, AGENT, 1);
	finish();
}

static void
stop(const char *role)
{
	s.vms[0].role = role;
	s.vms[0].past = STOPPING;
	see();
	ask(AGENT, false);
}

static void
a_start_during_the_stop_waits(void **state)
{
	(void)state;
	begin_dependent();
	s.vms[0].role = "Stopped";
	see();
	stop("Started");
	assert_keeps_for("waits-for-dependency");
	/* By its priority, too; and though it is not restarted after a
	 * failure: this is none. */
	begin_dependent();
	s.vms[0].params = PAIR("restart_priority", "disabled");
	s.vms[1].ticket = 0;
	s.vms[0].role = "Stopped";
	see();
	stop("Started");
	assert_keeps_for("waits-for-priority");
}

static void
a_stop_before_its_start_waits(void **state)
{
	(void)state;
	begin_dependent();
	stop("Stopped");
	assert_keeps_for("waits-for-dependency");
}

/* Until it is powered off; other tickets that wait have nothing to do with
 * it. */
static void
it_stays_kept_while_it_is_off(void **state)
{
	(void)state;
	begin_dependent();
	stop("Stopped");
	s.vms[0].past = OFF;
	s.vms[0].listed = NULL;
	s.vms[0].ticket = 0;
	s.vms[0].reason = "waits-for-dependency";
	see();
	assert_true(the_row()->is_left);
	s.vms[0].reason = "waits-for-retry";
	see();
	assert_false(the_row()->is_left);
	/* And waits when it is started. */
	s.vms[0].reason = "waits-for-dependency";
	s.vms[0].role = "Started";
	see();
	assert_false(the_row()->is_left);
	assert_true(the_row()->waits);
	assert_int_equal(the_row()->waits_why, HA_RESTART_WAITS_DEPENDENCY);
	finish();
}

/* It ran until it was stopped. */
static void
assert_starts(const char *what)
{
	const struct fdm_track *track =
		g_hash_table_lookup(s.restart->tracks, "a");
	struct fdm_track before = *track;

	ask(AGENT, false);
	/* That was asked, and did not begin. */
	assert_int_equal(track->attempts, before.attempts);
	assert_int_equal(track->granted_ms, before.granted_ms);
	assert_int_equal(track->is_starting, before.is_starting);
	assert_int_equal(track->was_running, before.was_running);
	if (fake.updates != 0 || fake.answers != 1) {
		fail_msg("%s: %u updates, %u answers", what, fake.updates,
			 fake.answers);
	}
	assert_told(1, AGENT, 0);
	finish();
}

static void
what_need_not_wait_starts_again(void **state)
{
	(void)state;
	/* What it needs runs. */
	begin_dependent();
	s.vms[1].past = UP;
	s.vms[1].listed_at = "h1";
	s.vms[1].listed = "running";
	see();
	s.vms[0].role = "Stopped";
	s.vms[0].past = STOPPING;
	see();
	assert_starts("its dependency runs");
	/* No order at all. */
	begin_dependent();
	s.vms[0].params = NULL;
	s.vms[0].role = "Stopped";
	s.vms[0].past = STOPPING;
	see();
	assert_starts("no order");
	/* A move: its user has said nothing. */
	begin_dependent();
	s.vms[0].past = STOPPING;
	see();
	assert_starts("a move");
	/* Stopped and started before Pacemaker began, and moved later. */
	begin_dependent();
	s.vms[0].role = "Stopped";
	see();
	s.vms[0].role = "Started";
	see();
	s.vms[0].past = STOPPING;
	see();
	assert_starts("a move, later");
}

/* ---- clients ------------------------------------------------------------------- */

/* Its number may be another client's by now. */
static void
who_is_gone_hears_nothing(void **state)
{
	struct vm one = CRASHED;
	uint64_t late_ms;

	(void)state;
	/* While the CIB is being written. */
	begin((struct vm)CRASHED);
	ask(AGENT, true);
	fdm_ended_cancel(&fdm, AGENT);
	fake.written(fake.written_data, 0, "");
	assert_int_equal(fake.answers, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
	/* Before. Others go on waiting. */
	one.past = UP;
	begin(one);
	ask(AGENT, true);
	ask(OTHER, true);
	late_ms = ha_clock_now_ms() + FDM_BACK_MS;
	fdm_ended_cancel(&fdm, AGENT);
	fdm_ended_tick(&fdm, late_ms);
	assert_told(1, OTHER, 0);
	assert_int_equal(fdm.ends->len, 0);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_during_the_stop_waits),
		cmocka_unit_test(a_stop_before_its_start_waits),
		cmocka_unit_test(it_stays_kept_while_it_is_off),
		cmocka_unit_test(what_need_not_wait_starts_again),
		cmocka_unit_test(the_next_crash_waits),
		cmocka_unit_test(what_could_not_be_written_may_start),
		cmocka_unit_test(the_rows_stay),
		cmocka_unit_test(news_may_come_late),
		cmocka_unit_test(what_is_not_ours_alone_may_start),
		cmocka_unit_test(after_the_last_attempt_it_is_given_up),
		cmocka_unit_test(whose_wait_is_over_may_start),
		cmocka_unit_test(what_is_off_the_list_waits_too),
		cmocka_unit_test(in_doubt_it_may_start),
		cmocka_unit_test(the_first_crash_may_start),
		cmocka_unit_test(a_request_must_name_it),
		cmocka_unit_test(who_is_gone_hears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
