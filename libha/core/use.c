/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Use of a host out of two looks. What can't be compared counts as nothing
 * for that once: a use that is too small is one warning less for a minute, one
 * that is too large would be a false one. Nothing here may overflow, whatever
 * the counters say.
 */
#include "ha/use.h"

#define MS_PER_S 1000u
#define KIB_PER_MIB 1024u
#define PERCENT 100u

static const struct ha_use_process *
find(const struct ha_use_look *look, const struct ha_use_process *process)
{
	for (uint32_t i = 0; i < look->count; i++) {
		if (look->processes[i].pid == process->pid &&
		    look->processes[i].start_ticks == process->start_ticks) {
			return &look->processes[i];
		}
	}
	return NULL;
}

/* One that was not seen before may have been there all the same: libvirt's
 * child is a QEMU only from its exec on. */
static uint64_t
ticks_of(const struct ha_use_look *before, const struct ha_use_process *process,
	 const struct ha_use_machine *machine)
{
	const struct ha_use_process *old = find(before, process);
	uint64_t started_ms =
		process->start_ticks / machine->ticks_a_s * MS_PER_S +
		process->start_ticks % machine->ticks_a_s * MS_PER_S /
			machine->ticks_a_s;

	if (!old) {
		return started_ms >= before->at_ms ? process->cpu_ticks : 0;
	}
	return process->cpu_ticks > old->cpu_ticks ?
		       process->cpu_ticks - old->cpu_ticks :
		       0;
}

bool
ha_use_measure(const struct ha_use_look *before, const struct ha_use_look *now,
	       const struct ha_use_machine *machine, struct ha_use *ret_use)
{
	struct ha_use use = { 0 };
	uint64_t kib = 0;
	uint64_t ticks = 0;
	uint64_t all; /* that all cores had meanwhile */

	if (now->at_ms <= before->at_ms || machine->ticks_a_s == 0) {
		return false;
	}
	all = (now->at_ms - before->at_ms) * machine->ticks_a_s *
	      machine->cores / MS_PER_S;
	for (uint32_t i = 0; i < now->count; i++) {
		uint64_t one = ticks_of(before, &now->processes[i], machine);

		ticks += one < all - ticks ? one : all - ticks;
		kib += now->processes[i].memory_kib;
	}
	if (all > 0) {
		/* Without an overflow: a machine of 1000 cores and 10 GHz each
		 * has 10^7 MHz, and in a day 10^10 ticks. */
		use.cpu_mhz = machine->cpu_mhz / all * ticks +
			      machine->cpu_mhz % all * ticks / all;
	}
	use.memory_mb = kib / KIB_PER_MIB;
	*ret_use = use;
	return true;
}

static bool
is_far(uint64_t a, uint64_t b, uint64_t whole)
{
	uint64_t far = a > b ? a - b : b - a;

	/* Of absurd numbers, too. */
	return far > whole || far * PERCENT > whole * HA_USE_NEWS_PERCENT;
}

bool
ha_use_is_news(const struct ha_use *told, const struct ha_use *now,
	       const struct ha_use *capacity)
{
	return is_far(told->cpu_mhz, now->cpu_mhz, capacity->cpu_mhz) ||
	       is_far(told->memory_mb, now->memory_mb, capacity->memory_mb);
}

enum ha_use_news
ha_use_alarm_step(struct ha_use_alarm *alarm, bool is_wrong, uint64_t now_ms,
		  uint64_t quiet_ms)
{
	bool was_on = alarm->is_on;

	if (is_wrong) {
		*alarm = (struct ha_use_alarm){ .is_on = true };
		return was_on ? HA_USE_SAME : HA_USE_BEGUN;
	}
	if (was_on && alarm->calm_ms == 0) {
		alarm->calm_ms = now_ms;
	}
	if (was_on && now_ms - alarm->calm_ms >= quiet_ms) {
		*alarm = (struct ha_use_alarm){ .is_on = false };
		return HA_USE_ENDED;
	}
	return HA_USE_SAME;
}
