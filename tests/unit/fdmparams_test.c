/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fault domain's policy: list of isolation addresses, rules between
 * parameters, and what holds in place of a bad value.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/fdmparams.h"
#include "ha/isolation.h"

struct pair {
	const char *name;
	const char *value;
};

static const char *
get(void *ctx, const char *name)
{
	for (const struct pair *p = ctx; p->name; p++) {
		if (strcmp(p->name, name) == 0) {
			return p->value;
		}
	}
	return NULL;
}

static void
defaults(void **state)
{
	struct pair none[] = { { NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_fdm_params p;

	(void)state;
	assert_int_equal(ha_fdm_params_lenient(get, none, &p, &err), 0);
	assert_int_equal(p.isolation_response, HA_FDM_RESPONSE_NONE);
	assert_int_equal(p.partition_response, HA_FDM_RESPONSE_NONE);
	assert_true(p.use_default_gateway);
	assert_null(p.isolation_addresses);
	assert_int_equal(p.isolation_ping_timeout_ms, 5000);
	assert_int_equal(p.isolation_delay_ms, 30000);
	assert_int_equal(p.partition_delay_ms, 60000);
	assert_int_equal(p.isolation_shutdown_timeout_ms, 300000);
	assert_string_equal(p.restart_retry_waits, "2 4 8 16");
	assert_int_equal(p.restart_attempts, 5);
	assert_int_equal(p.restart_priority_timeout_ms, 600000);
	assert_int_equal(p.restart_concurrent, 32);
	assert_int_equal(p.admission_policy, HA_ADMISSION_PERCENTAGE);
	assert_int_equal(p.admission_guarantee, HA_ADMISSION_PLAN);
	assert_string_equal(p.host_cpu_overhead, "5%");
	assert_string_equal(p.host_memory_overhead, "1024 2%");
}

/* vmha-fdmd adds HA_RESPONSE_NONE to come from one enum to the other. */
static void
responses_are_those_of_the_core(void **state)
{
	(void)state;
	assert_int_equal(HA_FDM_RESPONSE_POWEROFF + (int)HA_RESPONSE_NONE,
			 HA_RESPONSE_POWEROFF);
	assert_int_equal(HA_FDM_RESPONSE_SHUTDOWN + (int)HA_RESPONSE_NONE,
			 HA_RESPONSE_SHUTDOWN);
	for (const struct ha_param *p = HA_FDM_PARAMS; p->name; p++) {
		bool is_response = strstr(p->name, "_response") != NULL;

		for (int i = 0; is_response && p->choices[i]; i++) {
			assert_string_equal(
				p->choices[i],
				ha_response_name((enum ha_response)(
					i + (int)HA_RESPONSE_NONE)));
		}
	}
}

static void
good_addresses(void **state)
{
	struct ha_fdm_addresses got;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_fdm_addresses_parse(NULL, &got, &err), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(ha_fdm_addresses_parse(" , \n", &got, &err), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(
		ha_fdm_addresses_parse("192.0.2.1, 2001:db8::1 fe80::1%eth0\n"
				       "192.0.2.1;192.0.2.2",
				       &got, &err),
		0);
	assert_int_equal(got.count, 4);
	assert_string_equal(got.text[0], "192.0.2.1");
	assert_string_equal(got.text[1], "2001:db8::1");
	assert_string_equal(got.text[2], "fe80::1%eth0");
	assert_string_equal(got.text[3], "192.0.2.2");
}

static void
bad_addresses(void **state)
{
	static const char *const BAD[] = { "router",      "192.0.2",
					   "192.0.2.256", "1.2.3.4%eth0",
					   "fe80::1%",    "fe80::1%a%b",
					   "fe80::1%a/b", "192.0.2.1/24",
					   "2001:db8:::", "[2001:db8::1]" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		struct ha_fdm_addresses got;
		struct ha_err err = HA_ERR_INIT;
		char list[128];

		snprintf(list, sizeof(list), "192.0.2.1 %s 192.0.2.2", BAD[i]);
		assert_int_equal(ha_fdm_addresses_parse(list, &got, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, BAD[i]));
		/* The good ones stay. */
		assert_int_equal(got.count, 2);
		assert_string_equal(got.text[1], "192.0.2.2");
	}
}

static void
ten_addresses_and_eleven(void **state)
{
	struct ha_fdm_addresses got;
	struct ha_err err = HA_ERR_INIT;
	char list[512] = "";

	(void)state;
	for (int i = 1; i <= HA_ADDRESSES_MAX; i++) {
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "192.0.2.%d ", i);
	}
	assert_int_equal(ha_fdm_addresses_parse(list, &got, &err), 0);
	assert_int_equal(got.count, HA_ADDRESSES_MAX);
	strcat(list, "192.0.2.11");
	assert_int_equal(ha_fdm_addresses_parse(list, &got, &err), -EINVAL);
	assert_int_equal(got.count, HA_ADDRESSES_MAX);
}

static void
word_of_any_length(void **state)
{
	struct ha_fdm_addresses got;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	for (size_t len = 1; len < 3 * HA_ADDRESS_TEXT; len++) {
		char *word = malloc(len + 1);

		assert_non_null(word);
		memset(word, '1', len);
		word[len] = '\0';
		assert_int_equal(ha_fdm_addresses_parse(word, &got, &err),
				 -EINVAL);
		memcpy(word, "fe80::1%", len < 8 ? len : 8);
		(void)ha_fdm_addresses_parse(word, &got, &err);
		free(word);
	}
}

static void
response_without_address(void **state)
{
	struct pair pairs[] = { { "isolation_response", "poweroff" },
				{ "use_default_gateway", "no" },
				{ "isolation_addresses", "" },
				{ NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_fdm_params p;

	(void)state;
	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err), -EINVAL);
	assert_int_equal(p.isolation_response, HA_FDM_RESPONSE_NONE);
	p.isolation_response = HA_FDM_RESPONSE_POWEROFF;
	assert_int_equal(ha_fdm_params_check(&p, &err), -EINVAL);
	pairs[2].value = "192.0.2.1";
	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err), 0);
	assert_int_equal(p.isolation_response, HA_FDM_RESPONSE_POWEROFF);
	assert_int_equal(ha_fdm_params_check(&p, &err), 0);
}

