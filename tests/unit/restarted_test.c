/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/restarted: a VM that runs again, told once or not at all.
 */
#include "unit.h"

#include <string.h>

#include "ha/restarted.h"

#define T0 5000u

struct story {
	struct ha_restarted memory;
	struct ha_restarted_facts facts;
	struct ha_restarted_event event;
	uint64_t now_ms;
	unsigned int told;
};

/* It runs on h1, and this host is master. */
static struct story
begin(void)
{
	return (struct story){
		.facts = { .is_running = true,
			   .is_wanted = true,
			   .is_granted = true,
			   .is_listed = true,
			   .host = "h1",
			   .word = HA_REPORT_LIVE,
			   .is_mine = true },
		.now_ms = T0,
	};
}

static void
look(struct story *s, uint64_t after_ms)
{
	s->now_ms += after_ms;
	s->told +=
		ha_restarted_step(&s->memory, &s->facts, s->now_ms, &s->event);
}

/* h1 has left; a list binds it. */
static void
lose(struct story *s)
{
	s->facts.is_running = false;
	s->facts.is_away = true;
	s->facts.is_granted = false;
	s->facts.is_listed = false;
	s->facts.word = HA_REPORT_LIVE; /* not settled yet */
}

/* And is proven dead. */
static void
let_go(struct story *s, enum ha_hostreport_word word)
{
	s->facts.is_granted = true;
	s->facts.word = word;
}

static void
run_on(struct story *s, const char *host, uint32_t attempts)
{
	s->facts.is_running = true;
	s->facts.is_granted = true;
	s->facts.is_listed = true;
	s->facts.host = host;
	s->facts.attempts = attempts;
}

static void
assert_told(const struct story *s, enum ha_restarted_cause cause,
	    const char *from, const char *to, uint32_t attempt)
{
	assert_int_equal(s->told, 1);
	assert_int_equal(s->event.cause, cause);
	assert_string_equal(s->event.from, from);
	assert_string_equal(s->event.to, to);
	assert_int_equal(s->event.attempt, attempt);
}

static void
host_words(void **state)
{
	static const enum ha_hostreport_word WORDS[] = {
		HA_REPORT_DEAD,
		HA_REPORT_ISOLATED,
		HA_REPORT_PARTITIONED,
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(WORDS); i++) {
		struct story s = begin();

		look(&s, 0);
		assert_string_equal(ha_restarted_where(&s.memory, &s.facts),
				    "h1");
		lose(&s);
		look(&s, 1000);
		assert_string_equal(ha_restarted_where(&s.memory, &s.facts),
				    "h1");
		let_go(&s, WORDS[i]);
		look(&s, 4000);
		run_on(&s, "h2", 0);
		/* It is back meanwhile: why it was restarted stays. */
		s.facts.word = HA_REPORT_LIVE;
		look(&s, 1500);
		assert_told(&s, HA_RESTARTED_HOST, "h1", "h2", 1);
		assert_int_equal(s.event.word, WORDS[i]);
		assert_true(s.event.has_span);
		assert_int_equal(s.event.span_ms, 5500);
		look(&s, 1000);
		assert_int_equal(s.told, 1);
		/* And once more, of its new host. */
		lose(&s);
		look(&s, 1000);
		let_go(&s, HA_REPORT_DEAD);
		look(&s, 1000);
		run_on(&s, "h3", 3);
		s.told = 0;
		look(&s, 1000);
		assert_told(&s, HA_RESTARTED_HOST, "h2", "h3", 3);
	}
}

/* Away for a moment, cleanly stopped, or stopped in order before it left. */
static void
no_restarts(void **state)
{
	struct story s = begin();

	(void)state;
	look(&s, 0);
	lose(&s);
	look(&s, 1000);
	run_on(&s, "h1", 0);
	look(&s, 1000);
	assert_int_equal(s.told, 0);

	lose(&s);
	look(&s, 1000);
	let_go(&s, HA_REPORT_STOPPED);
	look(&s, 1000);
	run_on(&s, "h2", 0);
	look(&s, 1000);
	assert_int_equal(s.told, 0);

	/* A move without migration; then its old host dies. */
	s.facts.is_running = false;
	s.facts.is_away = false;
	look(&s, 1000);
	s.facts.is_away = true;
	s.facts.word = HA_REPORT_DEAD;
	look(&s, 1000);
	run_on(&s, "h3", 1);
	look(&s, 1000);
	assert_int_equal(s.told, 0);
}

static void
users(void **state)
{
	struct story s = begin();

	(void)state;
	/* A power-on, seen from the first look. */
	s.facts.is_running = false;
	s.facts.by_user = true;
	s.facts.host = "";
	look(&s, 0);
	run_on(&s, "h1", 1);
	s.facts.by_user = false;
	look(&s, 1000);
	assert_int_equal(s.told, 0);
	/* It fails, is powered off while it is down, and powered on. */
	lose(&s);
	look(&s, 1000);
	let_go(&s, HA_REPORT_DEAD);
	s.facts.is_wanted = false;
	look(&s, 1000);
	s.facts.is_wanted = true;
	s.facts.by_user = true;
	look(&s, 1000);
	s.facts.by_user = false;
	run_on(&s, "h2", 1);
	look(&s, 1000);
	assert_int_equal(s.told, 0);
}

