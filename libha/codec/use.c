/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "CPU_MHZ MEMORY_MB", the node attribute that tells what a host's VMs use.
 * Read strictly: anybody may write node attributes, and a text that is nearly
 * one says nothing.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "ha/admission.h"
#include "ha/use.h"

void
ha_use_print(const struct ha_use *use, char ret_text[HA_USE_TEXT])
{
	(void)snprintf(ret_text, HA_USE_TEXT, "%" PRIu64 " %" PRIu64,
		       use->cpu_mhz, use->memory_mb);
}

/* Behind the number; NULL: there is none up to max. */
static const char *
read_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text)) {
		return NULL;
	}
	for (; isdigit((unsigned char)*text); text++) {
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > max) {
			return NULL;
		}
	}
	*ret_number = number;
	return text;
}

bool
ha_use_parse(const char *text, struct ha_use *ret_use)
{
	struct ha_use use;

	text = read_number(text, HA_ADMISSION_CPU_MHZ_MAX, &use.cpu_mhz);
	if (!text || *text != ' ') {
		return false;
	}
	text = read_number(text + 1, HA_ADMISSION_MEMORY_MB_MAX,
			   &use.memory_mb);
	if (!text || *text) {
		return false;
	}
	*ret_use = use;
	return true;
}
