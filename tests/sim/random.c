/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only source of chance in the simulator: splitmix64, seeded with the
 * number of the schedule (Steele, Lea, Flood 2014). Not libc's: its
 * generators may change, and a seed in a bug report must replay for ever.
 */
#include "sim.h"

uint64_t
draw(struct world *w)
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The bias of a modulus does not matter for bounds so far below 2^64. */
uint64_t
draw_below(struct world *w, uint64_t bound)
{
	return bound ? draw(w) % bound : 0;
}

uint64_t
draw_between(struct world *w, uint64_t low, uint64_t high)
{
	return high > low ? low + draw_below(w, high - low + 1) : low;
}

bool
draw_percent(struct world *w, uint32_t percent)
{
	return draw_below(w, 100) < percent;
}
