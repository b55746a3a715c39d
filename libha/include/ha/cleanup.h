/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound cleanup: a resource is released where its name goes out of
 * scope, unless its ownership visibly leaves by ha_steal_*().
 * Destructors take the "nothing" value (NULL, -1) without complaint.
 */
#ifndef HA_CLEANUP_H
#define HA_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
ha__cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void
ha__cleanup_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static inline void
ha__cleanup_file(FILE **f)
{
	if (*f) {
		fclose(*f);
	}
}

#define ha_autofree __attribute__((cleanup(ha__cleanup_free)))
#define ha_autoclose __attribute__((cleanup(ha__cleanup_fd)))
#define ha_autofile __attribute__((cleanup(ha__cleanup_file)))

/* The caller of ha_steal_fd() owns the descriptor from here on. */
static inline int
ha_steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ha_steal_ptr(p)                       \
	__extension__({                       \
		__auto_type ha__taken = *(p); \
		*(p) = NULL;                  \
		ha__taken;                    \
	})

#endif
