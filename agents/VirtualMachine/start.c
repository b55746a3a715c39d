/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start: brings the VM up on this host, or fails within its deadline with
 * nothing left behind. The order is the safety (SAFETY 9, 12):
 *
 *   prove that it does not run here -> refuse stale state -> record
 *   "starting" -> announce it in the VM list (the lock) -> create it *paused*
 *   -> prove the process -> list it as running -> resume -> prove that it
 *   runs -> record
 *
 * The record comes before the lock: a stop that runs meanwhile finds it, and
 * takes back what is not yet asked for. "Running" comes before the guest runs:
 * where the entry has gone meanwhile, that is judged once more.
 *
 * Created paused, so that a request which a hanging libvirtd carries out
 * long after we gave up runs no guest; and that request is taken back by
 * making its QMP socket path unusable (ha_vmfiles_revoke).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/hvload.h"
#include "ha/vmfiles.h"

struct start {
	struct vm vm;
	const struct ha_hv_ops *ops;
	struct ha_hv *hv;
	uint64_t deadline_ms; /* for going forward; the rest is for undoing */
	bool has_record;      /* the record of this start was written */
	bool has_asked;       /* libvirt may have been */
};

/* 1: it runs here already and was adopted; 0: go on; -errno. */
static int
adopt_or_clear(struct vm *vm, struct ha_err *err)
{
	int rc;

	vm_look(vm);
	/* "No process yet" is no proof until the request is taken back; what
	 * runs already keeps its socket. */
	if (vm->facts.start_pending &&
	    vm->facts.process == HA_VM_PROCESS_GONE) {
		rc = vm_revoke_start(vm, err);
		if (rc < 0) {
			return rc;
		}
		vm_look(vm);
	}
	switch (vm->state) {
	case HA_VM_NOT_RUNNING:
		return 0;
	case HA_VM_RUNNING:
	case HA_VM_PAUSED:
	case HA_VM_SAVING:
	case HA_VM_IO_ERROR:
	case HA_VM_PMSUSPENDED:
	case HA_VM_HUNG:
		ha_vmfiles_unmark_stop(vm->resource);
		rc = vm_record_adopt(vm, err);
		if (rc == 0) {
			rc = vm_list_running(vm, vm->ctx->deadline_ms, err);
		}
		if (rc == 0) {
			rc = vm_record_phase(vm, HA_VM_PHASE_RUNNING, err);
		}
		return rc < 0 ? rc : 1;
	case HA_VM_CRASHED:
	case HA_VM_SHUT_DOWN:
	case HA_VM_MIGRATED_AWAY:
	case HA_VM_START_UNFINISHED:
		agent_log(vm->ctx, AGENT_NOTICE,
			  "clearing away what is left of it here: %s",
			  ha_vm_state_text(vm->state));
		return vm_kill(vm, vm->ctx->deadline_ms, err);
	case HA_VM_MIGRATING_IN:
	case HA_VM_MIGRATING_OUT:
	case HA_VM_UNCLEAR:
	case HA_VM_STATE_N:
		break;
	}
	return ha_err_set(err, -EBUSY, "it is %s on this host",
			  ha_vm_state_text(vm->state));
}

/* The XML to start from: config, or what the user defined on this host. */
static int
fetch_xml(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	int rc;

	if (vm->params->config) {
		return 0;
	}
	rc = s->ops->persistent_xml(s->hv, vm->params->uuid, vm->params->name,
				    s->deadline_ms, &vm->xml, err);
	if (rc < 0) {
		return rc;
	}
	vm->domain = calloc(1, sizeof(*vm->domain));
	return !vm->domain ? -ENOMEM :
			     ha_domain_parse(vm->xml, strlen(vm->xml),
					     vm->domain, err);
}

static int
check_defined(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	struct ha_hv_dom dom;
	int rc = s->ops->lookup(s->hv, vm->uuid[0] ? vm->uuid : NULL, vm->name,
				s->deadline_ms, &dom, err);

	if (rc == -ENOENT) {
		return 0;
	}
	return rc < 0 ? rc : vm_check_defined(vm, &dom, err);
}

