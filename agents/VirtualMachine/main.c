/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ocf:vmha:VirtualMachine: a QEMU virtual machine of libvirt as a Pacemaker
 * resource. This file is the agent's face: its actions with their timeouts
 * and its description. Parameters: libha/params/virtual_machine.c.
 */
#include <stdio.h>
#include <unistd.h>

#include "VirtualMachine/vm.h"

/* A typing error in a parameter must never take a running VM down: only start
 * and validate-all insist on every one of them. */
static const struct agent_action ACTIONS[] = {
	{ .name = "start", .timeout_s = VM_START_TIMEOUT_S, .run = vm_start },
	{ .name = "stop",
	  .timeout_s = VM_STOP_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = vm_stop },
	{ .name = "monitor",
	  .timeout_s = VM_MONITOR_TIMEOUT_S,
	  .interval_s = VM_MONITOR_INTERVAL_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = vm_monitor },
	{ .name = "migrate_to",
	  .timeout_s = VM_MIGRATE_TO_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = vm_migrate_to },
	{ .name = "migrate_from",
	  .timeout_s = VM_MIGRATE_FROM_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = vm_migrate_from },
	{ .name = "reload-agent",
	  .timeout_s = VM_RELOAD_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = vm_reload_agent },
	{ .name = "validate-all",
	  .timeout_s = VM_VALIDATE_TIMEOUT_S,
	  .run = vm_validate_all },
	{ .name = NULL },
};

static const char LONGDESC[] =
	"Runs a QEMU/KVM virtual machine of libvirt as a highly available "
	"resource: start, guest shutdown, live migration and a monitor that "
	"costs less than a millisecond.\n"
	"\n"
	"The state of the virtual machine is proven by its QEMU process and "
	"by a monitor socket of the agent's own, so monitor and stop keep "
	"working while libvirtd is dead or hangs and while the domain XML and "
	"the disks are unreachable. \"Not running\" is said only when it is "
	"proven; a virtual machine that is in doubt is never started a second "
	"time. The user's domain XML, NVRAM and persistent definition are "
	"never changed.\n"
	"\n"
	"Set allow-migrate=true for live migration.";

static int
check(const void *values, const char *instance, struct ha_err *err)
{
	return ha_vm_params_check(values, instance, err);
}

const struct agent_desc VM_AGENT = {
	.name = "VirtualMachine",
	.version = VMHA_VERSION,
	.shortdesc = "Manages a QEMU/KVM virtual machine through libvirt, "
		     "highly available",
	.longdesc = LONGDESC,
	.params = HA_VM_PARAMS,
	.actions = ACTIONS,
	.check = check,
	.values_size = sizeof(struct ha_vm_params),
	.man_body = VM_MAN_BODY,
};

int
main(int argc, char **argv)
{
	int rc = agent_main(&VM_AGENT, argc, argv);

	/* Not exit(): after a timeout a thread may still be inside libvirt,
	 * and the destructors of its libraries would free what it uses (seen:
	 * SIGABRT by malloc_consolidate() in place of exit code 190). */
	fflush(stdout);
	_exit(rc);
}