static void
bad_value_gets_its_default_alone(void **state)
{
	struct pair pairs[] = { { "isolation_response", "shutdown" },
				{ "isolation_delay", "soon" },
				{ "partition_delay", "0s" },
				{ "isolation_ping_timeout", "7s" },
				{ NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_fdm_params p;

	(void)state;
	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "isolation_delay"));
	assert_int_equal(p.isolation_delay_ms, 30000);
	assert_int_equal(p.partition_delay_ms, 60000);
	assert_int_equal(p.isolation_ping_timeout_ms, 7000);
	assert_int_equal(p.isolation_response, HA_FDM_RESPONSE_SHUTDOWN);
}

/* ---- restart_retry_waits -------------------------------------------------- */

static void
waits(void **state)
{
	struct ha_fdm_waits got;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_fdm_waits_parse(NULL, &got, &err), 0);
	assert_int_equal(got.count, 4);
	assert_int_equal(got.ms[0], 120000);
	assert_int_equal(got.ms[3], 960000);
	assert_int_equal(ha_fdm_waits_parse("1, 30s\t2m 1440", &got, &err), 0);
	assert_int_equal(got.count, 4);
	assert_int_equal(got.ms[0], 60000);
	assert_int_equal(got.ms[1], 30000);
	assert_int_equal(got.ms[2], 120000);
	assert_int_equal(got.ms[3], 86400000);
}