/* libvirt needs a moment to notice that an old process has ended. */
static int
create(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	struct ha_hv_start spec = {
		.xml = vm->xml,
		.resource = vm->resource,
		.qmp_path = vm->record.qmp_path,
		.uuid = vm->uuid,
	};
	char events_path[HA_VM_QMP_PATH];
	char uuid[HA_UUID_TEXT];
	int rc;

	/* libvirt ends QEMU as soon as the guest is off: only who listens
	 * then knows that it was the guest's own wish. */
	if (vm->params->on_guest_shutdown == HA_VM_GUEST_SHUTDOWN_STOP) {
		ha_vm_events_path(vm->record.qmp_path, events_path);
		spec.events_path = events_path;
	}

	do {
		rc = s->ops->start(s->hv, &spec, s->deadline_ms, uuid, err);
		if (rc == -EEXIST) {
			ha_clock_sleep_ms(4 * VM_POLL_MS, s->deadline_ms);
		}
	} while (rc == -EEXIST && ha_clock_left_ms(s->deadline_ms) > 0);
	if (rc == 0) {
		memcpy(vm->uuid, uuid, sizeof(vm->uuid));
	}
	return rc;
}

/* The process of this very start, and of no other. */
static int
find_created(struct vm *vm, struct ha_err *err)
{
	int rc;

	vm->is_own_start = true;
	rc = vm_find_process(vm, err);
	if (rc == 0) {
		rc = ha_err_set(err, -ESRCH,
				"libvirt says that it was created, but there "
				"is no QEMU process");
	}
	return rc < 0 ? rc : 0;
}

static int
prove_running(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	enum ha_vm_qmp status;

	for (;;) {
		status = vm_ask_qemu(
			vm, ha_clock_step_ms(s->deadline_ms, VM_QMP_MS), err);
		if (status != HA_VM_QMP_PAUSED &&
		    status != HA_VM_QMP_PRELAUNCH &&
		    status != HA_VM_QMP_SILENT) {
			break;
		}
		if (ha_clock_left_ms(s->deadline_ms) == 0) {
			return ha_err_set(err, -ETIMEDOUT,
					  "QEMU was created and told to run, "
					  "but does not");
		}
		ha_clock_sleep_ms(VM_POLL_MS, s->deadline_ms);
	}
	if (status == HA_VM_QMP_NOT_ASKED) {
		return ha_err_prefix(err, -EPROTO, "QEMU has gone again: ");
	}
	return 0; /* whatever it does now (panic, I/O error) is the guest's */
}

static int
bring_up(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	uint32_t nonce;
	int rc;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce)) {
		return ha_err_set(err, -EIO, "no random numbers");
	}
	vm->record = (struct ha_vm_record){ .phase = HA_VM_PHASE_NONE };
	ha_vm_qmp_path(vm->resource, nonce, vm->record.qmp_path);
	rc = vm_record_phase(vm, HA_VM_PHASE_STARTING, err);
	if (rc == 0) {
		s->has_record = true;
		ha_vmfiles_unmark_stop(vm->resource);
		rc = vm_announce_by(vm, HA_VMLIST_STARTING, s->deadline_ms,
				    err);
	}
	if (rc == 0) {
		s->has_asked = true;
		rc = create(s, err);
	}
	if (rc == 0) {
		rc = find_created(vm, err);
	}
	if (rc == 0) {
		rc = vm_list_running(vm, s->deadline_ms, err);
	}
	if (rc == 0) {
		/* By libvirt, not by QMP: its own resume takes the leases of a
		 * lock manager and brings macvtap interfaces up. */
		rc = s->ops->resume(s->hv, vm->uuid, s->deadline_ms, err);
	}
	if (rc == 0) {
		rc = prove_running(s, err);
	}
	if (rc == 0) {
		rc = vm_record_adopt(vm, err);
	}
	return rc;
}

/* Nothing of a failed start may stay: no request, no process, no entry. Only
 * what this start made: after a stop another start may be at work, or have
 * ended well, and entry and record are that one's. */
static void
undo(struct start *s)
{
	struct vm *vm = &s->vm;
	struct ha_err err = HA_ERR_INIT;
	int rc = 0;

	if (s->has_asked) {
		rc = ha_vmfiles_revoke(vm->record.qmp_path, &err);
		vm->is_own_start = true;
		vm->record.pid = 0;
		if (rc == 0) {
			rc = vm_kill(vm, vm->ctx->deadline_ms, &err);
		}
	}
	if (rc == 0 && s->has_record && vm_record_is_of_other(vm)) {
		agent_log(vm->ctx, AGENT_NOTICE,
			  "another action has taken over from the start that "
			  "failed");
		return;
	}
	if (rc == 0) {
		vm_record_forget(vm);
		rc = vm_withdraw(vm, &err);
	}
	if (rc < 0) {
		agent_log(vm->ctx, AGENT_ERROR,
			  "a start that failed could not be undone, stop will "
			  "have to: %s",
			  err.text);
	}
}

