/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gathers what the witnesses say about the VM, cheapest first: the recorded
 * process, QEMU's own monitor, then all processes of the host, and libvirt
 * only when these conflict. The verdict is libha/core/vmstate's.
 */
#include <errno.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/hostconf.h"
#include "ha/hvload.h"
#include "ha/vmfiles.h"

static int
find_recorded(struct vm *vm)
{
	struct ha_proc_id id = {
		.pid = (pid_t)vm->record.pid,
		.start_ticks = vm->record.start_ticks,
	};
	int rc;

	if (!vm->has_record || id.pid == 0) {
		return 0;
	}
	rc = ha_proc_is_alive(&id);
	if (rc <= 0) {
		return rc;
	}
	vm->found = (struct ha_qemu_found){ .id = id, .n_matches = 1 };
	vm->is_dying = false;
	/* A dying process has no command line any more: pid and start time
	 * still prove that it is the one. */
	if (ha_proc_qemu_args(&id, &vm->found.args) == 0) {
		return 1;
	}
	vm->is_dying = true;
	memcpy(vm->found.args.uuid, vm->record.uuid,
	       sizeof(vm->found.args.uuid));
	memcpy(vm->found.args.qmp_path, vm->record.qmp_path,
	       sizeof(vm->found.args.qmp_path));
	return 1;
}

/* A QEMU in its exit has no command line left; it is the VM unless somebody
 * else's record, or libvirt's pid file of another domain, names it. */
static bool
is_of_other(const struct vm *vm, const struct ha_proc_id *id)
{
	char name[HA_DOMAIN_NAME];

	return ha_vmfiles_is_of_other(vm->resource, id->pid, id->start_ticks) ||
	       (vm->name[0] &&
		ha_proc_libvirt_name(id->pid, name, sizeof(name)) &&
		strcmp(name, vm->name) != 0);
}

/* The first process in its exit that may have been the VM; NULL none. */
static const struct ha_proc_id *
find_unknown_dying(const struct vm *vm)
{
	const struct ha_qemu_found *found = &vm->found;

	for (unsigned int i = 0; i < found->n_dying && i < HA_PROC_DYING_MAX;
	     i++) {
		if (!is_of_other(vm, &found->dying[i])) {
			return &found->dying[i];
		}
	}
	return NULL;
}

/* None matches: is that a proof? */
static int
judge_absence(const struct vm *vm, struct ha_err *err)
{
	const struct ha_qemu_found *found = &vm->found;
	const struct ha_proc_id *dying;

	if (found->n_doubtful > 0) {
		return ha_err_set(err, -EAGAIN,
				  "process %d carries its UUID, but is neither "
				  "a known emulator nor in a pid file of "
				  "libvirt: look what it is",
				  (int)found->a_doubtful);
	}
	if (found->n_namesakes > 0 && (!vm->uuid[0] || vm->is_recalled)) {
		return ha_err_set(err, -EAGAIN,
				  "QEMU process %d has the name %s, but it is "
				  "not known whether it is this one; give the "
				  "parameter uuid",
				  (int)found->a_namesake, vm->name);
	}
	if (!vm->uuid[0] && !vm->name[0] && found->n_foreign > 0) {
		return ha_err_set(err, -EAGAIN,
				  "give the parameter uuid: config %s is not "
				  "readable, and QEMU process %d could be "
				  "this one",
				  vm->params->config ? vm->params->config : "",
				  (int)found->a_foreign);
	}
	dying = find_unknown_dying(vm);
	if (dying || found->n_dying > HA_PROC_DYING_MAX) {
		return ha_err_set(err, -EBUSY,
				  "QEMU process %d is still in its exit and "
				  "can't be told apart any more",
				  (int)(dying ? dying : found->dying)->pid);
	}
	return 0;
}

int
vm_find_process(struct vm *vm, struct ha_err *err)
{
	struct ha_qemu_want want = {
		.qmp_path = vm->is_own_start ? vm->record.qmp_path : NULL,
		.resource = vm->resource,
		.uuid = vm->uuid,
		.name = vm->name,
	};
	int rc = find_recorded(vm);

	if (rc != 0) {
		return rc;
	}
	vm->found = (struct ha_qemu_found){ .n_matches = 0 };
	vm->is_dying = false;
	want.qemu_uid = ha_hostconf_qemu_user();
	rc = ha_proc_find_qemu(&want, &vm->found, err);
	return rc != 0 ? rc : judge_absence(vm, err);
}