static void
bad_waits(void **state)
{
	static const char *const BAD[] = { "0",
					   "soon",
					   "2 x",
					   "999ms",
					   "1441",
					   "25h",
					   "-1",
					   "11111111111111111111",
					   "1234567890123456s",
					   "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		struct pair pairs[] = { { "restart_retry_waits", BAD[i] },
					{ "restart_attempts", "7" },
					{ NULL, NULL } };
		struct ha_fdm_waits got = { .count = 99 };
		struct ha_err err = HA_ERR_INIT;
		struct ha_fdm_params p;

		assert_int_equal(ha_fdm_waits_parse(BAD[i], &got, &err),
				 -EINVAL);
		assert_int_equal(got.count, 99);
		assert_non_null(strstr(err.text, "restart_retry_waits"));
		assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err),
				 -EINVAL);
		assert_null(p.restart_retry_waits);
		assert_int_equal(p.restart_attempts, 7);
	}
}

static void
overheads(void **state)
{
	static const struct {
		const char *text;
		uint64_t of, left;
	} cases[] = {
		{ "", 100, 100 },
		{ "0", 100, 100 },
		{ "30", 100, 70 },
		{ "30", 30, 0 },
		{ "31", 30, 0 },
		{ "10%", 100, 90 },
		{ "10%", 101, 90 },
		{ "100%", 7, 0 },
		{ "1024 2%", 10240, 9011 },
		{ "2%,1024", 10240, 9011 },
		{ "90 10%", 100, 0 },
		{ "91 10%", 100, 0 },
		{ "89 10%", 100, 1 },
		{ "2147483647 100%", UINT64_MAX, 0 },
		{ "1%", UINT64_MAX, UINT64_MAX - UINT64_MAX / 100 - 1 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct ha_fdm_overhead overhead;

		assert_int_equal(
			ha_fdm_overhead_parse(cases[i].text, &overhead), 0);
		assert_true(ha_fdm_overhead_take(cases[i].of, &overhead) ==
			    cases[i].left);
	}
}

static void
bad_overheads(void **state)
{
	static const char *const BAD[] = { "much", "-1",  "5 %",
					   "101%", "1 2", "1% 2%",
					   "1.5%", "%",   "2147483648",
					   "5%%" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		struct pair pairs[] = { { "host_memory_overhead", BAD[i] },
					{ "host_cpu_overhead", "7" },
					{ NULL, NULL } };
		struct ha_fdm_overhead overhead = { .amount = 99 };
		struct ha_err err = HA_ERR_INIT;
		struct ha_fdm_params p;

		assert_int_equal(ha_fdm_overhead_parse(BAD[i], &overhead),
				 -EINVAL);
		assert_int_equal(overhead.amount, 99);
		assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "host_memory_overhead"));
		assert_string_equal(p.host_memory_overhead, "1024 2%");
		assert_string_equal(p.host_cpu_overhead, "7");
		p.host_memory_overhead = BAD[i];
		assert_int_equal(ha_fdm_params_check(&p, &err), -EINVAL);
	}
}

static struct ha_admission_policy
policy_of(struct pair *pairs, int want, struct ha_err *err)
{
	struct ha_admission_policy policy;
	struct ha_fdm_params p;

	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, err), want);
	assert_int_equal(ha_fdm_admission(&p, &policy, NULL), want);
	return policy;
}

