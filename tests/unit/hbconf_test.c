/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha.conf: what is accepted and what it means, and for everything that is
 * refused a sentence that names the line, the key and what would be right.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/hbconf.h"

#define HEAD "[heartbeat]\n"
#define STORES "datastores=/a;/b\n"
#define NAME_63 \
	"n23456789012345678901234567890123456789012345678901234567890123"

static int
parse(const char *text, struct ha_hbconf *ret_conf, struct ha_err *err)
{
	/* Exactly as long as the text, without its NUL. */
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	int rc;

	assert_non_null(exact);
	memcpy(exact, text, len);
	rc = ha_hbconf_parse(exact, len, ret_conf, err);
	free(exact);
	return rc;
}

static void
conf_defaults(void **state)
{
	struct ha_hbconf conf;
	struct ha_hbconf given;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	ha_hbconf_default(&conf);
	assert_int_equal(parse(HEAD STORES, &given, &err), 0);
	assert_int_equal(given.stores, 2);
	assert_string_equal(given.store[0], "/a");
	assert_string_equal(given.store[1], "/b");
	assert_string_equal(given.watchdog, "/dev/watchdog");
	assert_string_equal(given.host, "");
	assert_int_equal(given.pretimeout_s, conf.pretimeout_s);
	assert_int_equal(given.fence_limit, conf.fence_limit);
	assert_true(given.fence_limit > 0);
	assert_int_equal(given.realtime_priority, conf.realtime_priority);
	assert_true(given.require_mlock && given.allow_softdog);
	assert_int_equal(conf.stores, 0);
}

static void
conf_full(void **state)
{
	struct ha_hbconf conf;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(
		parse("# a comment\n\n  [heartbeat]  \r\n"
		      "datastores = /dev/disk/by-id/x ; /srv/hb two/vmha.hb;\n"
		      "host=" NAME_63 "\n"
		      "\twatchdog=/dev/watchdog1 \n"
		      "watchdog_pretimeout=59000ms\n"
		      "fence_limit=64\nrealtime_priority=99\n"
		      "require_mlock=NO\nallow_softdog=0",
		      &conf, &err),
		0);
	assert_int_equal(conf.stores, 2);
	assert_string_equal(conf.store[0], "/dev/disk/by-id/x");
	assert_string_equal(conf.store[1], "/srv/hb two/vmha.hb");
	assert_string_equal(conf.host, NAME_63);
	assert_string_equal(conf.watchdog, "/dev/watchdog1");
	assert_int_equal(conf.pretimeout_s, 59);
	assert_int_equal(conf.fence_limit, 64);
	assert_int_equal(conf.realtime_priority, 99);
	assert_false(conf.require_mlock);
	assert_false(conf.allow_softdog);
	assert_int_equal(parse(HEAD STORES "fence_limit=0\n"
					   "realtime_priority=0\n"
					   "watchdog_pretimeout=2s\n",
			       &conf, &err),
			 0);
	assert_int_equal(conf.fence_limit, 0);
	assert_int_equal(conf.realtime_priority, 0);
	assert_int_equal(conf.pretimeout_s, 2);
	assert_int_equal(parse(HEAD "datastores=/1;/2;/3;/4;/5\n", &conf, &err),
			 0);
	assert_int_equal(conf.stores, 5);
}