/* Those of the first look that still are in their exit stay in the list. */
static void
keep_unended(const struct vm *vm, struct ha_qemu_found *first)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < first->n_dying; i++) {
		if (ha_proc_is_alive(&first->dying[i]) != 0 &&
		    !is_of_other(vm, &first->dying[i])) {
			first->dying[n++] = first->dying[i];
		}
	}
	first->n_dying = n;
}

/* A process that began its exit after the first look had a command line in
 * that look, and was not the VM's; or it began after it. So absence is
 * proven when those of the first look have ended, however many follow:
 * libvirt tries emulators out in rows of short-lived QEMUs. */
int
vm_find_settled(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	int rc = vm_find_process(vm, err);
	struct ha_qemu_found first = vm->found;

	while (rc == -EBUSY && ha_clock_left_ms(deadline_ms) > 0) {
		ha_clock_sleep_ms(VM_POLL_MS, deadline_ms);
		rc = vm_find_process(vm, err);
		if (first.n_dying > HA_PROC_DYING_MAX) {
			first = vm->found;
			continue;
		}
		keep_unended(vm, &first);
		if (rc == -EBUSY && first.n_dying == 0) {
			rc = 0;
		}
	}
	return rc;
}

/* Connects to the monitor socket of the process that was found. */
static int
open_qmp(struct vm *vm, struct ha_qmp *qmp, uint64_t deadline_ms,
	 struct ha_err *err)
{
	if (!ha_vm_qmp_path_is_ours(vm->found.args.qmp_path)) {
		qmp->fd = -1;
		return ha_err_set(err, -ENOENT,
				  "its QEMU has no monitor socket of ours (it "
				  "was started by hand?)");
	}
	return ha_qmp_open(qmp, vm->found.args.qmp_path, vm->found.id.pid,
			   deadline_ms, err);
}

enum ha_vm_qmp
vm_ask_qemu(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	static struct ha_qmp qmp; /* 64 KiB: not for the stack */
	char status[HA_QMP_STATUS];
	int rc = open_qmp(vm, &qmp, deadline_ms, err);

	if (rc == 0) {
		rc = ha_qmp_status(&qmp, deadline_ms, status, err);
	}
	ha_qmp_close(&qmp);
	if (rc == 0) {
		return ha_vm_qmp_from_word(status);
	}
	return rc == -ENOENT || rc == -ECONNREFUSED || rc == -EPERM ?
		       HA_VM_QMP_NOT_ASKED :
		       HA_VM_QMP_SILENT;
}

bool
vm_ask_migration(struct vm *vm, uint64_t deadline_ms,
		 struct ha_qmp_migration *ret)
{
	static struct ha_qmp qmp;
	int rc = open_qmp(vm, &qmp, deadline_ms, NULL);

	if (rc == 0) {
		rc = ha_qmp_migration(&qmp, deadline_ms, ret, NULL);
	}
	ha_qmp_close(&qmp);
	return rc == 0;
}

int
vm_tell_qemu(struct vm *vm, const char *command, uint64_t deadline_ms,
	     struct ha_err *err)
{
	static struct ha_qmp qmp;
	int rc = open_qmp(vm, &qmp, deadline_ms, err);

	if (rc == 0) {
		rc = ha_qmp_command(&qmp, command, deadline_ms, err);
	}
	ha_qmp_close(&qmp);
	return rc;
}

static enum ha_vm_libvirt
from_paused(enum ha_hv_reason reason)
{
	switch (reason) {
	case HA_HV_REASON_STARTING:
		return HA_VM_LIBVIRT_PAUSED_STARTING;
	case HA_HV_REASON_IOERROR:
		return HA_VM_LIBVIRT_PAUSED_IO_ERROR;
	case HA_HV_REASON_MIGRATION:
	case HA_HV_REASON_POSTCOPY:
		return HA_VM_LIBVIRT_PAUSED_MIGRATION;
	case HA_HV_REASON_POSTCOPY_FAILED:
		return HA_VM_LIBVIRT_PAUSED_POSTCOPY_FAILED;
	case HA_HV_REASON_CRASHED:
	case HA_HV_REASON_WATCHDOG:
		return HA_VM_LIBVIRT_CRASHED;
	case HA_HV_REASON_OTHER:
	case HA_HV_REASON_USER:
	case HA_HV_REASON_SAVE:
		break;
	}
	return HA_VM_LIBVIRT_PAUSED;
}

