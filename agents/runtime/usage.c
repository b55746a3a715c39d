/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The usage action: enough to run the agent by hand from what it prints.
 */
#include <errno.h>

#include "runtime/runtime.h"

int
rt_usage_print(const struct agent_desc *desc, FILE *out)
{
	const struct agent_action *action;
	size_t index = 0;

	fprintf(out, "usage: %s {", desc->name);
	while ((action = rt_describe_action(desc, &index))) {
		if (!rt_describe_is_again(desc, action)) {
			fprintf(out, "%s|", action->name);
		}
	}
	fprintf(out,
		"usage}\n"
		"\n%s (OCF resource agent, vmha %s)\n"
		"\nParameters, as environment variables OCF_RESKEY_<name>:\n",
		desc->shortdesc, VMHA_VERSION);
	for (const struct ha_param *p = desc->params; p->name; p++) {
		fprintf(out, "  %s: %s\n    ", p->name, p->shortdesc);
		rt_describe_param(p, out);
		putc('\n', out);
	}
	fprintf(out,
		"\nThe manual page is ocf_vmha_%s(7); \"%s meta-data\" prints "
		"all as XML.\n",
		desc->name, desc->name);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
