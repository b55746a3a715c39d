/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/cmdline of any process of the host: every user can write
 * whatever he likes into his own.
 */
#include "fuzz.h"
#include "ha/qemu.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *cmdline = malloc(size ? size : 1);
	struct ha_qemu_args args;

	if (!cmdline) {
		return 0;
	}
	if (size > 0) {
		memcpy(cmdline, data, size);
	}
	ha_qemu_args_parse(cmdline, size, &args);
	fuzz_expect(strnlen(args.name, sizeof(args.name)) < sizeof(args.name));
	fuzz_expect(strnlen(args.qmp_path, sizeof(args.qmp_path)) <
		    sizeof(args.qmp_path));
	fuzz_expect(!args.is_qemu || args.uuid[0] != '\0');
	return 0;
}
