/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for what a CIB has: arrays that double. Nobody counts first, since that
 * would walk the tree twice.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"

void *
ci_grow(struct ci *ci, void *array, uint32_t *count, size_t size)
{
	uint32_t used = *count;
	void *grown = array;

	/* Full at each power of two. */
	if ((used & (used - 1)) == 0) {
		grown = reallocarray(array, used ? 2 * (size_t)used : 1, size);
	}
	if (!grown) {
		ci->is_failed = true;
		return NULL;
	}
	memset((char *)grown + used * size, 0, size);
	*count = used + 1;
	return grown;
}

void *
ci_append(struct ci *ci, void *array, uint32_t *count, const void *element,
	  size_t size)
{
	char *grown = ci_grow(ci, array, count, size);

	if (grown) {
		memcpy(grown + (*count - 1) * size, element, size);
	}
	return grown;
}
