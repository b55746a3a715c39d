/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything in an area as JSON. */
#ifndef VMHA_DUMP_H
#define VMHA_DUMP_H

#include "area.h"

/* The area is open, and loaded where its superblock is sound. Slots that
 * were never given and never used are left out. ret_is_damaged: something
 * that should be sound is not. */
int dump_collect(struct vmha_area *area, json_t **ret_root,
		 bool *ret_is_damaged, struct ha_err *err);

#endif
