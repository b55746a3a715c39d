/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every exit code of vmha with its words, for --help and the man pages. A code
 * that a command returns and that does not stand here is an error.
 */
#include "vmha.h"

static const struct vmha_exit_text EXITS[] = {
	{ VMHA_OK, "done; of status: all is well; of check: nothing bad was "
		   "found" },
	{ VMHA_FAILED, "refused or failed, the sentence says why; of status: "
		       "degraded; of check: something bad was found; of why: "
		       "the VM runs nowhere; of recover: there is something "
		       "to recover and nothing was changed" },
	{ VMHA_BAD_INPUT, "of admission, plan and what-if: the cluster can't "
			  "be read or is wrong, the sentence says where" },
	{ VMHA_NO_DAEMON, "vmha-heartbeatd, or Pacemaker where that is "
			  "needed, does not answer on this host; of admission, "
			  "plan and what-if: no, to be safe, since the search "
			  "reached its bound" },
	{ VMHA_TIMEOUT, "a datastore, the daemon or another host did not "
			"answer in time" },
	{ VMHA_USAGE, "the command line is wrong" },
};

const struct vmha_exit_text *
vmha_exit_texts(size_t *ret_count)
{
	*ret_count = sizeof(EXITS) / sizeof(EXITS[0]);
	return EXITS;
}