static void
crashes(void **state)
{
	struct story s = begin();

	(void)state;
	look(&s, 0);
	s.facts.is_running = false;
	s.facts.is_crash = true;
	s.facts.attempts = 0;
	look(&s, 1000);
	run_on(&s, "h1", 1);
	look(&s, 2000);
	assert_told(&s, HA_RESTARTED_CRASH, "h1", "h1", 1);
	assert_int_equal(s.event.span_ms, 2000);
	/* Its count stands for a while. */
	look(&s, 1000);
	assert_int_equal(s.told, 1);
	/* Down and up again between two looks, on another host. */
	s.told = 0;
	run_on(&s, "h2", 2);
	look(&s, 1000);
	assert_told(&s, HA_RESTARTED_CRASH, "h1", "h2", 2);
	assert_false(s.event.has_span);
	/* Well again, and moved. */
	s.facts.is_crash = false;
	run_on(&s, "h3", 0);
	look(&s, 1000);
	assert_int_equal(s.told, 1);
}

static void
migrations(void **state)
{
	struct story s = begin();

	(void)state;
	look(&s, 0);
	run_on(&s, "h2", 0);
	look(&s, 1000);
	assert_int_equal(s.told, 0);
	/* The source dies in its last moment: the target's copy runs on. */
	s.facts.is_migrating = true;
	look(&s, 1000);
	lose(&s);
	s.facts.is_listed = true;
	look(&s, 1000);
	let_go(&s, HA_REPORT_DEAD);
	look(&s, 1000);
	run_on(&s, "h3", 0);
	s.facts.is_migrating = false;
	look(&s, 1000);
	assert_int_equal(s.told, 0);
	/* And if the target's is gone too, it is restarted. */
	s.facts.is_migrating = true;
	look(&s, 1000);
	lose(&s);
	let_go(&s, HA_REPORT_DEAD);
	look(&s, 1000);
	run_on(&s, "h1", 1);
	look(&s, 1000);
	assert_told(&s, HA_RESTARTED_HOST, "h3", "h1", 1);
}

/* One says it: another master, or the next one. */
static void
masters(void **state)
{
	struct story s = begin();

	(void)state;
	s.facts.is_mine = false;
	s.facts.is_others = true;
	look(&s, 0);
	lose(&s);
	look(&s, 1000);
	let_go(&s, HA_REPORT_DEAD);
	look(&s, 1000);
	run_on(&s, "h2", 1);
	look(&s, 1000);
	s.facts.is_mine = true;
	s.facts.is_others = false;
	look(&s, 1000);
	assert_int_equal(s.told, 0);

	s.facts.is_mine = false;
	lose(&s);
	look(&s, 1000);
	let_go(&s, HA_REPORT_DEAD);
	look(&s, 1000);
	run_on(&s, "h3", 1);
	look(&s, 1000);
	look(&s, 9000);
	assert_int_equal(s.told, 0);
	/* It has been moved since. */
	run_on(&s, "h1", 1);
	s.facts.is_mine = true;
	look(&s, 1000);
	assert_told(&s, HA_RESTARTED_HOST, "h2", "h3", 1);
	assert_int_equal(s.event.span_ms, 2000);
}

/* A manager that was started when it was down. */
static void
unseen(void **state)
{
	struct story s = begin();

	(void)state;
	lose(&s);
	s.facts.is_away = false;
	s.facts.host = "";
	look(&s, 0);
	let_go(&s, HA_REPORT_NONE);
	look(&s, 1000);
	run_on(&s, "h2", 2);
	look(&s, 1000);
	assert_told(&s, HA_RESTARTED_UNSEEN, "", "h2", 2);
	assert_false(s.event.has_span);

	/* The lists name its host. */
	s = begin();
	lose(&s);
	s.facts.host = "h3";
	assert_string_equal(ha_restarted_where(&s.memory, &s.facts), "h3");
	look(&s, 0);
	s.facts.host = "";
	assert_string_equal(ha_restarted_where(&s.memory, &s.facts), "h3");
	let_go(&s, HA_REPORT_DEAD);
	look(&s, 1000);
	run_on(&s, "h2", 1);
	look(&s, 1000);
	assert_told(&s, HA_RESTARTED_HOST, "h3", "h2", 1);
	assert_false(s.event.has_span);

	/* One that runs already is no news, whatever its ticket counts. */
	s = begin();
	run_on(&s, "h2", 4);
	s.facts.is_crash = true;
	look(&s, 0);
	look(&s, 1000);
	assert_int_equal(s.told, 0);
}

/* A name that is too long for a host is cut, not written beyond. */
static void
long_name(void **state)
{
	char name[2 * HA_HOST_NAME];
	struct story s = begin();

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	s.facts.host = name;
	look(&s, 0);
	assert_int_equal(strlen(ha_restarted_where(&s.memory, &s.facts)),
			 HA_HOST_NAME - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_words), cmocka_unit_test(no_restarts),
		cmocka_unit_test(users),      cmocka_unit_test(crashes),
		cmocka_unit_test(migrations), cmocka_unit_test(masters),
		cmocka_unit_test(unseen),     cmocka_unit_test(long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