static enum ha_vm_libvirt
from_dom(const struct ha_hv_dom *dom)
{
	switch (dom->state) {
	case HA_HV_NONE:
		return HA_VM_LIBVIRT_NO_DOMAIN;
	case HA_HV_RUNNING:
		return HA_VM_LIBVIRT_RUNNING;
	case HA_HV_PAUSED:
		return from_paused(dom->reason);
	case HA_HV_SHUTDOWN:
		return HA_VM_LIBVIRT_SHUTDOWN;
	case HA_HV_SHUTOFF:
		return HA_VM_LIBVIRT_SHUTOFF;
	case HA_HV_CRASHED:
		return HA_VM_LIBVIRT_CRASHED;
	case HA_HV_PMSUSPENDED:
		return HA_VM_LIBVIRT_PMSUSPENDED;
	}
	return HA_VM_LIBVIRT_SILENT;
}

static enum ha_vm_libvirt
ask_libvirt(struct vm *vm)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_LIBVIRT_MS);
	const char *uuid =
		vm->found.args.uuid[0] ? vm->found.args.uuid : vm->uuid;
	const struct ha_hv_ops *hv_ops;
	struct ha_err err = HA_ERR_INIT;
	struct ha_hv *hv = NULL;
	struct ha_hv_dom dom;
	enum ha_vm_libvirt answer = HA_VM_LIBVIRT_SILENT;
	int rc;

	/* Loading libvirt takes time, too: none is left after a hung QEMU. */
	if (vm->facts.libvirtd_down || (!uuid[0] && !vm->name[0]) ||
	    ha_clock_left_ms(deadline_ms) == 0) {
		return HA_VM_LIBVIRT_SILENT;
	}
	rc = ha_hv_load(&hv_ops, &err);
	if (rc < 0) {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
		return HA_VM_LIBVIRT_SILENT;
	}
	rc = hv_ops->open(vm->params->hypervisor, deadline_ms, &hv, &err);
	if (rc == 0) {
		rc = hv_ops->lookup(hv, uuid[0] ? uuid : NULL, vm->name,
				    deadline_ms, &dom, &err);
		if (rc == 0) {
			answer = from_dom(&dom);
		} else if (rc == -ENOENT) {
			answer = HA_VM_LIBVIRT_NO_DOMAIN;
		}
	}
	hv_ops->close(hv);
	agent_log(vm->ctx, AGENT_DEBUG, "libvirt asked: %s",
		  rc == 0 ? "answered" : err.text);
	return answer;
}

static void
look_at_process(struct vm *vm)
{
	struct ha_err err = HA_ERR_INIT;
	uint64_t patience_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_DYING_MS);
	int rc = vm_find_settled(vm, patience_ms, &err);

	while (rc > 0 && vm->is_dying && ha_clock_left_ms(patience_ms) > 0) {
		ha_clock_sleep_ms(VM_POLL_MS, patience_ms);
		rc = vm_find_settled(vm, patience_ms, &err);
	}
	if (rc > 0) {
		vm->facts.process = HA_VM_PROCESS_ALIVE;
	} else if (rc == 0) {
		vm->facts.process = HA_VM_PROCESS_GONE;
	} else {
		vm->facts.process = HA_VM_PROCESS_UNKNOWN;
		vm->why = err;
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
}

/* A start that is at work right now is its own business; one whose agent has
 * died may have left a request with libvirtd. */
static bool
is_start_pending(const struct vm *vm)
{
	return vm->has_record && vm->record.phase == HA_VM_PHASE_STARTING &&
	       !vm->is_revoked;
}

