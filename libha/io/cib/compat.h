/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Pacemaker 2.1 and 3.0 say differently, and what both must say. 3.0 moved
 * T_CIB_DIFF_NOTIFY and crm_xml_init() to compatibility headers that a
 * distribution may leave out; crm_log_preinit() still sets up libxml2 in 2.1,
 * where 3.0 needs no setting up. Who else reads Pacemaker's numbers has them
 * as plain ones, without its headers; that they are right is asserted here.
 */
#ifndef HA__CIB_COMPAT_H
#define HA__CIB_COMPAT_H

/* Their headers are not written for -Wpedantic and -Wconversion. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <crm/cib.h>
#include <crm/common/logging.h>
#include <crm/common/results.h>
#pragma GCC diagnostic pop

/* tools/vmha/cib.c: exit statuses of cibadmin and crm_attribute. */
_Static_assert(CRM_EX_DISCONNECT == 102 && CRM_EX_CONFIG == 78 &&
		       CRM_EX_NOSUCH == 105,
	       "crm_exit_t has changed");
/* agents/FaultDomain/facts_history.c: the history of actions in the CIB. */
_Static_assert(PCMK_EXEC_PENDING == -1 && PCMK_OCF_OK == 0 &&
		       PCMK_OCF_NOT_INSTALLED == 5 && PCMK_OCF_NOT_RUNNING == 7,
	       "the statuses of actions have changed");

/* The event's name on the wire, the same since 1.0. */
#define HA__CIB_DIFF_EVENT "cib_diff_notify"

/* In the thread that uses libcib: 2.1 keeps private data with each node, by
 * hooks that libxml2 keeps per thread. */
static inline void
ha__cib_library_init(const char *name)
{
	crm_log_preinit(name, 0, NULL);
}

/* The local copy, without a word with the DC. 3.0 answers every query
 * locally, and has deprecated the flag. */
static inline int
ha__cib_query_options(void)
{
#if defined(PCMK_ALLOW_DEPRECATED) && PCMK_ALLOW_DEPRECATED == 0
	return cib_none;
#else
	return cib_scope_local;
#endif
}

#endif
