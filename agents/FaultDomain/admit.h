/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Admission control in force: which VMs may be switched on, judged by the
 * master alone, and told by all. admit_rows.c says what tickets say (every
 * vmha-fdmd), admit.c judges, admit_tell.c tells people. Must never keep back
 * a restart after a failure, nor take the ticket of what runs (SAFETY 21).
 */
#ifndef FAULT_DOMAIN_ADMIT_H
#define FAULT_DOMAIN_ADMIT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/protect.h"

struct fdm;

/* By its ticket and the protected list: it is to be admitted before it starts
 * anywhere. */
bool fdm_admit_needs(const struct fdm_protect *protect,
		     const struct fdm_vm *vm);

#endif
