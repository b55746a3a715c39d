/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before stop succeeds the fault domain manager of this host hears of it:
 * Pacemaker restarts what has crashed within a moment, and a VM that crashes
 * again and again is to wait (docs/RESTART.md), and so is what its user stops and
 * starts while what it depends on is down. The manager answers when its
 * ticket is revoked, or that it need not be. Without one, and without an
 * answer, the VM is restarted at once: nothing here may make a stop fail.
 */
#include <jansson.h>

#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/ipc.h"

void
vm_tell_ended(const struct vm *vm)
{
	uint64_t now_ms = ha_clock_now_ms();
	uint64_t deadline_ms = now_ms + ha_clock_left_ms(vm->ctx->deadline_ms);
	struct ha_err err = HA_ERR_INIT;
	json_t *request = json_pack("{s:i, s:s, s:s, s:b}", "v", HA_IPC_VERSION,
				    "op", "ended", "resource", vm->resource,
				    "gone", (int)vm->was_gone);
	json_t *answer = NULL;
	int rc;

	if (deadline_ms > now_ms + VM_ENDED_MS) {
		deadline_ms = now_ms + VM_ENDED_MS;
	}
	rc = ha_ipc_ask(HA_IPC_FDM_PATH, request, deadline_ms, &answer, &err);
	if (rc < 0) {
		agent_log(vm->ctx, AGENT_DEBUG,
			  "the fault domain manager was not asked: %s",
			  err.text);
	} else if (json_integer_value(json_object_get(answer, "kept")) > 0) {
		agent_log(vm->ctx, AGENT_NOTICE,
			  "it is not started again at once: \"vmha why %s\" "
			  "tells why, and when",
			  vm->resource);
	}
	json_decref(request);
	json_decref(answer);
}
