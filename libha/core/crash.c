/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A crash is a monitor that failed and was not there at the last look. Numbers
 * are compared only while the same hosts are online, since one that comes or
 * goes brings or takes its failures: doubt is no crash, and costs no wait.
 */
#include "ha/crash.h"

static bool
is_new(const struct ha_crash *memory, const struct ha_crash_facts *facts)
{
	if (!memory->is_known) {
		return facts->is_fallen;
	}
	return memory->hosts == facts->hosts &&
	       facts->failures > memory->failures;
}

static bool
is_forgiven(const struct ha_crash *memory, const struct ha_crash_facts *facts)
{
	uint64_t cleaned = memory->failed_hosts & facts->hosts &
			   ~facts->failed_hosts & ~facts->acted_hosts;

	return memory->is_known && memory->hosts == facts->hosts &&
	       cleaned != 0 && !facts->is_cleaning;
}

/* Somebody may have started it past the cluster: then the list tells. */
static bool
is_fall_over(struct ha_crash *memory, const struct ha_crash_facts *facts,
	     uint64_t now_ms)
{
	if (facts->is_up || !facts->is_listed) {
		return true;
	}
	if (facts->is_granted || memory->revoked_ms > now_ms) {
		memory->revoked_ms = 0;
	} else if (memory->revoked_ms == 0) {
		memory->revoked_ms = now_ms;
	}
	return memory->revoked_ms != 0 &&
	       now_ms - memory->revoked_ms >= HA_CRASH_DELIST_MS;
}

enum ha_crash_news
ha_crash_step(struct ha_crash *memory, const struct ha_crash_facts *facts,
	      uint64_t now_ms)
{
	bool is_crash =
		is_new(memory, facts) && facts->is_wanted &&
		(!facts->is_down || (facts->is_starting && facts->is_fallen));
	bool is_cleared = is_forgiven(memory, facts);

	memory->is_known = true;
	memory->failures = facts->failures;
	memory->hosts = facts->hosts;
	memory->failed_hosts = facts->failed_hosts;
	if (is_crash) {
		memory->has_fallen = !facts->is_up;
		memory->revoked_ms = 0;
		return facts->is_up ? HA_CRASH_CAME_BACK : HA_CRASH_FELL;
	}
	if (memory->has_fallen &&
	    (!facts->is_wanted || is_fall_over(memory, facts, now_ms))) {
		memory->has_fallen = false;
	}
	return is_cleared ? HA_CRASH_FORGIVEN : HA_CRASH_NONE;
}

uint32_t
ha_crash_attempts(const struct ha_crash *memory, uint32_t attempts)
{
	return memory->is_counted || attempts > 1 ? attempts : 0;
}
