/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop: the guest is asked to shut down, and when it does not, its power is
 * cut. Stop always stops: with libvirtd dead or hung, with config and disks
 * gone. It says "stopped" only when the process is proven gone, no start of
 * ours can still bring it up, and the VM list has been told (SAFETY 12).
 */
#include <errno.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/hostconf.h"
#include "ha/hvload.h"
#include "ha/vmfiles.h"

static bool
ask_guest_agent(struct vm *vm)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_AGENT_ASK_MS);
	const struct ha_hv_ops *ops;
	struct ha_err err = HA_ERR_INIT;
	struct ha_hv *hv = NULL;
	int rc;

	/* Only libvirt holds the guest agent's channel. */
	if (ha_hostconf_libvirtd_is_down()) {
		return false;
	}
	rc = ha_hv_load(&ops, &err);
	if (rc == 0) {
		rc = ops->open(vm->params->hypervisor, deadline_ms, &hv, &err);
		if (rc == 0) {
			rc = ops->shutdown_agent(hv, vm->found.args.uuid,
						 deadline_ms, &err);
		}
		ops->close(hv);
	}
	if (rc < 0) {
		/* Most guests have none, and need no line for that. */
		agent_log(vm->ctx, rc == -ENOTSUP ? AGENT_DEBUG : AGENT_INFO,
			  "no shutdown by guest agent: %s", err.text);
	}
	return rc == 0;
}

static bool
press_power_button(struct vm *vm)
{
	struct ha_err err = HA_ERR_INIT;
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);

	if (vm_tell_qemu(vm, "system_powerdown", deadline_ms, &err) < 0) {
		agent_log(vm->ctx, AGENT_INFO, "no shutdown by ACPI: %s",
			  err.text);
		return false;
	}
	return true;
}

/* The domain XML may offer the guest no agent channel: asking libvirt (16 ms
 * and more) is then useless, but only libvirt knows. */
static bool
ask_guest(struct vm *vm)
{
	switch ((enum ha_vm_shutdown_mode)vm->params->shutdown_mode) {
	case HA_VM_SHUTDOWN_AGENT_ACPI:
		return ask_guest_agent(vm) || press_power_button(vm);
	case HA_VM_SHUTDOWN_AGENT:
		return ask_guest_agent(vm);
	case HA_VM_SHUTDOWN_ACPI:
		return press_power_button(vm);
	case HA_VM_SHUTDOWN_OFF:
		break;
	}
	return false;
}

/* Until when the guest may take, so that force still has its time. */
static uint64_t
patience_ms(const struct vm *vm)
{
	uint64_t deadline_ms = vm->ctx->deadline_ms;
	uint64_t left_ms = ha_clock_left_ms(deadline_ms);
	uint64_t reserve_ms = left_ms / 3 < VM_FORCE_RESERVE_MS ?
				      left_ms / 3 :
				      VM_FORCE_RESERVE_MS;
	uint64_t span_ms = left_ms - reserve_ms;

	if (vm->params->shutdown_timeout_ms &&
	    vm->params->shutdown_timeout_ms < span_ms) {
		span_ms = vm->params->shutdown_timeout_ms;
	}
	return ha_clock_now_ms() + span_ms;
}

static bool
uses_button(const struct vm *vm)
{
	return vm->params->shutdown_mode == HA_VM_SHUTDOWN_AGENT_ACPI ||
	       vm->params->shutdown_mode == HA_VM_SHUTDOWN_ACPI;
}

/* true: the guest has shut down. QEMU itself stays after the guest's power
 * off until libvirtd ends it; without libvirtd that is on us. A guest that
 * was still booting has lost the first press of the button. */
