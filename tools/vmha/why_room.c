/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha why: a VM that is granted, and that no host has room for (pending
 * placement), by the word of this host's manager alone; and one that runs and
 * is not admitted as it is. Judges nothing.
 */
#include <string.h>

#include "why.h"

void
why_room(const json_t *manager, json_t *reasons)
{
	const char *pending = vmha_text(manager, "pending");

	if (pending[0]) {
		why_add(reasons, "room",
			"nothing: it is started as soon as a host has room. "
			"To make room: bring a host back, or stop a VM that "
			"can wait",
			"it %s", pending);
	}
}

void
why_not_admitted(const struct vmha *v, const struct known_admission *one,
		 unsigned int label)
{
	bool is_raised = strcmp(one->state, "raise-refused") == 0;
	unsigned int width = v->screen.width;
	char text[2 * HA_ERR_TEXT];

	snprintf(text, sizeof(text), "%s%s",
		 is_raised ? KNOWN_NOT_ADMITTED ": " : "", one->text);
	printf("  %-*s", (int)label - 2, "admission");
	vmha_put_wrapped(text, label, label, width, stdout);
	if (*one->help) {
		printf("%*s-> ", (int)label, "");
		vmha_put_wrapped(one->help, label + 3, label + 3, width,
				 stdout);
	}
}