static void
admission_defaults(void **state)
{
	struct pair none[] = { { NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_admission_policy got = policy_of(none, 0, &err);

	(void)state;
	assert_int_equal(got.type, HA_ADMISSION_PERCENTAGE);
	assert_int_equal(got.guarantee, HA_ADMISSION_PLAN);
	assert_int_equal(got.host_failures, HA_ADMISSION_FAILURES_DEFAULT);
	assert_false(got.has_cpu_percent);
	assert_false(got.has_memory_percent);
	assert_int_equal(got.default_cpu_mhz, HA_ADMISSION_CPU_MHZ_DEFAULT);
	assert_int_equal(got.default_memory_mb, HA_ADMISSION_MEMORY_MB_DEFAULT);
	assert_int_equal(got.performance_degradation,
			 HA_ADMISSION_DEGRADATION_DEFAULT);
}

static void
admission_as_configured(void **state)
{
	static const struct {
		const char *name;
		enum ha_admission_type type;
	} TYPES[] = { { "percentage", HA_ADMISSION_PERCENTAGE },
		      { "slot", HA_ADMISSION_SLOT },
		      { "disabled", HA_ADMISSION_DISABLED } };
	struct pair all[] = { { "admission_policy", "slot" },
			      { "admission_guarantee", "arithmetic" },
			      { "host_failures", "31" },
			      { "cpu_percent", "0" },
			      { "memory_percent", "100" },
			      { "slot_cpu_mhz", "500" },
			      { "slot_memory_mb", "1024" },
			      { "max_slot_cpu_mhz", "600" },
			      { "max_slot_memory_mb", "2048" },
			      { "default_cpu_mhz", "256" },
			      { "default_memory_mb", "64" },
			      { "performance_degradation", "0" },
			      { NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_admission_policy got = policy_of(all, 0, &err);

	(void)state;
	assert_int_equal(got.guarantee, HA_ADMISSION_ARITHMETIC);
	assert_int_equal(got.host_failures, 31);
	assert_true(got.has_cpu_percent && got.cpu_percent == 0);
	assert_true(got.has_memory_percent && got.memory_percent == 100);
	assert_int_equal(got.slot_cpu_mhz, 500);
	assert_int_equal(got.slot_memory_mb, 1024);
	assert_int_equal(got.max_slot_cpu_mhz, 600);
	assert_int_equal(got.max_slot_memory_mb, 2048);
	assert_int_equal(got.default_cpu_mhz, 256);
	assert_int_equal(got.default_memory_mb, 64);
	assert_int_equal(got.performance_degradation, 0);
	for (size_t i = 0; i < N_ELEMENTS(TYPES); i++) {
		all[0].value = TYPES[i].name;
		assert_int_equal(policy_of(all, 0, &err).type, TYPES[i].type);
	}
}

static void
bad_shares_count_as_auto(void **state)
{
	static const char *const BAD[] = { "101", "-1", "25%", "x", "1.5" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		struct pair one[] = { { "memory_percent", BAD[i] },
				      { NULL, NULL } };
		struct ha_err err = HA_ERR_INIT;
		struct ha_admission_policy got = policy_of(one, -EINVAL, &err);

		assert_non_null(strstr(err.text, BAD[i]));
		assert_non_null(strstr(err.text, "memory_percent"));
		assert_false(got.has_memory_percent);
	}
}

static void
dedicated_names_its_hosts(void **state)
{
	struct pair pairs[] = { { "admission_policy", "dedicated" },
				{ "failover_hosts", " h3,h30  h4" },
				{ NULL, NULL } };
	struct ha_err err = HA_ERR_INIT;
	struct ha_fdm_params p;

	(void)state;
	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err), 0);
	assert_int_equal(ha_fdm_params_check(&p, &err), 0);
	assert_int_equal(p.admission_policy, HA_ADMISSION_DEDICATED);
	assert_true(ha_fdm_is_failover_host(&p, "h3"));
	assert_true(ha_fdm_is_failover_host(&p, "h30"));
	assert_true(ha_fdm_is_failover_host(&p, "h4"));
	assert_false(ha_fdm_is_failover_host(&p, "h"));
	assert_false(ha_fdm_is_failover_host(&p, "h1"));
	pairs[1].value = "";
	assert_int_equal(ha_fdm_params_lenient(get, pairs, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "failover_hosts"));
	assert_int_equal(ha_fdm_params_check(&p, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admission_defaults),
		cmocka_unit_test(admission_as_configured),
		cmocka_unit_test(bad_shares_count_as_auto),
		cmocka_unit_test(dedicated_names_its_hosts),
		cmocka_unit_test(defaults),
		cmocka_unit_test(responses_are_those_of_the_core),
		cmocka_unit_test(good_addresses),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(ten_addresses_and_eleven),
		cmocka_unit_test(word_of_any_length),
		cmocka_unit_test(response_without_address),
		cmocka_unit_test(bad_value_gets_its_default_alone),
		cmocka_unit_test(waits),
		cmocka_unit_test(bad_waits),
		cmocka_unit_test(overheads),
		cmocka_unit_test(bad_overheads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
