/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/gated: every cell of agent x requires x ticket against SAFETY 16
 * restated, and which of several resources is named. */
#include "unit.h"

#include <string.h>

#include "ha/gated.h"

enum kind {
	VM,
	SAFE,
	STONITH,
	LOCKS,
	OTHER,
	BROKEN
};

struct agent {
	const char *class_name, *provider, *type;
	enum kind kind;
};

static const struct agent AGENTS[] = {
	{ "ocf", "vmha", "VirtualMachine", VM },
	{ "ocf", "heartbeat", "VirtualDomain", OTHER },
	{ "ocf", "vmha", "FaultDomain", SAFE },
	{ "ocf", "pacemaker", "ping", SAFE },
	{ "ocf", "pacemaker", "ClusterMon", SAFE },
	{ "ocf", "heartbeat", "ClusterMon", SAFE },
	{ "ocf", "pacemaker", "SysInfo", SAFE },
	{ "ocf", "pacemaker", "HealthCPU", SAFE },
	{ "stonith", NULL, "fence_vmha", STONITH },
	{ "stonith", "", "fence_ipmilan", STONITH },
	{ "ocf", "pacemaker", "controld", LOCKS },
	{ "ocf", "heartbeat", "lvmlockd", LOCKS },
	{ "ocf", "heartbeat", "LVM-activate", LOCKS },
	{ "ocf", "heartbeat", "clvm", LOCKS },
	{ "ocf", "heartbeat", "Filesystem", LOCKS },
	{ "ocf", "linbit", "drbd", LOCKS },
	{ "systemd", NULL, "dlm", LOCKS },
	{ "ocf", "ocfs2", "o2cb", LOCKS },
	{ "ocf", "heartbeat", "IPaddr2", OTHER },
	{ "systemd", NULL, "nginx", OTHER },
	/* An agent of another provider is another agent. */
	{ "ocf", "acme", "ping", OTHER },
	{ "ocf", "acme", "FaultDomain", OTHER },
	{ "systemd", NULL, "ping", OTHER },
	{ NULL, NULL, "ping", BROKEN },
	{ "ocf", "pacemaker", NULL, BROKEN },
	{ "", "pacemaker", "ping", BROKEN },
};
static const char *const REQUIRES[] = { NULL,      "",        "nothing",
					"quorum",  "fencing", "unfencing",
					"Nothing", "rubbish" };

#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool
may(const struct agent *agent, const char *requires, bool is_gated)
{
	bool is_waived = requires && (strcmp(requires, "nothing") == 0 ||
				      strcmp(requires, "quorum") == 0);

	if (agent->kind == LOCKS || agent->kind == BROKEN) {
		return false;
	}
	return agent->kind == SAFE || agent->kind == STONITH || is_gated ||
	       is_waived;
}

static void
every_cell(void **state)
{
	(void)state;
	for (size_t a = 0; a < N(AGENTS); a++) {
		for (size_t r = 0; r < N(REQUIRES); r++) {
			for (int g = 0; g < 2; g++) {
				struct ha_gated_resource one = {
					.id = "one",
					.class_name = AGENTS[a].class_name,
					.provider = AGENTS[a].provider,
					.type = AGENTS[a].type,
					.requires = REQUIRES[r],
					.is_ticket_gated = g,
				};
				struct ha_gated_verdict v =
					ha_gated_judge(&one, 1);
				bool want = may(&AGENTS[a], REQUIRES[r], g);

				assert_int_equal(v.is_allowed, want);
				assert_int_equal(v.resource, want ? 1 : 0);
				one.id = g ? NULL : "";
				assert_false(
					ha_gated_judge(&one, 1).is_allowed);
			}
		}
	}
}

static void
who_is_named(void **state)
{
	struct ha_gated_resource list[] = {
		{ "vm", "ocf", "vmha", "VirtualMachine", NULL, true },
		{ "ip", "ocf", "heartbeat", "IPaddr2", NULL, false },
		{ "www", "systemd", NULL, "nginx", NULL, false },
		{ "fs", "ocf", "heartbeat", "Filesystem", "nothing", false },
	};
	struct ha_gated_verdict v = ha_gated_judge(list, 4);

	(void)state;
	assert_false(v.is_allowed);
	assert_int_equal(v.resource, 3);
	assert_int_equal(v.why, HA_GATED_LOCKS);
	v = ha_gated_judge(list, 3);
	assert_false(v.is_allowed);
	assert_int_equal(v.resource, 1);
	assert_int_equal(v.why, HA_GATED_UNGATED);
	v = ha_gated_judge(list, 1);
	assert_true(v.is_allowed);
	assert_int_equal(v.resource, 1);
	assert_true(ha_gated_judge(NULL, 0).is_allowed);
}

static void
words(void **state)
{
	(void)state;
	for (int i = 0; i < HA_GATED_N; i++) {
		assert_true(ha_gated_why_name((enum ha_gated_why)i)[0]);
		assert_true(ha_gated_why_text((enum ha_gated_why)i)[0]);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(
				ha_gated_why_name((enum ha_gated_why)i),
				ha_gated_why_name((enum ha_gated_why)j));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(who_is_named),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
