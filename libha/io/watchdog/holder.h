/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a watchdog can't be opened, in words: above all, who has it. Nothing
 * outside io/watchdog includes this.
 */
#ifndef HA_IO_WATCHDOG_HOLDER_H
#define HA_IO_WATCHDOG_HOLDER_H

#include "ha/err.h"

/* The sentence for open(2)'s or stat(2)'s -errno; returns it. */
int ha__watchdog_open_failed(const char *path, int code, struct ha_err *err);

#endif
