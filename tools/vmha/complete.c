/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables as bash variables for packaging/completion/vmha. */
#include <string.h>

#include "vmha.h"

static const char *
operand_word(enum vmha_operand operand)
{
	switch (operand) {
	case VMHA_NOTHING:
		return "";
	case VMHA_PATHS:
		return "@path";
	case VMHA_HOST:
		return "@host @path";
	case VMHA_VM:
		return "@vm";
	case VMHA_VM_PATHS:
		return "@vm @path";
	case VMHA_HOST_ONLY:
		return "@host";
	case VMHA_HOST_DUTY:
		return "@host on off status";
	case VMHA_VM_SIZES:
		return "@vm cpu_mhz= memory_mb=";
	case VMHA_RESOURCE:
		return "@resource";
	case VMHA_HOST_KIND:
		return "@host test reset off";
	}
	return "";
}

void
vmha_completion(FILE *out)
{
	const struct vmha_option *options = vmha_options();
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);

	fputs("declare -A _vmha_options=(\n", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "\t[\"%s\"]=\"", command[i].name);
		for (unsigned int id = 0; id < OPT_N; id++) {
			if (command[i].options >> id & 1) {
				fprintf(out, "--%s%s ", options[id].name,
					options[id].value ? "=" : "");
			}
		}
		fputs("--help\"\n", out);
	}
	fputs(")\ndeclare -A _vmha_operands=(\n", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "\t[\"%s\"]=\"%s\"\n", command[i].name,
			operand_word(command[i].operand));
	}
	fputs(")\ndeclare -A _vmha_values=(\n", out);
	for (unsigned int id = 0; id < OPT_N; id++) {
		const char *words = options[id].words;

		if (options[id].value) {
			fprintf(out, "\t[\"--%s\"]=\"%s\"\n", options[id].name,
				words ? words :
				strcmp(options[id].value, "FILE") == 0 ||
						strcmp(options[id].value,
						       "PATH") == 0 ?
					"@path" :
					"");
		}
	}
	fputs(")\n", out);
}