void
vm_look(struct vm *vm)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);
	struct ha_err err = HA_ERR_INIT;

	vm->facts = (struct ha_vm_facts){
		.phase = vm->has_record ? vm->record.phase : HA_VM_PHASE_NONE,
		.libvirtd_down = ha_hostconf_libvirtd_is_down(),
		.start_pending = is_start_pending(vm),
		.off_is_wish = vm->params->on_guest_shutdown ==
			       HA_VM_GUEST_SHUTDOWN_STOP,
	};
	look_at_process(vm);
	if (vm->facts.process == HA_VM_PROCESS_ALIVE) {
		vm->facts.qmp = vm_ask_qemu(vm, deadline_ms, &err);
		/* A host that swaps may take its time: one more, longer. */
		if (vm->facts.qmp == HA_VM_QMP_SILENT) {
			deadline_ms = ha_clock_step_ms(vm->ctx->deadline_ms,
						       VM_QMP_AGAIN_MS);
			vm->facts.qmp = vm_ask_qemu(vm, deadline_ms, &err);
		}
		if (vm->facts.qmp == HA_VM_QMP_NOT_ASKED ||
		    vm->facts.qmp == HA_VM_QMP_SILENT) {
			agent_log(vm->ctx, AGENT_INFO, "%s", err.text);
			vm->facts.libvirt = ask_libvirt(vm);
		}
		/* It may have ended between the two questions. */
		if (vm->facts.libvirt == HA_VM_LIBVIRT_NO_DOMAIN ||
		    vm->facts.libvirt == HA_VM_LIBVIRT_SHUTOFF) {
			look_at_process(vm);
		}
	}
	vm->state = ha_vm_state_judge(&vm->facts);
}

/* Has the last monitor said the same? Then the log has it already. Keeps
 * what is said now for the next one. */
static bool
is_repeated(struct vm *vm, enum ha_vm_health health)
{
	uint64_t code = (uint64_t)vm->state * 32 + (uint64_t)health * 4 +
			vm->is_unlisted * 2u + vm->facts.libvirtd_down;
	struct ha_err err = HA_ERR_INIT;

	if (!vm->has_record || vm->record.reported == code) {
		return vm->has_record;
	}
	vm->record.reported = code;
	if (ha_vmfiles_store(vm->resource, &vm->record, &err) < 0) {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
	return false;
}

enum ocf_rc
vm_report(struct vm *vm)
{
	enum ha_vm_health health = ha_vm_state_health(vm->state, &vm->facts);
	const char *name = vm->name[0] ? vm->name : vm->resource;
	const char *more = "";
	bool repeated = is_repeated(vm, health);

	if (vm->is_unlisted && health != HA_VM_HEALTH_FAILED) {
		return (repeated ? agent_repeat : agent_fail)(
			vm->ctx, OCF_DEGRADED,
			"%s is %s, and nothing keeps another host from "
			"starting it too: %s",
			name, ha_vm_state_text(vm->state), vm->unlisted.text);
	}
	switch (health) {
	case HA_VM_HEALTH_OK:
		return OCF_SUCCESS;
	case HA_VM_HEALTH_OFF:
		return OCF_NOT_RUNNING;
	case HA_VM_HEALTH_DEGRADED:
		if (vm->state == HA_VM_SHUT_DOWN) {
			/* Pacemaker keeps 128 characters. */
			return (repeated ? agent_repeat : agent_fail)(
				vm->ctx, OCF_DEGRADED,
				"%s: off, as its guest wishes; FaultDomain "
				"stops it, or without one: crm resource stop "
				"%s",
				name, vm->resource);
		}
		if (vm->facts.libvirtd_down) {
			more = "; libvirtd is down on this host, so it can be "
			       "neither migrated nor started here";
		}
		return (repeated ? agent_repeat : agent_fail)(
			vm->ctx, OCF_DEGRADED, "%s is %s%s", name,
			ha_vm_state_text(vm->state), more);
	case HA_VM_HEALTH_FAILED:
		break;
	}
	if (vm->facts.process == HA_VM_PROCESS_UNKNOWN) {
		return agent_fail(vm->ctx, OCF_ERR_GENERIC,
				  "%s may run here: %s", name, vm->why.text);
	}
	return agent_fail(vm->ctx, OCF_ERR_GENERIC, "%s is %s", name,
			  ha_vm_state_text(vm->state));
}
