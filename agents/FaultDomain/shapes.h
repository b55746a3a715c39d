/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of VMs from their domain XML files, for what admission control counts.
 * The files lie on storage that may hang: a thread reads them, in child
 * processes with a deadline, and nobody waits for it. What was read once
 * counts until it is read anew; a file that nobody could read yet is unknown,
 * which is told. Decides nothing.
 */
#ifndef FAULT_DOMAIN_SHAPES_H
#define FAULT_DOMAIN_SHAPES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/demand.h"
#include "ha/err.h"

enum fdm_shape_state {
	FDM_SHAPE_COMING, /* it may still be read in time */
	FDM_SHAPE_READ,
	FDM_SHAPE_UNKNOWN,
};

struct fdm_shapes;

/* Begins the thread; NULL with the sentence. It ends with the process. */
struct fdm_shapes *fdm_shapes_new(GMainContext *context, struct ha_err *err);
/* Changes whenever an answer of fdm_shapes_get() may have: NULL is fine. */
uint64_t fdm_shapes_number(const struct fdm_shapes *shapes);
/* A stock is made, which asks for all that it has: NULL is fine. Where nothing is
 * new none is made for hours, and what the last one had still counts. */
void fdm_shapes_begin(struct fdm_shapes *shapes);
/* ret_shape only with READ; ret_why, of UNKNOWN, is a sentence's end. Asks for
 * the file if it is new. */
enum fdm_shape_state fdm_shapes_get(struct fdm_shapes *shapes, const char *path,
				    uint64_t now_ms,
				    struct ha_demand_shape *ret_shape,
				    const char **ret_why);
/* Reads what is new at once, and all that is used each minute. */
void fdm_shapes_tick(struct fdm_shapes *shapes, uint64_t now_ms);

#endif
