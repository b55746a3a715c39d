/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that put an answer of admission control into words share. */
#ifndef HA__ADMISSION_TELL_H
#define HA__ADMISSION_TELL_H

#include "ha/admission.h"

struct telling {
	const struct ha_admission_question *q;
	const struct ha_admission_answer *answer;
	struct ha_err *reason;
	struct ha_err *help;
};

void ha__admission_tell_share(const struct telling *t,
			      const struct ha_admission_share *share,
			      const char *what, const char *unit);
void ha__admission_tell_slots(const struct telling *t);
void ha__admission_tell_holds(const struct telling *t);
/* Does this host hold no more than it has? */
bool ha__admission_is_enough(const struct ha_admission_answer *answer,
			     uint32_t host);
/* Of what it would hold more than it has. */
void ha__admission_tell_full(const struct telling *t, uint32_t host);
/* Says so in the place of what would help, where the VM of the request fits on no
 * host, even an empty one. */
void ha__admission_tell_too_large(const struct telling *t);

#endif
