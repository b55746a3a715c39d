/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ticket of a VM that becomes vmha's. Whether one that does not run may
 * start is the master's decision (admission control), so its ticket is not
 * granted; where no FaultDomain is configured nobody would ever grant it. In
 * doubt a VM runs, and then its ticket is never taken away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cib.h"

bool
cib_has_manager(const struct cib_node *cib)
{
	const struct cib_node *at = NULL;

	while ((at = cib_next(cib, at, "primitive"))) {
		if (cib_is_ours(cib, at, "FaultDomain")) {
			return true;
		}
	}
	return false;
}

char *
cib_new_ticket(const struct cib_node *cib, const char *resource)
{
	struct cib_past past;
	char *text = NULL;
	int rc;

	if (cib_has_manager(cib) && !cib_active_on(cib, resource, &past)) {
		rc = asprintf(&text,
			      "<ticket_state id=\"" CIB_TICKET "%s\" "
			      "granted=\"false\"/>",
			      resource);
	} else {
		rc = asprintf(&text,
			      "<ticket_state id=\"" CIB_TICKET "%s\" "
			      "granted=\"true\" last-granted=\"%lld\" "
			      "vmha-state=\"granted\" "
			      "vmha-reason=\"added\"/>",
			      resource, (long long)time(NULL));
	}
	return rc < 0 ? NULL : text;
}
