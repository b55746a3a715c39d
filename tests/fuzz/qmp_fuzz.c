/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of QMP. QEMU is trusted, but its events carry texts of the guest's.
 */
#include "fuzz.h"
#include "ha/qemu.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_qmp_message message;

	if (ha_qmp_parse((const char *)data, size, &message) == 0) {
		fuzz_expect(strnlen(message.text, sizeof(message.text)) <
			    sizeof(message.text));
		fuzz_expect(strnlen(message.id, sizeof(message.id)) <
			    sizeof(message.id));
	}
	return 0;
}
