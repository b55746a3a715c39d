/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of the agent runtime that can be judged without a process: escaping,
 * tables, the list of advertised actions. What a whole agent does is the
 * matter of tests/agents.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "unit.h"

#include "ha/cleanup.h"
#include "runtime/runtime.h"

static enum ocf_rc
nothing(struct agent_ctx *ctx)
{
	(void)ctx;
	return OCF_SUCCESS;
}

static const struct agent_action PLAIN[] = {
	{ .name = "monitor", .timeout_s = 7, .interval_s = 3, .run = nothing },
	{ .name = NULL },
};

static const struct agent_action VALIDATING[] = {
	{ .name = "validate-all", .timeout_s = 9, .run = nothing },
	{ .name = NULL },
};

static const char *const CHOICES[] = { "a\"b", "<&>", NULL };

static const struct ha_param HOSTILE[] = {
	{ .name = "p",
	  .type = HA_PARAM_ENUM,
	  .choices = CHOICES,
	  .def = "a\"b",
	  .flags = HA_PARAM_UNIQUE | HA_PARAM_INERT,
	  .shortdesc = "<short> & \"sweet\"",
	  .longdesc = "one\n\n.SH not a heading\n'nor this\\fB\x01" },
	{ .name = NULL },
};

static struct agent_desc
describe(const struct agent_action *actions)
{
	return (struct agent_desc){
		.name = "Test",
		.version = "1",
		.shortdesc = "a-b",
		.longdesc = ".first\n\n\n\n  second",
		.params = HOSTILE,
		.actions = actions,
	};
}

static char *
printed(int (*print)(const struct agent_desc *desc, FILE *out))
{
	const struct agent_desc desc = describe(PLAIN);
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	assert_non_null(memory);
	assert_int_equal(print(&desc, memory), 0);
	fclose(memory);
	return text;
}

static void
xml_is_escaped(void **state)
{
	ha_autofree char *text = printed(rt_metadata_print);

	(void)state;
	assert_non_null(strstr(text, "&lt;short&gt; &amp; &quot;sweet&quot;"));
	assert_non_null(strstr(text, "<option value=\"a&quot;b\"/>"));
	assert_non_null(strstr(text, "<option value=\"&lt;&amp;&gt;\"/>"));
	assert_non_null(strstr(text, "default=\"a&quot;b\""));
	assert_non_null(strstr(text, "unique-group=\"p\""));
	assert_non_null(strstr(text, "no effect without it"));
	assert_non_null(strstr(text, "not a heading\n'nor this\\fB?"));
	assert_null(strchr(text, '\x01'));
}

static void
roff_is_escaped(void **state)
{
	ha_autofree char *text = printed(rt_man_print);

	(void)state;
	assert_non_null(strstr(text, "\n\\&.first\n.PP\nsecond\n"));
	assert_non_null(strstr(text, "one\n.IP\n\\&.SH not a heading\n"));
	assert_non_null(strstr(text, "\n\\&'nor this\\efB"));
	assert_non_null(strstr(text, "ocf_vmha_Test \\- a\\-b\n"));
	assert_non_null(strstr(text, ".TH OCF_VMHA_TEST 7"));
	assert_non_null(strstr(text, "Timeout 7s, interval 3s.\n"));
}

static void
full_disk_is_an_error(void **state)
{
	const struct agent_desc desc = describe(PLAIN);
	ha_autofile FILE *full = fopen("/dev/full", "we");

	(void)state;
	if (!full) {
		skip();
	}
	assert_int_equal(rt_metadata_print(&desc, full), -EIO);
}

static void
actions_advertised(void **state)
{
	const struct agent_desc plain = describe(PLAIN);
	const struct agent_desc validating = describe(VALIDATING);
	size_t index = 0;

	(void)state;
	assert_string_equal(rt_describe_action(&plain, &index)->name,
			    "monitor");
	assert_string_equal(rt_describe_action(&plain, &index)->name,
			    "meta-data");
	assert_string_equal(rt_describe_action(&plain, &index)->name,
			    "validate-all");
	assert_null(rt_describe_action(&plain, &index));
	assert_null(rt_describe_action(&plain, &index));
	index = 0;
	assert_ptr_equal(rt_describe_action(&validating, &index), VALIDATING);
	assert_string_equal(rt_describe_action(&validating, &index)->name,
			    "meta-data");
	assert_null(rt_describe_action(&validating, &index));
}

