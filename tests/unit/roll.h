/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dice of the random tests: the same seed, the same clusters, on each machine.
 * Each program sets dice_seed itself, to anything but 0. xorshift64*,
 * Vigna 2016.
 */
#ifndef TEST_ROLL_H
#define TEST_ROLL_H

#include <stdint.h>

static uint64_t dice_seed = 1;

/* 0 .. n - 1 */
static inline uint32_t
roll(uint32_t n)
{
	dice_seed ^= dice_seed >> 12;
	dice_seed ^= dice_seed << 25;
	dice_seed ^= dice_seed >> 27;
	return (uint32_t)((dice_seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % n;
}

#endif
