/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has this host what the VMs need? Has the vmha command look and tell it, now
 * and then and after VMs have changed: files may be on shares that hang, and
 * nothing here waits for them. Must never look without quorum, since it would
 * tell; nothing is decided by what it finds.
 */
#include <string.h>

#include "FaultDomain/fdm.h"

#define PROGRAM "vmha"

/* What is looked for: changes with any VM's config file. */
static guint
subject(const struct fdm_facts *facts)
{
	guint hash = 0;

	for (guint i = 0; i < facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(facts->vms, struct fdm_vm, i);

		hash = hash * 31 + g_str_hash(vm->resource);
		for (guint j = 0; j < vm->params->len; j++) {
			const struct responder_param *param = &g_array_index(
				vm->params, struct responder_param, j);

			if (strcmp(param->name, "config") == 0) {
				hash = hash * 31 + g_str_hash(param->value);
			}
		}
	}
	return hash;
}

static void
on_looked(struct fdm *fdm, bool is_good)
{
	(void)is_good; /* child.c has told it */
	fdm->lacks.is_looking = false;
}

void
fdm_lacks_tick(struct fdm *fdm, uint64_t now_ms)
{
	static const char *const ARGV[] = { PROGRAM, "host", "check", "--tell",
					    NULL };
	struct fdm_lacks *lacks = &fdm->lacks;

	if (lacks->is_looking || !fdm_has_facts(fdm) ||
	    !fdm->facts->have_quorum) {
		return;
	}
	if (lacks->copy != fdm->copies) {
		guint now = subject(fdm->facts);

		lacks->copy = fdm->copies;
		if (lacks->subject != now) {
			lacks->subject = now;
			lacks->due_ms = now_ms + FDM_LACKS_SOON_MS;
		}
	}
	if (now_ms < lacks->due_ms) {
		return;
	}
	lacks->due_ms = now_ms + FDM_LACKS_LOOK_MS;
	if (fdm->facts->vms->len > 0) {
		lacks->is_looking = true;
		fdm_child_run(fdm, ARGV, FDM_LACKS_MS, PROGRAM " host check",
			      on_looked);
	}
}
