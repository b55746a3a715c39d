/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends the QEMU of a VM and proves it: quit by its own monitor, SIGTERM,
 * SIGKILL, each through a pidfd of the process that pid, start time and
 * identity have proven, until no process of this VM is left. libvirt is not
 * asked: it notices the end by itself, and this works without it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/cleanup.h"
#include "ha/clock.h"

/* More than one process of a VM is a fault in itself; bound the loop. */
#define MAX_PROCESSES 8

/* Each step may take its time, but never so much that the next has none. */
static uint64_t
share_of(uint64_t deadline_ms, uint64_t span_ms)
{
	uint64_t third_ms = ha_clock_left_ms(deadline_ms) / 3;

	return ha_clock_step_ms(deadline_ms,
				span_ms < third_ms ? span_ms : third_ms);
}

static int
kill_process(struct vm *vm, int pidfd, uint64_t deadline_ms, struct ha_err *err)
{
	(void)ha_proc_signal(pidfd, SIGKILL);
	if (ha_proc_wait_end(pidfd, deadline_ms) == 0) {
		return 0;
	}
	return ha_err_set(err, -ETIMEDOUT,
			  "QEMU process %d does not end, not even by SIGKILL "
			  "(stuck in the kernel, on storage that hangs?)",
			  (int)vm->found.id.pid);
}

static int
open_process(struct vm *vm, struct ha_err *err)
{
	int pidfd = ha_proc_open(&vm->found.id);

	return pidfd >= 0 || pidfd == -ESRCH ?
		       pidfd :
		       ha_err_set(err, pidfd, "can't open process %d: %s",
				  (int)vm->found.id.pid, strerror(-pidfd));
}

static int
end_process(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	ha_autoclose int pidfd = open_process(vm, err);
	uint64_t step_ms = share_of(deadline_ms, VM_QUIT_MS);

	if (pidfd < 0) {
		return pidfd == -ESRCH ? 0 : pidfd;
	}
	if (vm_tell_qemu(vm, "quit", ha_clock_step_ms(step_ms, VM_QMP_MS),
			 err) == 0 &&
	    ha_proc_wait_end(pidfd, step_ms) == 0) {
		return 0;
	}
	agent_log(vm->ctx, AGENT_NOTICE,
		  "QEMU %d does not quit, sending SIGTERM",
		  (int)vm->found.id.pid);
	(void)ha_proc_signal(pidfd, SIGTERM);
	step_ms = share_of(deadline_ms, VM_TERM_MS);
	if (ha_proc_wait_end(pidfd, step_ms) == 0) {
		return 0;
	}
	agent_log(vm->ctx, AGENT_WARNING,
		  "QEMU %d does not end on SIGTERM, sending SIGKILL",
		  (int)vm->found.id.pid);
	return kill_process(vm, pidfd, deadline_ms, err);
}

int
vm_kill_now(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	ha_autoclose int pidfd = open_process(vm, err);

	if (pidfd < 0) {
		return pidfd == -ESRCH ? 0 : pidfd;
	}
	return kill_process(vm, pidfd, deadline_ms, err);
}

int
vm_kill(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	for (int i = 0; i < MAX_PROCESSES; i++) {
		int rc = vm_find_settled(vm, deadline_ms, err);

		if (rc <= 0) {
			return rc;
		}
		rc = end_process(vm, deadline_ms, err);
		if (rc < 0) {
			return rc;
		}
	}
	return ha_err_set(err, -EAGAIN,
			  "new QEMU processes of it keep appearing; somebody "
			  "else starts it on this host");
}
