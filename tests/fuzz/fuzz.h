/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzz target is made of: the entry that libFuzzer (or replay.c)
 * calls, and the two shapes in which the code under test wants its bytes.
 * Both are exact copies on the heap, so that one byte too far is seen.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A C string: the input, and a NUL. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text) {
		abort();
	}
	if (size > 0) {
		memcpy(text, data, size);
	}
	text[size] = '\0';
	return text;
}

/* A promise of the code under test; not assert(), which a build may drop. */
static inline void
fuzz_expect(_Bool holds)
{
	if (!holds) {
		abort();
	}
}

#endif
