/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stop of a VM whose migration away was not seen to end (record phase
 * "outgoing"). libvirt's job lives on in its daemon after migrate_to has
 * given up or was killed, and would let the guest run on the target as soon
 * as its memory is there, perhaps after the target's own stop has said that
 * it does not run there. So there is no time for a polite end:
 *
 *   QEMU says that the guest is here -> SIGKILL at once: what has not been
 *   handed over never runs on the target.
 *   QEMU is handing over, says nothing, or has gone -> it is ended, and the
 *   target's libvirt is asked: none there is a proof, and one that is there
 *   is ended too, since Pacemaker wants it stopped on both hosts.
 *   The target can't be asked -> stop fails, and says so. (What then keeps a
 *   second copy away is the VM list, SAFETY 13, where there is one.)
 */
#include <errno.h>
#include <stdio.h>

#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/hvload.h"

/* Without a socket of ours only libvirt knows; vm_look() asks it. */
static bool
is_here(struct vm *vm)
{
	struct ha_err err = HA_ERR_INIT;
	uint64_t until_ms = ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);
	enum ha_vm_qmp status = vm_ask_qemu(vm, until_ms, &err);

	if (status != HA_VM_QMP_NOT_ASKED) {
		return ha_vm_qmp_owner(status) == HA_VM_OWNER_HERE;
	}
	vm_look(vm);
	return vm->facts.libvirt == HA_VM_LIBVIRT_RUNNING;
}

static int
end_on_peer(struct vm *vm, const struct ha_hv_ops *ops, const char *uri,
	    uint64_t deadline_ms, struct ha_err *err)
{
	struct ha_hv *hv = NULL;
	struct ha_hv_dom dom;
	int rc = ops->open(uri, deadline_ms, &hv, err);

	if (rc == 0) {
		rc = ops->destroy(hv, vm->uuid, deadline_ms, err);
		if (rc == 0) {
			agent_log(vm->ctx, AGENT_WARNING,
				  "%s had arrived on %s after all, and was "
				  "ended there",
				  vm->name, vm->record.peer);
			rc = ops->lookup(hv, vm->uuid, NULL, deadline_ms, &dom,
					 err);
			if (rc == 0) {
				rc = dom.state == HA_HV_SHUTOFF ? 0 : -EBUSY;
			}
		}
	}
	ops->close(hv);
	return rc == -ENOENT ? 0 : rc;
}

/* 0: it is proven not to be there. */
static int
clear_peer(struct vm *vm, struct ha_err *err)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_PEER_MS);
	const struct ha_hv_ops *ops;
	struct ha_err why = HA_ERR_INIT;
	char uri[VM_URI_BYTES];
	int rc = -EINVAL;

	if (vm->record.peer[0]) {
		rc = vm_connect_uri(vm, vm->record.peer, uri, sizeof(uri),
				    &why);
	}
	if (rc == 0) {
		rc = ha_hv_load(&ops, &why);
	}
	if (rc == 0) {
		rc = end_on_peer(vm, ops, uri, deadline_ms, &why);
	}
	return rc == 0 ? 0 :
			 ha_err_set(err, -EREMOTE,
				    "it may run on %s: look with virsh list "
				    "there. Its migration was not seen to "
				    "end, and %s can't be asked: %s",
				    vm->record.peer, vm->record.peer, why.text);
}

int
vm_kill_outgoing(struct vm *vm, struct ha_err *err)
{
	uint64_t deadline_ms = vm->ctx->deadline_ms;
	bool was_here = false;
	int rc = vm_find_settled(vm, deadline_ms, err);

	if (rc > 0) {
		was_here = is_here(vm);
		rc = vm_kill_now(vm, deadline_ms, err);
	}
	if (rc == 0) {
		rc = vm_kill(vm, deadline_ms,
			     err); /* proves that none is left */
	}
	return rc < 0 || was_here ? rc : clear_peer(vm, err);
}
