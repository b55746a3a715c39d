/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads the libvirt module (ha/hypervisor.h) when it is needed, and only
 * then. -ENOENT: not installed, with the sentence that names the file.
 */
#ifndef HA_HVLOAD_H
#define HA_HVLOAD_H

#include "ha/err.h"
#include "ha/hypervisor.h"

int ha_hv_load(const struct ha_hv_ops **ret_ops, struct ha_err *err);

#endif
