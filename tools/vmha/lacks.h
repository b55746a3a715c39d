/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hosts lack, as the CIB tells it. */
#ifndef VMHA_LACKS_H
#define VMHA_LACKS_H

#include <jansson.h>

struct cib_node;

/* A sentence for each host that lacks something; cib may be NULL. */
void lacks_problems(const struct cib_node *cib, json_t *problems);

#endif