static bool
wait_for_guest(struct vm *vm, uint64_t until_ms)
{
	ha_autoclose int pidfd = ha_proc_open(&vm->found.id);
	uint64_t press_ms = ha_clock_now_ms() + VM_BUTTON_MS;

	while (pidfd >= 0) {
		struct ha_err err = HA_ERR_INIT;
		uint64_t step_ms = ha_clock_step_ms(until_ms, 10 * VM_POLL_MS);

		if (ha_proc_wait_end(pidfd, step_ms) == 0) {
			return true;
		}
		if (vm_ask_qemu(vm, ha_clock_step_ms(until_ms, VM_QMP_MS),
				&err) == HA_VM_QMP_SHUTDOWN) {
			return true;
		}
		if (ha_clock_left_ms(until_ms) == 0) {
			return false;
		}
		if (uses_button(vm) && ha_clock_left_ms(press_ms) == 0) {
			(void)press_power_button(vm);
			press_ms = ha_clock_now_ms() + VM_BUTTON_MS;
		}
	}
	return true;
}

static void
shut_down(struct vm *vm)
{
	uint64_t until_ms = patience_ms(vm);
	struct ha_err err = HA_ERR_INIT;

	if (!ha_vm_state_has_guest(vm->state)) {
		agent_log(vm->ctx, AGENT_NOTICE,
			  "guest can't shut down (%s), cutting its power",
			  ha_vm_state_text(vm->state));
		return;
	}
	/* Before it is asked: vmha-fdmd must not take what follows for the
	 * guest's own wish (on_guest_shutdown). */
	if (ha_vmfiles_mark_stop(vm->resource, &err) < 0) {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
	if (!ask_guest(vm)) {
		agent_log(vm->ctx, AGENT_NOTICE,
			  "guest was not asked to shut down, cutting its "
			  "power");
		return;
	}
	agent_log(vm->ctx, AGENT_INFO,
		  "guest asked to shut down, waiting up to %llu s",
		  (unsigned long long)ha_clock_left_ms(until_ms) / 1000);
	if (!wait_for_guest(vm, until_ms)) {
		agent_log(vm->ctx, AGENT_WARNING,
			  "guest has not shut down in time, cutting its "
			  "power");
	}
}

/* 0: proven gone. */
static int
bring_down(struct vm *vm, struct ha_err *err)
{
	int revoked;
	int rc;

	if (vm->has_record && vm->record.phase == HA_VM_PHASE_OUTGOING) {
		return vm_kill_outgoing(vm, err);
	}
	revoked = vm_revoke_start(vm, err);
	vm_look(vm);
	if (vm->facts.process == HA_VM_PROCESS_ALIVE) {
		shut_down(vm);
	} else {
		vm->was_gone = true;
	}
	rc = vm_kill(vm, vm->ctx->deadline_ms, err);
	if (rc == 0 && revoked < 0) {
		/* What made it fail may be gone with the process. */
		rc = vm_revoke_start(vm, err);
		return rc < 0 ? rc : vm_kill(vm, vm->ctx->deadline_ms, err);
	}
	return rc;
}

enum ocf_rc
vm_stop(struct agent_ctx *ctx)
{
	static struct vm vm;
	struct ha_err err = HA_ERR_INIT;
	const char *name;
	int rc;

	vm_init(&vm, ctx);
	vm_identify(&vm);
	name = vm.name[0] ? vm.name : vm.resource;
	rc = bring_down(&vm, &err);
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC,
				  "%s can't be proven stopped: %s", name,
				  err.text);
	}
	rc = vm_withdraw(&vm, &err);
	while (rc == -ESTALE && ha_clock_left_ms(ctx->deadline_ms) > 0) {
		rc = bring_down(&vm, &err);
		rc = rc < 0 ? rc : vm_withdraw(&vm, &err);
	}
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC,
				  "%s is stopped, but still in the VM list: "
				  "%s",
				  name, err.text);
	}
	vm_record_forget(&vm);
	vm_tell_ended(&vm);
	agent_log(ctx, AGENT_INFO, "%s is stopped", name);
	return OCF_SUCCESS;
}