static void
exit_codes(void **state)
{
	size_t index = 0;
	size_t count = 0;
	int last = -1;
	enum ocf_rc rc;

	(void)state;
	while (ocf_rc_next(&index, &rc)) {
		assert_true((int)rc > last);
		assert_memory_equal(ocf_rc_name(rc), "OCF_", 4);
		assert_true(strlen(ocf_rc_text(rc)) > 10);
		last = (int)rc;
		count++;
	}
	assert_int_equal(count, 12);
	assert_string_equal(ocf_rc_name(OCF_NOT_RUNNING), "OCF_NOT_RUNNING");
	assert_string_equal(ocf_rc_name((enum ocf_rc)99), "unknown");
}

static void
facilities(void **state)
{
	(void)state;
	assert_int_equal(rt_syslog_facility("daemon"), LOG_DAEMON);
	assert_int_equal(rt_syslog_facility("local7"), LOG_LOCAL7);
	assert_int_equal(rt_syslog_facility("kern"), LOG_KERN);
	assert_int_equal(rt_syslog_facility("nothing"), -1);
}

static void
truth_of_the_shell_functions(void **state)
{
	(void)state;
	assert_true(rt_is_true("JA"));
	assert_true(rt_is_true("1"));
	assert_false(rt_is_true("y"));
	assert_false(rt_is_true(""));
	assert_false(rt_is_true(NULL));
}

static void
lines_are_cleaned(void **state)
{
	char text[] = "a\nb\tc\x1b[0m\x7f \xc3\xa9";

	(void)state;
	rt_clean_line(text);
	assert_string_equal(text, "a b c [0m  \xc3\xa9");
}

/* timeout in ms => deadline in ms after the start. */
static void
deadline_leaves_a_reserve(void **state)
{
	static const struct {
		const char *timeout;
		uint64_t timeout_ms, deadline_ms;
	} CASES[] = {
		{ "", 7000, 6300 },
		{ "0", 7000, 6300 },
		{ "junk", 7000, 6300 },
		{ "50", 50, 0 },
		{ "100", 100, 0 },
		{ "101", 101, 1 },
		{ "1000", 1000, 900 },
		{ "20000", 20000, 18000 },
		{ "20001", 20001, 18001 },
		{ "90000", 90000, 88000 },
		{ "18446744073709551615", 2592000000, 2591998000 },
	};
	const struct agent_desc desc = describe(PLAIN);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct agent_ctx ctx = { .desc = &desc, .action = PLAIN };

		setenv("OCF_RESKEY_CRM_meta_timeout", CASES[i].timeout, 1);
		rt_environment_read(&ctx);
		assert_int_equal(ctx.timeout_ms, CASES[i].timeout_ms);
		assert_int_equal(ctx.deadline_ms, CASES[i].deadline_ms);
	}
	unsetenv("OCF_RESKEY_CRM_meta_timeout");
}

static void
environment(void **state)
{
	const struct agent_desc desc = describe(PLAIN);
	struct agent_ctx ctx = { .desc = &desc, .action = PLAIN };

	(void)state;
	rt_environment_read(&ctx);
	assert_string_equal(ctx.instance, "default");
	assert_true(strlen(ctx.node) > 0);
	assert_true(ctx.is_probe);
	assert_null(ctx.migrate_target);
	setenv("OCF_RESOURCE_INSTANCE", "web1", 1);
	setenv("OCF_RESKEY_CRM_meta_on_node", "n1", 1);
	setenv("OCF_RESKEY_CRM_meta_interval", "10000", 1);
	setenv("OCF_RESKEY_CRM_meta_migrate_target", "n2", 1);
	setenv("OCF_CHECK_LEVEL", "4294967297", 1);
	rt_environment_read(&ctx);
	assert_string_equal(ctx.instance, "web1");
	assert_string_equal(ctx.node, "n1");
	assert_string_equal(ctx.migrate_target, "n2");
	assert_false(ctx.is_probe);
	assert_int_equal(ctx.interval_ms, 10000);
	assert_int_equal(ctx.check_level, 100);
	assert_string_equal(rt_environment_param(NULL, "CRM_meta_on_node"),
			    "n1");
	setenv("OCF_RESKEY_p", "", 1);
	assert_null(rt_environment_param(NULL, "p"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_is_escaped),
		cmocka_unit_test(roff_is_escaped),
		cmocka_unit_test(full_disk_is_an_error),
		cmocka_unit_test(actions_advertised),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(facilities),
		cmocka_unit_test(truth_of_the_shell_functions),
		cmocka_unit_test(lines_are_cleaned),
		cmocka_unit_test(deadline_leaves_a_reserve),
		cmocka_unit_test(environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
