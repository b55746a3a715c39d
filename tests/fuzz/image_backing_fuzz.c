/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first bytes of a disk image, which a guest may have written: offsets
 * and lengths in it must never lead out of what was read.
 */
#include "fuzz.h"
#include "ha/domain.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char backing[HA_DOMAIN_SOURCE] = "";

	if (ha_image_backing(data, size, backing, sizeof(backing)) == 0) {
		fuzz_expect(strnlen(backing, sizeof(backing)) <
			    sizeof(backing));
	}
	return 0;
}
