/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real sizes of virtual machines (tests/data/azure-v1-flavor), drawn as often
 * as they were rented.
 */
#ifndef TESTS_PLAN_FLAVOURS_H
#define TESTS_PLAN_FLAVOURS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/roll.h"

#define FLAVOURS_MAX 32u

struct flavour {
	uint64_t cpus, memory_mb;
	uint32_t weight;
};

static struct flavour flavours[FLAVOURS_MAX];
static uint32_t n_flavours;
static uint32_t sum_weights;

/* Ends the program where there are none. */
static inline void
flavours_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	while (n_flavours < FLAVOURS_MAX &&
	       fgets(line, sizeof(line), file) != NULL) {
		struct flavour *flavour = &flavours[n_flavours++];
		char *end = line;
		flavour->cpus = strtoull(end, &end, 10);
		flavour->memory_mb = strtoull(end, &end, 10);
		flavour->weight = (uint32_t)strtoul(end, &end, 10);
		sum_weights += flavour->weight;
	}
	(void)fclose(file);
	if (sum_weights == 0) {
		(void)fprintf(stderr, "%s: no flavours\n", path);
		exit(2);
	}
}

static inline const struct flavour *
flavours_at(uint32_t at) /* below sum_weights */
{
	uint32_t i = 0;

	while (at >= flavours[i].weight) {
		at -= flavours[i++].weight;
	}
	return &flavours[i];
}

#endif
