/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws the cluster of a schedule: times, hosts, datastores, votes, clocks.
 * The edges of what ha_timing_check() allows come often, since that is where
 * a sum that does not hold shows first.
 */
#include "sim.h"

static void
draw_timing(struct world *w)
{
	static const struct ha_timing choices[] = {
		{ 1000, 4000, 1000, 1000 }, { 500, 2000, 500, 1000 },
		{ 1000, 3000, 200, 1000 },  { 500, 2000, 100, 1000 },
		{ 1000, 4000, 500, 10000 }, { 500, 2000, 250, 0 },
		{ 2000, 6000, 2000, 1000 }, { 400, 1000, 200, 5000 },
	};

	w->timing = choices[draw_below(w, 8)];
	w->silence_ms = ha_timing_silence_ms(&w->timing);
	w->token_us =
		draw_between(w, w->timing.beat_ms / 2, 2 * w->timing.beat_ms) *
		US_PER_MS;
}

static void
draw_votes(struct world *w)
{
	uint32_t i;

	w->total_votes = 0;
	for (i = 0; i < w->hosts; i++) {
		w->votes[i] = 1;
	}
	w->is_two_node = w->hosts == 2 && draw_percent(w, 75);
	w->is_wait_for_all = w->is_two_node || draw_percent(w, 40);
	if (!w->is_two_node && draw_percent(w, 15)) {
		w->votes[draw_below(w, w->hosts)] = 2;
	}
	for (i = 0; i < w->hosts; i++) {
		w->total_votes += w->votes[i];
	}
}

void
plan_cluster(struct world *w)
{
	static const uint8_t hosts[] = { 2, 2, 2, 3, 3, 3, 3, 3, 4, 5 };
	static const uint8_t stores[] = { 1, 1, 2, 3, 3, 3, 3, 3, 3, 5 };
	uint32_t i;

	draw_timing(w);
	w->hosts = hosts[draw_below(w, 10)];
	w->stores = stores[draw_below(w, 10)];
	draw_votes(w);
	aimed_cluster(w);
	for (i = 0; i < w->hosts; i++) {
		struct host *h = &w->host[i];
		uint32_t rho = w->timing.drift_ppm;

		/* Two clocks differ by rho at most; the edges come often. */
		h->rate_ppm = draw_percent(w, 50) ?
				      (draw_percent(w, 50) ? rho : 0) :
				      (uint32_t)draw_below(w, rho + 1);
		h->watchdog_ppm = (uint32_t)draw_below(w, rho + 1);
		h->watchdog_early_us = (uint32_t)draw_below(w, 10000);
		h->watchdog_us = NEVER_US;
		w->truth[i].off_us = NEVER_US;
	}
}
