/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/attr: when a node attribute is written, taken away first,
 * and left alone. The program that would write it is noted instead of run.
 */
#include "../unit/unit.h"

#include <string.h>

#include "FaultDomain/attr.h"
#include "FaultDomain/fdm.h"

#define T0 100000u

static char ran[256]; /* "": nothing since the last look */

void
fdm_child_run(struct fdm *one, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *one, bool is_good))
{
	(void)one;
	(void)what;
	(void)done;
	assert_int_equal(limit_ms, FDM_ATTR_MS);
	ran[0] = '\0';
	for (; *argv; argv++) {
		g_strlcat(ran, ran[0] ? " " : "", sizeof(ran));
		g_strlcat(ran, *argv, sizeof(ran));
	}
}

static struct fdm fdm;
static struct fdm_attr attr;

/* What is run when the CIB shows `shown` and `wanted` is to be there. */
static const char *
follow(const char *shown, const char *wanted, uint64_t now_ms)
{
	bool is_run;

	ran[0] = '\0';
	is_run = fdm_attr_follow(&fdm, &attr, "h1", "a", shown, wanted, now_ms);
	assert_int_equal(is_run, ran[0] != '\0');
	return ran;
}

#define SET_X "attrd_updater --node h1 --name a --update x"
#define SET_Y "attrd_updater --node h1 --name a --update y"
#define TAKE "attrd_updater --node h1 --name a --delete"

static void
follows(void **state)
{
	(void)state;
	assert_string_equal(follow("", "", T0), "");
	assert_string_equal(follow("x", "x", T0), "");
	assert_string_equal(follow("", "x", T0), SET_X);
	/* The CIB takes its time; another value does not wait for it. */
	assert_string_equal(follow("", "x", T0 + 1), "");
	assert_string_equal(follow("", "y", T0 + 2), SET_Y);
	assert_string_equal(follow("y", "y", T0 + 3), "");
	/* It is there, so that what comes next is news. */
	assert_string_equal(follow("y", "", T0 + 4), TAKE);
	assert_string_equal(follow("y", "x", T0 + 5), SET_X);
	assert_string_equal(follow("x", "x", T0 + 6), "");
	fdm_attr_clear(&attr);
}

/* The controller has erased it: the same value would be no news. */
static void
erased(void **state)
{
	uint64_t again_ms = T0 + FDM_ATTR_AGAIN_MS;

	(void)state;
	assert_string_equal(follow("", "x", T0), SET_X);
	assert_string_equal(follow("", "x", again_ms - 1), "");
	assert_string_equal(follow("", "x", again_ms), TAKE);
	assert_string_equal(follow("", "x", again_ms + FDM_ATTR_PAUSE_MS - 1),
			    "");
	assert_string_equal(follow("", "x", again_ms + FDM_ATTR_PAUSE_MS),
			    SET_X);
	/* Shown for a while, then erased: at once. */
	assert_string_equal(follow("x", "x", again_ms * 2), "");
	assert_string_equal(follow("", "x", again_ms * 2 + 1), SET_X);
	fdm_attr_clear(&attr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows),
		cmocka_unit_test(erased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