/* Text, and what the sentence must hold. */
static const char *const REFUSED[][2] = {
	{ "", "datastores= is missing" },
	{ HEAD, "datastores= is missing" },
	{ HEAD "#" STORES, "datastores= is missing" },
	{ STORES, "line 1: datastores stands before the section" },
	{ "[heartbeats]\n" STORES, "line 1: unknown section [heartbeats]" },
	{ HEAD STORES "[x]\n", "line 3: unknown section [x]" },
	{ HEAD STORES HEAD,
	  "line 3: section [heartbeat] stands here a second" },
	{ HEAD STORES "# x\nfence_limits=1\n", "did you mean fence_limit?" },
	{ HEAD STORES "xyzzy=1\n",
	  "line 3: unknown key xyzzy: there are datastores, host" },
	{ HEAD STORES "host[de]=h1\n", "line 3: unknown key host[de]" },
	{ HEAD STORES "Host=h1\n", "line 3: unknown key Host" },
	{ HEAD STORES "=h1\n", "line 3: unknown key" },
	{ HEAD STORES "host\n", "line 3: host: neither [section]" },
	{ HEAD STORES "host=a\nhost=a\n", "line 4: host stands in line 3" },
	{ HEAD STORES STORES, "line 3: datastores stands in line 2" },
	{ HEAD "datastores=\n", "1 to 5 datastores" },
	{ HEAD "datastores=/1;/2;/3;/4;/5;/6\n", "1 to 5 datastores" },
	{ HEAD "datastores=/1;;/2\n", "not an absolute path" },
	{ HEAD "datastores=/1,hb2;hb3\n",
	  "line 2: datastores=/1,hb2;hb3: not" },
	{ HEAD "datastores=/1;/2;/1\n", "named twice" },
	{ HEAD STORES "host=\n", "leave the key out" },
	{ HEAD STORES "host=a b\n", "no spaces" },
	{ HEAD STORES "host=" NAME_63 "4\n", "longer than 63 bytes" },
	{ HEAD STORES "watchdog=watchdog\n", "not an absolute path" },
	{ HEAD STORES "watchdog=\n", "not an absolute path" },
	{ HEAD STORES "watchdog_pretimeout=60\n", "out of range" },
	{ HEAD STORES "watchdog_pretimeout=1500ms\n", "whole seconds" },
	{ HEAD STORES "watchdog_pretimeout=5x\n", "not a duration" },
	{ HEAD STORES "watchdog_pretimeout=-1\n", "not a duration" },
	{ HEAD STORES "watchdog_pretimeout=99999999999999999999\n",
	  "out of range" },
	{ HEAD STORES "fence_limit=65\n", "fence_limit=65: out of range; "
					  "valid is: 0 to 64" },
	{ HEAD STORES "fence_limit=5/h\n", "no unit" },
	{ HEAD STORES "fence_limit=-1\n", "out of range" },
	{ HEAD STORES "fence_limit=\n", "not a whole number" },
	{ HEAD STORES "realtime_priority=100\n", "out of range" },
	{ HEAD STORES "require_mlock=maybe\n", "neither true nor false" },
	{ HEAD STORES "allow_softdog=2\n", "neither true nor false" },
	{ HEAD STORES "host=\xff\n", "line 3: host" },
	{ HEAD STORES "host=a\\q\n", "line 3: host" },
};

static void
conf_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(REFUSED); i++) {
		struct ha_hbconf conf = { .stores = 77 };
		struct ha_err err = HA_ERR_INIT;

		if (parse(REFUSED[i][0], &conf, &err) != -EINVAL ||
		    !strstr(err.text, REFUSED[i][1])) {
			fail_msg("%s: \"%s\", not \"%s\"", REFUSED[i][0],
				 err.text, REFUSED[i][1]);
		}
		assert_int_equal(conf.stores, 77);
	}
}

static void
conf_nul_and_long(void **state)
{
	static const char NUL[] = HEAD STORES "host=a\0b\n";
	static char text[1024];
	struct ha_hbconf conf;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_hbconf_parse(NUL, sizeof(NUL) - 1, &conf, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "NUL"));
	for (int len = HA_PATH - 1; len <= HA_PATH; len++) {
		snprintf(text, sizeof(text), HEAD "datastores=/%0*d\n", len - 1,
			 0);
		assert_int_equal(parse(text, &conf, &err),
				 len < HA_PATH ? 0 : -EINVAL);
	}
	assert_int_equal(parse(HEAD, &conf, NULL), -EINVAL);
}

static void
conf_keys(void **state)
{
	size_t count = 0;
	const struct ha_hbconf_key *keys = ha_hbconf_keys(&count);

	(void)state;
	assert_int_equal(count, 8);
	for (size_t i = 0; i < count; i++) {
		char text[128];
		struct ha_hbconf conf;
		struct ha_hbconf fallback;
		struct ha_err err = HA_ERR_INIT;

		assert_true(keys[i].name && keys[i].fallback && keys[i].range &&
			    keys[i].text);
		if (keys[i].fallback[0] == '\0') {
			continue;
		}
		/* The default as text is the default as value. */
		snprintf(text, sizeof(text), HEAD STORES "%s=%s\n",
			 keys[i].name, keys[i].fallback);
		memset(&conf, 0, sizeof(conf));
		memset(&fallback, 0, sizeof(fallback));
		assert_int_equal(parse(text, &conf, &err), 0);
		assert_int_equal(parse(HEAD STORES, &fallback, &err), 0);
		assert_string_equal(conf.watchdog, fallback.watchdog);
		assert_int_equal(conf.pretimeout_s, fallback.pretimeout_s);
		assert_int_equal(conf.fence_limit, fallback.fence_limit);
		assert_int_equal(conf.realtime_priority,
				 fallback.realtime_priority);
		assert_int_equal(conf.require_mlock, fallback.require_mlock);
		assert_int_equal(conf.allow_softdog, fallback.allow_softdog);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_defaults),
		cmocka_unit_test(conf_full),
		cmocka_unit_test(conf_refused),
		cmocka_unit_test(conf_nul_and_long),
		cmocka_unit_test(conf_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
