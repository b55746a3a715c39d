/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened, for a person: a line per event that matters, kept as a ring
 * of the last ones. Told only when asked for, since words cost more than the
 * schedule itself; a failing seed is run again to be told.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

void
story(struct world *w, uint32_t host, const char *fmt, ...)
{
	char *line;
	va_list args;
	int used;
	uint32_t at;

	if (!w->story_size) {
		return;
	}
	at = (w->story_first + w->story_count) % w->story_size;
	if (w->story_count < w->story_size) {
		w->story_count++;
	} else {
		w->story_first = (w->story_first + 1) % w->story_size;
	}
	line = w->story[at];
	used = snprintf(line, sizeof(*w->story), "%8llu.%03llu ",
			(unsigned long long)(w->now_us / 1000),
			(unsigned long long)(w->now_us % 1000));
	if (host < SIM_HOSTS) {
		used += snprintf(line + used, sizeof(*w->story) - (size_t)used,
				 "h%u@%llu ", host,
				 (unsigned long long)world_local_ms(w, host));
	}
	va_start(args, fmt);
	vsnprintf(line + used, sizeof(*w->story) - (size_t)used, fmt, args);
	va_end(args);
}

void
story_cluster(const struct world *w)
{
	uint32_t i;

	printf("seed %llu: %u hosts, %u datastores (w %u, r %u), B %u ms, "
	       "W %u ms, D %u ms, rho %u ppm, T(1+rho) %llu ms%s%s\n",
	       (unsigned long long)w->seed, w->hosts, w->stores, w->w, w->r,
	       w->timing.beat_ms, w->timing.watchdog_ms, w->timing.tolerance_ms,
	       w->timing.drift_ppm, (unsigned long long)w->silence_ms,
	       w->is_two_node ? ", two_node" : "",
	       w->is_wait_for_all ? ", wait_for_all" : "");
	for (i = 0; i < w->hosts; i++) {
		printf("  h%u: clock +%u ppm, watchdog +%u ppm, %u vote%s\n", i,
		       w->host[i].rate_ppm, w->host[i].watchdog_ppm,
		       w->votes[i], w->votes[i] == 1 ? "" : "s");
	}
	printf("world ms; h@ that host's own clock in ms\n");
}

void
story_print(const struct world *w)
{
	uint32_t i;

	story_cluster(w);
	for (i = 0; i < w->story_count; i++) {
		printf("%s\n", w->story[(w->story_first + i) % w->story_size]);
	}
	if (w->failure.is_set) {
		printf("FAILED: %s\n", w->failure.text);
	}
}