static enum ocf_rc
fail(struct start *s, int rc, const struct ha_err *err)
{
	struct vm *vm = &s->vm;

	return agent_fail(vm->ctx,
			  rc == -ENOENT ? OCF_ERR_INSTALLED : OCF_ERR_GENERIC,
			  "%s can't be started: %s",
			  vm->name[0] ? vm->name : vm->resource, err->text);
}

/* A UUID of version 4 (RFC 4122), for an XML that has none: the VM list and
 * every later proof go by it. */
static int
make_uuid(char ret_uuid[HA_UUID_TEXT])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
		return -EIO;
	}
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(ret_uuid, HA_UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

/* The file's identity is the one that will run. Where it is another than the
 * one that was looked for, it must not run here either. */
static int
take_identity(struct vm *vm, struct ha_err *err)
{
	const struct ha_domain *domain = vm->domain;
	uint64_t patience_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_DYING_MS);
	int rc;

	vm->is_recalled = false;
	memcpy(vm->name, domain->name, sizeof(vm->name));
	if (domain->uuid[0]) {
		memcpy(vm->uuid, domain->uuid, sizeof(vm->uuid));
	} else if (!vm->uuid[0] && make_uuid(vm->uuid) < 0) {
		return ha_err_set(err, -EIO, "no random numbers");
	}
	rc = vm_find_settled(vm, patience_ms, err);
	/* libvirt may just now carry out, in vain, what we have taken back. */
	while (rc > 0 && vm->is_revoked && ha_clock_left_ms(patience_ms) > 0) {
		ha_clock_sleep_ms(VM_POLL_MS, patience_ms);
		rc = vm_find_settled(vm, patience_ms, err);
	}
	return rc > 0 ? ha_err_set(err, -EEXIST,
				   "QEMU process %d runs it already, under "
				   "another identity",
				   (int)vm->found.id.pid) :
			rc;
}

static int
prepare(struct start *s, struct ha_err *err)
{
	struct vm *vm = &s->vm;
	int rc = ha_vmfiles_prepare(err);

	if (rc == 0 && vm->params->config) {
		rc = vm_read_config(vm, err);
	}
	if (rc == 0) {
		rc = ha_hv_load(&s->ops, err);
	}
	if (rc == 0) {
		rc = s->ops->open(vm->params->hypervisor, s->deadline_ms,
				  &s->hv, err);
	}
	if (rc == 0) {
		rc = fetch_xml(s, err);
	}
	if (rc < 0) {
		return rc;
	}
	rc = take_identity(vm, err);
	if (rc == 0) {
		rc = vm_check_overlays(vm, err);
	}
	return rc < 0 ? rc : check_defined(s, err);
}

enum ocf_rc
vm_start(struct agent_ctx *ctx)
{
	static struct start s;
	struct vm *vm = &s.vm;
	struct ha_err err = HA_ERR_INIT;
	uint64_t span_ms = ha_clock_left_ms(ctx->deadline_ms);
	int rc = ha_vm_params_check_start(ctx->values, &err);

	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_CONFIGURED, "%s", err.text);
	}
	vm_init(vm, ctx);
	vm_identify(vm);
	s.deadline_ms = ctx->deadline_ms - (span_ms > 2 * VM_START_RESERVE_MS ?
						    VM_START_RESERVE_MS :
						    span_ms / 2);
	rc = adopt_or_clear(vm, &err);
	if (rc > 0) {
		agent_log(ctx, AGENT_INFO, "%s runs already",
			  vm->name[0] ? vm->name : vm->resource);
		return OCF_SUCCESS;
	}
	if (rc == 0) {
		rc = prepare(&s, &err);
	}
	if (rc < 0) {
		return fail(&s, rc, &err);
	}
	vm_note_locking(vm);
	rc = bring_up(&s, &err);
	if (rc < 0) {
		undo(&s);
		return fail(&s, rc, &err);
	}
	s.ops->close(s.hv);
	if (ha_vmfiles_remember(vm->resource, &vm->record, &err) < 0) {
		agent_log(ctx, AGENT_WARNING, "%s", err.text);
	}
	agent_log(ctx, AGENT_INFO, "%s runs, QEMU process %d", vm->name,
		  (int)vm->found.id.pid);
	return OCF_SUCCESS;
}
